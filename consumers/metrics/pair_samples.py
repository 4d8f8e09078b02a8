"""Samples of pairs, episodes, definitions and sessions, over all partitions of a worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from consumers.metrics.selection import Selection
from core.definitions.definition import Definition
from core.engine.exposed import Exposed
from core.engine.samples import UNKNOWN_REASONS, episode_samples, unknown_values, value_samples
from core.model.metrics import Sample
from core.model.records import Quality


def market_samples(partitions: Sequence[Exposed], selection: Selection, now_ns: int) -> Iterator[Sample]:
    """Yield what is known of the selected pairs, and what describes it.

    Args:
        partitions: The copies.
        selection: The pairs to show.
        now_ns: Wall time, ns UTC.
    """
    unknown = np.zeros(len(Quality), np.int64)
    for exposed, rows in zip(partitions, selection.rows, strict=True):
        yield from value_samples(exposed, rows)
        yield from episode_samples(exposed, rows)
        unknown += unknown_values(exposed, rows)
    for reason in UNKNOWN_REASONS:
        yield Sample("rotascope_unknown_values", (reason.label,), int(unknown[reason]))
    definitions = {each.definition_id: each for exposed in partitions for each in exposed.definitions}
    for definition in definitions.values():
        yield _info(definition)
    calendars = {each.name: each for exposed in partitions for each in exposed.calendars}
    for name, calendar in sorted(calendars.items()):
        yield Sample("rotascope_session_open", (name,), calendar.index_at(now_ns) >= 0)


def _info(definition: Definition) -> Sample:
    labels = (definition.definition_id, definition.title, definition.family, definition.frequency.label)
    return Sample("rotascope_definition_info", labels, 1)
