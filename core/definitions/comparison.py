"""Comparison of values with thresholds: rounded, and only if their quality allows it."""

from __future__ import annotations

import numpy as np

from core.kernels.codes import USABLE
from core.kernels.jit import inlined


@inlined
def rounded(value):
    """Round a value to 1e-10 for a comparison, so that rounding noise does not change the result."""
    return np.floor(value * 1e10 + 0.5) / 1e10


@inlined
def usable(quality):
    """Whether a value of this quality may be compared."""
    return quality in USABLE


@inlined
def worse(first, second):
    """Combined quality of two values: a reason for `unknown` takes precedence."""
    if not usable(first):
        return first
    if not usable(second):
        return second
    return max(first, second)
