"""Publishes daily history to the log as frames of baseline records, so that an engine starts warm.

They are routed like ticks: a close to its instrument's home partition or, for the benchmark tape, to every
partition; the record that ends a session to all partitions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model.instruments import Universe
from core.model.records import NO_INSTRUMENT
from producers.framing.framer import Framer
from producers.framing.outlet import Outlet

RECORDS_PER_STEP: Final = 4096
"""Number of records framed between two calls of `on_progress`."""


def publish_baseline(
    records: NDArray[np.void],
    universe: Universe,
    publisher: Outlet,
    *,
    partitions: int,
    epoch: int,
    timeout_s: float | None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Send baseline records and wait until all are acknowledged.

    Args:
        records: TICK (n,), from `core.engine.baseline.baseline_records`, all of one source.
        universe: Determines the partitions of a record.
        publisher: Sends the frames.
        partitions: Number of partitions of the ticks topic.
        epoch: Producer epoch of the history's source: higher than that of any earlier run.
        timeout_s: How long to wait for acknowledgements; None for no limit.
        on_progress: Called with the number of records framed and the total.

    Returns:
        Number of sessions sent.

    Raises:
        TransportError: A record could not be delivered.
    """
    if len(records) == 0:
        return 0
    framer = Framer(universe, partitions=partitions, source_id=int(records["source"][0]), epoch=epoch)
    for start in range(0, len(records), RECORDS_PER_STEP):
        step = records[start : start + RECORDS_PER_STEP]
        for frame in framer.add(step, 0.0):
            publisher.send(frame)
        on_progress(start + len(step), len(records))
    for frame in framer.flush():
        publisher.send(frame)
    publisher.flush(timeout_s)
    return int(np.count_nonzero(records["instrument_id"] == NO_INSTRUMENT))
