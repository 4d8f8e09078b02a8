"""Every indicator of one pair on one day, by public name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from core.engine.engine import PartitionEngine
from core.events.events import SIGNIFICANT_DIGITS
from core.indicators import FAMILIES
from core.indicators.base import Output
from core.model.errors import SessionError
from core.model.instruments import Pair
from core.model.records import Frequency, Quality
from core.model.sessions import Calendar, day_to_date, session_day
from core.model.timestamps import date_text, rfc3339
from core.research.alignment import align_legs

DAILY_OUTPUTS: Final[tuple[Output, ...]] = tuple(
    output for family in FAMILIES if family.frequency == Frequency.DAY for output in family.outputs
)


@dataclass(frozen=True, slots=True)
class DayValues:
    """Result of `study values`.

    Args:
        pair: Pair name.
        date: Session date.
        knowable_time: Close of the session, RFC 3339.
        history_start: First session of the pair's history.
        values: Public name → number, date, or None if unknown.
        reasons: Name of an unknown value → reason, and of a known one → its volume, unless published.
        observations: Name → number of prices or returns used.
    """

    pair: str
    date: str
    knowable_time: str
    history_start: str
    values: Mapping[str, float | str | None]
    reasons: Mapping[str, str]
    observations: Mapping[str, int]


def session_of(pair: Pair, day: date, frames: Mapping[str, pl.DataFrame], calendar: Calendar) -> int:
    """Return the session of a date on which both legs have a close.

    Raises:
        SessionError: The exchange was closed, or a leg has no close; the message names the adjacent sessions.
    """
    session = session_day(day)
    both = align_legs(pair, frames)
    sessions = both["date"].cast(pl.Int32).to_numpy()
    row = int(np.searchsorted(sessions, session))
    if row < len(sessions) and sessions[row] == session:
        return session
    before = str(day_to_date(sessions[row - 1])) if row > 0 else "none"
    after = str(day_to_date(sessions[row])) if row < len(sessions) else "none"
    if session in calendar.session:
        why = f"{pair.name} has no close for a leg"
    elif calendar.session[0] < session < calendar.session[-1]:
        why = f"{calendar.name} has no session"
    else:
        why = "the files have no close"
    raise SessionError(
        f"{why} on {day} (before it: {before}, after it: {after})",
        operator_action="choose a date on which both legs have a close",
    )


def day_values(engine: PartitionEngine, pair: Pair, session: int) -> DayValues:
    """Read the current value of every daily output of a pair.

    Args:
        engine: Stepped to the end of the session.
        pair: The pair.
        session: Days since 1970-01-01.
    """
    evaluator = engine.evaluator
    row = evaluator.world.pairs.index(pair)
    observations = {
        output.key: int(family.observations[number, row])
        for family in evaluator.families
        for number, output in enumerate(family.outputs)
    }
    values: dict[str, float | str | None] = {}
    reasons: dict[str, str] = {}
    history_start = date_text(int(evaluator.days.history_start[row]))
    for output in DAILY_OUTPUTS:
        column, qualities = evaluator.columns[output.key]
        value, name = float(column[row]), output.value_name
        if math.isnan(value):
            values[name], reasons[name] = None, Quality(int(qualities[row])).label
            continue
        if qualities[row] not in (Quality.OK, Quality.REBUILT):
            reasons[name] = Quality(int(qualities[row])).label
        if output.is_session and value == 0.0:
            values[name], reasons[name] = None, f"none since {history_start}"
        elif output.is_session:
            values[name] = date_text(int(value))
        else:
            # Adding zero turns -0.0 into 0.0.
            values[name] = float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}") + 0.0
    return DayValues(
        pair=pair.name,
        date=date_text(session),
        knowable_time=rfc3339(int(evaluator.as_of_ns[Frequency.DAY, row])),
        history_start=history_start,
        values=values,
        reasons=reasons,
        observations={output.value_name: observations[output.key] for output in DAILY_OUTPUTS},
    )
