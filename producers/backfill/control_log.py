"""Daily history into the log, so that an engine starts warm: baseline records as frames.

They are routed as ticks are: a close to its instrument's home and, for the benchmark tape, to every
partition; the record that ends a session to all of them.
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
"""Records framed between two calls of `on_progress`."""


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
    """Send baseline records and wait until the broker has them all.

    Args:
        records: TICK (n,), as `core.engine.baseline.baseline_records` makes them, all of one source.
        universe: Decides which partitions a record goes to.
        publisher: Sends the frames.
        partitions: Number of partitions of the ticks topic.
        epoch: Generation of the history's lease: higher than that of any earlier run.
        timeout_s: How long to wait for acknowledgements; None for as long as it takes.
        on_progress: Told how many records are framed, and of how many.

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
