"""Whether kernels are compiled in this run; as plain Python they take a hundred times as long."""

from __future__ import annotations

import numba

COMPILED: bool = not numba.config.DISABLE_JIT
"""Tests over long recordings run whole where this is True, and over a cut of them where it is not."""
