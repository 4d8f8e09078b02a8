"""Runs of sessions on one side of zero."""

from __future__ import annotations

import numpy as np

from core.jit import inlined
from core.records import Quality

_NOT_READY = int(Quality.NOT_READY)


@inlined
def next_run(run, value):  # type: ignore[no-untyped-def]
    """Sessions in a row with a value's sign, signed: zero and unknown break it.

    Args:
        run: The run up to the session before, 0 where none is known.
        value: This session's, NaN where unknown.
    """
    if value > 0.0:
        return run + 1.0 if run > 0.0 else 1.0
    if value < 0.0:
        return run - 1.0 if run < 0.0 else -1.0
    return 0.0


@inlined
def publish_run(output, row, run, before, reason, values, quality, observations):  # type: ignore[no-untyped-def]
    """Write a run, unknown in its first known session: nobody saw whether it began there.

    Args:
        output: Row of `values` to write.
        row: The pair.
        run: With this session.
        before: Up to the session before.
        reason: Quality of the value behind it, 0 where it is known.
        values: float64 (outputs, pairs).
        quality: uint8 (outputs, pairs).
        observations: int32 (outputs, pairs).
    """
    if reason == 0 and before == 0.0 and run != 0.0:
        reason = _NOT_READY
    quality[output, row] = reason
    values[output, row] = run if reason == 0 else np.nan
    observations[output, row] = int(abs(run)) if reason == 0 else 0
