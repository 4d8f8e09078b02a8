"""How a value is held against a threshold: rounded first, and only where its quality allows it."""

from __future__ import annotations

import numpy as np

from core.kernels.codes import OK, REBUILT
from core.kernels.jit import inlined


@inlined
def rounded(value):
    """A value as thresholds see it: rounded to 1e-10, so that noise in the last bits decides nothing."""
    return np.floor(value * 1e10 + 0.5) / 1e10


@inlined
def usable(quality):
    """Whether a value of this quality may decide anything."""
    return quality in (OK, REBUILT)


@inlined
def worse(first, second):
    """The quality of two values taken together: a reason for `unknown` outranks `rebuilt`."""
    if not usable(first):
        return first
    if not usable(second):
        return second
    return max(first, second)
