"""Daily definitions decided over a history, with every event: what the engine does at each final day bar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

import numpy as np

from core.definitions.catalogue import Catalogue
from core.engine.evaluation import PairEvaluator
from core.events.events import Event
from core.model.instruments import Universe
from core.model.sessions import Calendar, session_day
from core.partition.world import build_world


def decide_days(
    universe: Universe,
    calendars: Mapping[str, Calendar],
    catalogue: Catalogue,
    closes: Mapping[str, Mapping[date, Fraction]],
) -> list[Event]:
    """Run a catalogue over closes by symbol; all pairs are of one calendar."""
    world = build_world(universe, calendars, partition=0, partitions=1)
    evaluator = PairEvaluator(world, catalogue)
    calendar = world.calendars[0]
    events: list[Event] = []
    for day in sorted({day for dates in closes.values() for day in dates}):
        row = calendar.row_of(session_day(day))
        for block in world.blocks:
            evaluator.look_up(block, block.calendar_row, row)
        for number, pair in enumerate(world.pairs):
            for side, leg in enumerate((pair.numerator, pair.benchmark)):
                price = closes[leg].get(day)
                evaluator.prices[side, number] = -1 if price is None else round(price * 10**9)
        close_ns = int(calendar.close_ns[row])
        rows = np.arange(len(world.pairs), dtype=np.int32)
        evaluator.finish_day(rows, session_day(day), close_ns, close_ns, events.append)
    return events
