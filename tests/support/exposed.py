"""Copies of a state, as a scrape makes them, without an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from core.definitions.definition import Definition
from core.engine.exposed import EXPOSED_KEYS, Exposed
from core.model.calendar import Calendar
from core.model.instruments import Pair
from core.model.records import EventState, Frequency, Quality
from core.partition.state import COUNTERS


def exposed_values(
    values: Mapping[str, Mapping[str, float]],
    *,
    definitions: Sequence[Definition] = (),
    episodes: Sequence[tuple[int, int, EventState, int]] = (),
    calendars: Sequence[Calendar] = (),
    sources: Sequence[str] = (),
) -> Exposed:
    """Give a copy in which only some values are known.

    Args:
        values: Pair → output key → value.
        definitions: Those in force.
        episodes: (definition, pair, state, ns) of each open episode.
        calendars: Calendars of the universe.
        sources: Names of the sources.
    """
    pairs = tuple(Pair(*name.split("/")) for name in values)
    table = np.full((len(EXPOSED_KEYS), len(pairs)), np.nan)
    for row, known in enumerate(values.values()):
        for key, value in known.items():
            table[EXPOSED_KEYS.index(key), row] = value
    columns = np.array([(d, p, int(state), ns) for d, p, state, ns in episodes], np.int64).reshape(-1, 4)
    return Exposed(
        pairs=pairs,
        definitions=tuple(definitions),
        calendars=tuple(calendars),
        sources=tuple(sources),
        values=table,
        quality=np.where(np.isnan(table), int(Quality.NOT_READY), int(Quality.OK)).astype(np.uint8),
        as_of_ns=np.zeros((len(Frequency), len(pairs)), np.int64),
        open_rows=columns[:, :2].T.copy(),
        open_states=columns[:, 2].astype(np.uint8),
        begun_ns=columns[:, 3].copy(),
        records=np.zeros((len(sources), len(COUNTERS)), np.int64),
        steps_to_confirm=np.zeros(len(definitions), np.int64),
        flips=np.zeros(len(definitions), np.int64),
    )
