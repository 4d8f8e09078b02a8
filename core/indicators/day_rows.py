"""What kernels of daily families share: one pair's outputs written, known or unknown."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.kernels.codes import CONSTANT, NOT_READY, OK
from core.kernels.jit import inlined


@inlined
def put(values, quality, observations, output, row, value, count):
    """Write a value that rests on `count` observations; NaN says that its window is constant."""
    values[output, row] = value
    quality[output, row] = CONSTANT if np.isnan(value) else OK
    observations[output, row] = count


@inlined
def put_unknown(values, quality, observations, output, row, reason, count):
    """Write that a value is unknown, and why."""
    values[output, row] = np.nan
    quality[output, row] = reason
    observations[output, row] = count


@inlined
def put_all_unknown(values, quality, observations, row, reason, count):
    """Write that every output of a pair is unknown; what is known is then written over it.

    Args:
        values: float64 (outputs, pairs).
        quality: uint8 (outputs, pairs).
        observations: int32 (outputs, pairs).
        row: The pair.
        reason: Why; OK where the values are known and about to be written.
        count: Observations there are.
    """
    for output in range(len(values)):
        put_unknown(values, quality, observations, output, row, reason, count)


@inlined
def sign_of(value):
    """1, 0 or -1."""
    if value > 0:
        return 1
    return -1 if value < 0 else 0


# Fields of a run: how many sessions in a row something has had one sign.
RUN_LENGTH: Final = 0
RUN_SEEN: Final = 1
RUN_FIELDS: Final = 2


@inlined
def longer_run(length, sign):
    """Signed length of a run after one more session: a change of sign starts anew, zero breaks."""
    if length * sign > 0:
        return length + sign
    return float(sign)


@inlined
def run_is_known(length, seen, sign):
    """Whether the run's start has been seen; one that goes back to the history's start may be longer."""
    return seen > 0.0 or sign == 0 or length * sign < 0


@inlined
def put_sign_run(output, row, run, value, reason, values, quality, observations):
    """Lengthen a run of a value's sign, and write it where its start has been seen.

    Args:
        output: Row of `values` to write.
        row: The pair.
        run: float64 (RUN_FIELDS,), changed in place.
        value: This session's.
        reason: Why the value is unknown, OK where it is not; unknown breaks a run unseen.
        values: float64 (outputs, pairs).
        quality: uint8 (outputs, pairs).
        observations: int32 (outputs, pairs).
    """
    sign = sign_of(value) if reason == OK else 0
    known = reason == OK and run_is_known(run[RUN_LENGTH], run[RUN_SEEN], sign)
    run[RUN_LENGTH] = longer_run(run[RUN_LENGTH], sign)
    run[RUN_SEEN] = 1.0 if known else 0.0
    count = int(abs(run[RUN_LENGTH]))
    if known:
        put(values, quality, observations, output, row, run[RUN_LENGTH], max(1, count))
    else:
        put_unknown(values, quality, observations, output, row, reason if reason != OK else NOT_READY, count)
