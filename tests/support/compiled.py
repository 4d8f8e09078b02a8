"""Whether kernels are compiled in this run; as plain Python they take a hundred times as long."""

from __future__ import annotations

import numba

COMPILED: bool = not numba.config.DISABLE_JIT
"""Tests of many values take fewer of them where this is False; what is marked `compiled` is refused there."""
