"""Helpers of daily kernels: write one pair's outputs, known or unknown."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.kernels.codes import CONSTANT, NOT_READY, OK
from core.kernels.jit import inlined


@inlined
def put(values, quality, observations, output, row, value, count):
    """Write a value from `count` observations; NaN means that its window is constant."""
    values[output, row] = value
    quality[output, row] = CONSTANT if np.isnan(value) else OK
    observations[output, row] = count


@inlined
def put_unknown(values, quality, observations, output, row, reason, count):
    """Write an unknown value with its reason."""
    values[output, row] = np.nan
    quality[output, row] = reason
    observations[output, row] = count


@inlined
def put_judged(values, quality, observations, output, row, value, reason, count):
    """Write a value if `reason` is OK, otherwise NaN and the reason."""
    values[output, row] = value if reason == OK else np.nan
    quality[output, row] = reason
    observations[output, row] = count


@inlined
def put_all_unknown(values, quality, observations, row, reason, count):
    """Write every output of a pair as unknown.

    Args:
        values: float64 (outputs, pairs).
        quality: uint8 (outputs, pairs).
        observations: int32 (outputs, pairs).
        row: The pair.
        reason: The reason; OK if the kernel writes the values afterwards.
        count: Number of observations.
    """
    for output in range(len(values)):
        put_unknown(values, quality, observations, output, row, reason, count)


@inlined
def sign_of(value):
    """1, 0 or -1."""
    if value > 0:
        return 1
    return -1 if value < 0 else 0


# Fields of a run: number of consecutive sessions with the same sign.
RUN_LENGTH: Final = 0
RUN_SEEN: Final = 1
RUN_FIELDS: Final = 2


@inlined
def longer_run(length, sign):
    """Signed length of a run after another session: a change of sign restarts it, zero ends it."""
    if length * sign > 0:
        return length + sign
    return float(sign)


@inlined
def run_is_known(length, seen, sign):
    """Whether the run's start was observed; a run since the start of the history may be longer."""
    return seen > 0.0 or sign == 0 or length * sign < 0


@inlined
def put_sign_run(output, row, run, value, reason, values, quality, observations):
    """Extend the run of a value's sign, and write it if its start was observed.

    Args:
        output: Row of `values` to write.
        row: The pair.
        run: float64 (RUN_FIELDS,), changed in place.
        value: This session's.
        reason: Why the value is unknown, or OK; an unknown value ends the run at an unknown length.
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
