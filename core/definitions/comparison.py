"""How a value is held against a threshold: rounded first, and only where its quality allows it."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.kernels.jit import inlined
from core.model.records import Quality

_OK: Final = int(Quality.OK)
_REBUILT: Final = int(Quality.REBUILT)


@inlined
def rounded(value):  # type: ignore[no-untyped-def]
    """A value as thresholds see it: rounded to 1e-10, so that noise in the last bits decides nothing."""
    return np.floor(value * 1e10 + 0.5) / 1e10


@inlined
def usable(quality):  # type: ignore[no-untyped-def]
    """Whether a value of this quality may decide anything."""
    return quality in (_OK, _REBUILT)


@inlined
def worse(first, second):  # type: ignore[no-untyped-def]
    """The quality of two values taken together: a reason for `unknown` outranks `rebuilt`."""
    if not usable(first):
        return first
    if not usable(second):
        return second
    return max(first, second)
