"""Samples of metrics, from the copy that a scrape has made of a partition's state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.engine.exposed import EXPOSED_KEYS, Exposed
from core.indicators.exported import EXPORTED
from core.model.instruments import Pair
from core.model.metrics import Sample
from core.model.records import NANOSECONDS_PER_SECOND, EventState, Frequency, Quality
from core.partition.state import COUNTERS

_KNOWN: Final = (Quality.OK, Quality.REBUILT, Quality.TRADED_VOLUME, Quality.MIXED_VOLUME)
UNKNOWN_REASONS: Final = tuple(quality for quality in Quality if quality not in _KNOWN)


def all_samples(exposed: Exposed) -> Iterator[Sample]:
    """Yield every sample of a partition, for all its pairs."""
    rows = np.arange(len(exposed.pairs))
    yield from value_samples(exposed, rows)
    yield from episode_samples(exposed, rows)
    yield from record_samples(exposed)
    yield from definition_samples(exposed)


def series_per_pair(exposed: Exposed) -> NDArray[np.int64]:
    """Return how many series each pair has, int64 (pairs,)."""
    values: NDArray[np.int64] = (~np.isnan(exposed.values)).sum(axis=0)
    times: NDArray[np.int64] = (exposed.as_of_ns != 0).sum(axis=0)
    return values + times + 2 * exposed.opened_per_pair


def unknown_values(exposed: Exposed, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the unknown values of some pairs, by `Quality` code."""
    quality, unknown = exposed.quality[:, rows], np.isnan(exposed.values[:, rows])
    return np.bincount(quality[unknown], minlength=len(Quality)).astype(np.int64)


def value_samples(exposed: Exposed, rows: NDArray[np.int64]) -> Iterator[Sample]:
    """Yield the known values of some pairs, and the event time they are as of.

    Args:
        exposed: The copy.
        rows: int64 (n,): the pairs.
    """
    labels = [_labels(exposed.pairs[row]) for row in rows.tolist()]
    for number, key in enumerate(EXPOSED_KEYS):
        metric, window = EXPORTED[key]
        values = exposed.values[number, rows]
        known = np.flatnonzero(~np.isnan(values))
        for place, value in zip(known.tolist(), values[known].tolist(), strict=True):
            own = labels[place]
            yield Sample(metric, (*own, window) if window else own, value)
    for frequency in Frequency:
        for own, as_of_ns in zip(labels, exposed.as_of_ns[frequency, rows].tolist(), strict=True):
            if as_of_ns:
                seconds = as_of_ns / NANOSECONDS_PER_SECOND
                yield Sample("rotascope_value_timestamp_seconds", (*own, frequency.label), seconds)


def episode_samples(exposed: Exposed, rows: NDArray[np.int64]) -> Iterator[Sample]:
    """Yield the open episodes and candidates of some pairs, and when they began.

    Args:
        exposed: The copy.
        rows: int64 (n,): the pairs.
    """
    wanted = np.isin(exposed.open_rows[1], rows)
    episodes = zip(
        exposed.open_rows[:, wanted].T.tolist(),
        exposed.open_states[wanted].tolist(),
        exposed.begun_ns[wanted].tolist(),
        strict=True,
    )
    for (number, row), state, begun_ns in episodes:
        definition, own = exposed.definitions[number], _labels(exposed.pairs[row])
        labels = (*own, definition.definition_id, definition.title, EventState(state).label)
        yield Sample("rotascope_event_open", labels, 1)
        begun = begun_ns / NANOSECONDS_PER_SECOND
        yield Sample("rotascope_event_begin_timestamp_seconds", (*own, definition.definition_id), begun)


def record_samples(exposed: Exposed) -> Iterator[Sample]:
    """Yield the records of each source, by outcome."""
    for source, counts in zip(exposed.sources, exposed.records.tolist(), strict=True):
        for outcome, records in zip(COUNTERS, counts, strict=True):
            yield Sample("rotascope_engine_records_total", (source, outcome), records)


def definition_samples(exposed: Exposed) -> Iterator[Sample]:
    """Yield what is counted by definition: steps until confirmed, and provisional flips."""
    columns: Iterable[tuple[int, int]] = zip(
        exposed.steps_to_confirm.tolist(), exposed.flips.tolist(), strict=True
    )
    for definition, (steps, flips) in zip(exposed.definitions, columns, strict=True):
        labels = (definition.definition_id,)
        if EventState.CONFIRMED in definition.states:
            yield Sample("rotascope_event_steps_to_confirm_total", labels, steps)
        if definition.frequency == Frequency.DAY:
            yield Sample("rotascope_event_provisional_flips_total", labels, flips)


def _labels(pair: Pair) -> tuple[str, str, str]:
    return pair.name, pair.numerator, pair.benchmark
