"""Which partitions an instrument's ticks go to, and which shard the values of its pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.model.instruments import Universe


def home(instrument_id: int, partitions: int) -> int:
    """Return the partition that owns an instrument, its pairs, its bars and its events.

    Args:
        instrument_id: The instrument.
        partitions: Number of partitions of the ticks topic, fixed for a topic generation.

    Returns:
        A partition, 0 to `partitions` − 1.

    Example:
        >>> home(14, 12)
        2
    """
    return instrument_id % partitions


def value_shards_of(instrument_ids: NDArray[np.uint32], shards: int) -> NDArray[np.uint32]:
    """Return the partitions of the values topic for pairs whose numerators are in no group.

    Args:
        instrument_ids: uint32 (n,): the numerators.
        shards: Number of partitions of the values topic, fixed for a topic generation.

    Returns:
        uint32 (n,): shards, 0 to `shards` − 1.

    Example:
        >>> value_shards_of(np.array([14, 16], np.uint32), 4).tolist()
        [2, 0]
    """
    return np.asarray(instrument_ids % np.uint32(shards), np.uint32)


def routes(universe: Universe, partitions: int) -> dict[int, tuple[int, ...]]:
    """Return the partitions of each instrument's ticks.

    Args:
        universe: The universe.
        partitions: Number of partitions of the ticks topic.

    Returns:
        instrument_id → home partition; for the benchmark tape and for series, followed by all others.
    """
    tape = {instrument.instrument_id for instrument in universe.benchmarks}
    result: dict[int, tuple[int, ...]] = {}
    for instrument in universe.instruments:
        first = home(instrument.instrument_id, partitions)
        others = tuple(partition for partition in range(partitions) if partition != first)
        everywhere = instrument.instrument_id in tape or instrument.is_series
        result[instrument.instrument_id] = (first, *others) if everywhere else (first,)
    return result
