"""Whether kernels are compiled in this run; as plain Python they take a hundred times as long."""

from __future__ import annotations

from numba.core import config

COMPILED: bool = not config.DISABLE_JIT  # type: ignore[attr-defined]
"""Tests of many values take fewer of them where this is False; what is marked `compiled` is refused there."""
