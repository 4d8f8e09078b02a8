"""Where a close stands in its own history: since when, among how many, above how many weekly closes."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING

from tests.oracles.statistics import log_strength_change, strength_change

if TYPE_CHECKING:
    from tests.oracles.daily import DailyPair, Moment

Oracle = Callable[["Moment"], float | None]

LEAST_SESSIONS = 252
RANKED = 252
WEEKS, LONGEST_RUN = 52, 26
EPOCH = date(1970, 1, 1)


# --- since when -----------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _since(series: str, side: str, moment: Moment) -> date | None:
    """The latest session whose close was at least as high or low; the epoch where none was."""
    now = float(moment.s) if series == "numerator" else float(moment.s / moment.l)
    closes = moment.pair.series[series]
    for entry in reversed(range(moment.entry)):
        if closes[entry] >= now if side == "highest" else closes[entry] <= now:
            return moment.pair.both[entry]
    return EPOCH if moment.entry >= LEAST_SESSIONS else None


def _session(series: str, side: str, moment: Moment) -> float | None:
    found = _since(series, side, moment)
    return None if found is None else float((found - EPOCH).days)


def _in_days(series: str, side: str, moment: Moment) -> float | None:
    found = _since(series, side, moment)
    if found is None:
        return None
    return float((moment.session - (moment.pair.both[0] if found == EPOCH else found)).days)


# --- among how many -------------------------------------------------------------------------------


def _raw_strength(pair: DailyPair, moment: Moment) -> float:
    points = [(moment.s, moment.l)]
    for quarter in range(1, 5):
        day = pair.both[moment.entry - 63 * quarter]
        points.append((pair.numerator[day], pair.benchmark[day]))
    quarters = [strength_change(*points[n], *points[n + 1]) for n in range(4)]
    return math.fsum(weight * value for weight, value in zip((0.4, 0.2, 0.2, 0.2), quarters, strict=True))


def _change(sessions: int, pair: DailyPair, moment: Moment) -> float:
    then = pair.both[moment.entry - sessions]
    return log_strength_change(moment.s, moment.l, pair.numerator[then], pair.benchmark[then])


Score = Callable[["DailyPair", "Moment"], float]


@cache
def _scores(pair: DailyPair, score: Score) -> list[float]:
    """Scores at every close, NaN before there is one."""
    from tests.oracles.daily import Moment

    return [
        score(pair, Moment.at_close(pair, entry)) if entry >= 252 else math.nan
        for entry in range(len(pair.both))
    ]


def _rank(score: Score, moment: Moment) -> float | None:
    if moment.entry < 252 + RANKED:
        return None
    now = score(moment.pair, moment)
    past = _scores(moment.pair, score)[moment.entry - RANKED : moment.entry]
    return (sum(value < now for value in past) + 0.5 * sum(value == now for value in past)) / RANKED


def _percentile(score: Score, moment: Moment) -> float | None:
    rank = _rank(score, moment)
    return None if rank is None else 100 * rank


def _rating(moment: Moment) -> float | None:
    rank = _rank(_raw_strength, moment)
    return None if rank is None else float(min(99, 1 + math.floor(99 * rank)))


# --- weekly closes --------------------------------------------------------------------------------


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


@cache
def _weekly(pair: DailyPair) -> dict[date, float]:
    """Monday of each week → close of its last session, as if all were completed."""
    return {_monday(day): float(pair.numerator[day]) for day in pair.both}


def _is_last_of_week(pair: DailyPair, session: date) -> bool:
    row = pair.row[session] + 1
    if row == len(pair.sessions):
        return session.weekday() >= 4
    return _monday(pair.sessions[row]) > _monday(session)


def _run(closes: list[float]) -> tuple[int, float]:
    """The most weekly closes that stand above the 52 before them, and the highest of those."""
    for length in range(LONGEST_RUN, 0, -1):
        level = max(closes[-WEEKS - length : -length])
        if min(closes[-length:]) > level:
            return length, level
    return 0, max(closes[-WEEKS:])


@lru_cache(maxsize=4)
def _weeks(moment: Moment) -> tuple[int, float] | None:
    """Length of the run, and the level it is on or has to beat."""
    monday = _monday(moment.session)
    closes = [close for week, close in _weekly(moment.pair).items() if week < monday]
    if len(closes) < WEEKS + LONGEST_RUN:
        return None
    run, level = _run(closes)
    if _is_last_of_week(moment.pair, moment.session):
        run = _run([*closes, float(moment.s)])[0]
    return run, level


def _of_weeks(value: Callable[[float, int, float], float], moment: Moment) -> float | None:
    found = _weeks(moment)
    return None if found is None else value(float(moment.s), *found)


STANDING: dict[str, Oracle] = {
    **{
        f"{series}_{side}_{name}": partial(oracle, series, side)
        for series in ("numerator", "ratio")
        for side in ("highest", "lowest")
        for name, oracle in (("since", _session), ("in_days", _in_days))
    },
    "strength_percentile": _rating,
    "relative_percentile:21d": partial(_percentile, partial(_change, 21)),
    "relative_percentile:252d": partial(_percentile, partial(_change, 252)),
    "weekly_closes_above": partial(_of_weeks, lambda _now, run, _level: float(run)),
    "resistance_distance_pct": partial(_of_weeks, lambda now, _run, level: 100 * (now - level) / level),
    "resistance_price": partial(_of_weeks, lambda _now, _run, level: level),
}
"""Key of an output → what it must be, None where it must be unknown."""
