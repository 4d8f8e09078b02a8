"""Oracles of averages, indices, records, streaks and volumes: forward passes over whole histories."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

from tests.oracles.statistics import simple_return

if TYPE_CHECKING:
    from tests.oracles.daily import DailyPair, Moment

DIGITS = 10
"""Decimals that comparisons with a threshold see."""

LEAST_SESSIONS = 252
WILDER, WILDER_LEAST = 14, 114

Oracle = Callable[["Moment"], float | None]


class Day(NamedTuple):
    """One session as an oracle walks by it.

    Args:
        entry: Its number among the sessions both legs have.
        session: Its date.
        s: Price of the numerator.
        l: Price of the benchmark.
    """

    entry: int
    session: date
    s: Fraction
    l: Fraction

    def price(self, side: int) -> Fraction:
        """Of the numerator, or of the benchmark."""
        return self.l if side else self.s


@cache
def days_of(pair: DailyPair) -> tuple[Day, ...]:
    """Every session both legs have."""
    return tuple(Day(n, day, pair.numerator[day], pair.benchmark[day]) for n, day in enumerate(pair.both))


def today(moment: Moment) -> Day:
    """The session looked at, finished or not."""
    return Day(moment.entry, moment.session, moment.s, moment.l)


# --- averages -------------------------------------------------------------------------------------


@cache
def in_units(pair: DailyPair) -> tuple[int, ...]:
    """Closes of the numerator in units of 1e-9."""
    return tuple(int(day.s * 10**9) for day in days_of(pair))


def _last(pair: DailyPair, day: Day, length: int) -> list[int] | None:
    """Prices of the sessions an average is over, the present one last."""
    if day.entry < length - 1:
        return None
    return [*in_units(pair)[day.entry - length + 1 : day.entry], int(day.s * 10**9)]


def _distance_pct(length: int, moment: Moment) -> float | None:
    prices = _last(moment.pair, today(moment), length)
    return None if prices is None else float(100 * (Fraction(prices[-1] * length, sum(prices)) - 1))


def _distance_sd(moment: Moment) -> float | None:
    prices = _last(moment.pair, today(moment), 50)
    if prices is None:
        return None
    mean = Fraction(sum(prices), 50)
    deviations = [float(price - mean) for price in prices]
    squares = math.fsum(d * d for d in deviations)
    return deviations[-1] / math.sqrt(squares / 49) if squares else None


def _mansfield(pair: DailyPair, day: Day) -> float | None:
    if day.entry < 199:
        return None
    ratio = float(day.s / day.l)
    total = math.fsum([*pair.series["ratio"][day.entry - 199 : day.entry], ratio])
    return 100 * (ratio * 200 - total) / total


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _ma200_side(pair: DailyPair, day: Day) -> int | None:
    prices = _last(pair, day, 200)
    return None if prices is None else _sign(200 * prices[-1] - sum(prices))


def _ma50_over_ma200(pair: DailyPair, day: Day) -> int | None:
    prices = _last(pair, day, 200)
    return None if prices is None else _sign(4 * sum(prices[-50:]) - sum(prices))


def _mansfield_side(pair: DailyPair, day: Day) -> int | None:
    value = _mansfield(pair, day)
    return None if value is None else _sign(round(value, DIGITS))


# --- runs -----------------------------------------------------------------------------------------

Sign = Callable[["DailyPair", Day], int | None]


def _step(signs: list[int | None], sign: int | None) -> float | None:
    """Signed length of the run that ends with `sign`; None where its start is not in sight."""
    if sign is None or sign == 0:
        return sign
    length = 1
    for earlier in reversed(signs):
        if earlier is None:
            return None
        if earlier != sign:
            return float(sign * length)
        length += 1
    return None


@cache
def _signs(pair: DailyPair, sign: Sign) -> list[int | None]:
    return [sign(pair, day) for day in days_of(pair)]


def _run(sign: Sign, moment: Moment) -> float | None:
    return _step(_signs(moment.pair, sign)[: moment.entry], sign(moment.pair, today(moment)))


def _returns(pair: DailyPair, day: Day, sessions: int) -> tuple[float, float] | None:
    """Returns of both legs over so many sessions of the exchange."""
    row = pair.row[day.session] - sessions
    base = pair.sessions[row] if row >= 0 else None
    if base is None or base not in pair.numerator or base not in pair.benchmark:
        return None
    return simple_return(day.s, pair.numerator[base]), simple_return(day.l, pair.benchmark[base])


def _ahead(pair: DailyPair, day: Day) -> int | None:
    found = _returns(pair, day, 1)
    return None if found is None else _sign(round(100 * (found[0] - found[1]), DIGITS))


def _gained(pair: DailyPair, day: Day) -> int | None:
    found = _returns(pair, day, 1)
    return None if found is None else int(round(100 * found[0], DIGITS) >= 1)


# --- records --------------------------------------------------------------------------------------


def _five(pair: DailyPair, day: Day) -> float | None:
    found = _returns(pair, day, 5)
    return None if found is None else 100 * (found[0] - found[1])


@cache
def _fives(pair: DailyPair) -> list[float | None]:
    return [_five(pair, day) for day in days_of(pair)]


@cache
def _five_extremes(pair: DailyPair, pick: Callable[[float, float], float]) -> list[float | None]:
    """The most extreme five-session change before each entry, once there are enough of them."""
    found: list[float | None] = []
    extreme, count = math.nan, 0
    for value in _fives(pair):
        found.append(extreme if count >= LEAST_SESSIONS else None)
        if value is not None:
            extreme, count = pick(extreme, value) if count else value, count + 1
    return found


def _five_record(pick: Callable[[float, float], float], moment: Moment) -> float | None:
    return _five_extremes(moment.pair, pick)[moment.entry]


def _is_five_record(moment: Moment) -> float | None:
    value = _five(moment.pair, today(moment))
    highest, lowest = _five_record(max, moment), _five_record(min, moment)
    if value is None or highest is None or lowest is None:
        return None
    return 1.0 if value > highest else -1.0 if value < lowest else 0.0


class Peaks(NamedTuple):
    """Entries at which each leg set a new record close, ascending."""

    s: list[int]
    l: list[int]


@cache
def _peaks(pair: DailyPair) -> Peaks:
    found = Peaks([], [])
    for side, entries in enumerate(found):
        highest = Fraction(0)
        for day in days_of(pair):
            if day.price(side) > highest:
                highest = day.price(side)
                entries.append(day.entry)
    return found


@lru_cache(maxsize=4)
def _records(moment: Moment) -> tuple[list[Day], list[Day]] | None:
    """Record closes of both legs up to the session, itself included."""
    if moment.entry < LEAST_SESSIONS:
        return None
    days, now = days_of(moment.pair), today(moment)
    lists = []
    for side, entries in enumerate(_peaks(moment.pair)):
        before = [days[entry] for entry in entries if entry < moment.entry]
        lists.append([*before, now] if now.price(side) > before[-1].price(side) else before)
    return lists[0], lists[1]


def _of_records(value: Callable[[Day, list[Day], list[Day]], float], moment: Moment) -> float | None:
    found = _records(moment)
    return None if found is None else value(today(moment), *found)


def _days_since_1970(day: date) -> float:
    return float((day - date(1970, 1, 1)).days)


def _under_water_before(now: Day, s: list[Day], _l: list[Day]) -> float:
    return float(now.entry - s[-2].entry - 1) if s[-1].entry == now.entry else 0.0


# --- index, volume --------------------------------------------------------------------------------


class Wilder(NamedTuple):
    """Average gain and loss after so many changes."""

    changes: int = 0
    gain: float = 0.0
    loss: float = 0.0

    def after(self, change: float) -> Wilder:
        """With one more change."""
        up, down = max(change, 0.0), max(-change, 0.0)
        if self.changes < WILDER:  # still a plain mean
            n = self.changes
            return Wilder(n + 1, (self.gain * n + up) / (n + 1), (self.loss * n + down) / (n + 1))
        n = WILDER
        return Wilder(self.changes + 1, (self.gain * (n - 1) + up) / n, (self.loss * (n - 1) + down) / n)


@cache
def _wilders(pair: DailyPair, series: str) -> list[Wilder]:
    line = _line(pair, series)
    found = [Wilder()]
    for then, now in itertools.pairwise(line):
        found.append(found[-1].after(float(now - then)))
    return found


@cache
def _line(pair: DailyPair, series: str) -> list[Fraction]:
    return [day.s if series == "numerator" else day.s / day.l for day in days_of(pair)]


def _rsi(series: str, moment: Moment) -> float | None:
    if moment.entry < WILDER_LEAST:
        return None
    price = moment.s if series == "numerator" else moment.s / moment.l
    change = float(price - _line(moment.pair, series)[moment.entry - 1])
    wilder = _wilders(moment.pair, series)[moment.entry - 1].after(change)
    if wilder.loss == 0:
        return 100.0 if wilder.gain else 50.0
    return 100 - 100 / (1 + wilder.gain / wilder.loss)


def _average_volume(length: int, moment: Moment) -> float | None:
    before = moment.pair.both[max(0, moment.entry - length) : moment.entry]
    known = [float(moment.pair.s_volume[day]) for day in before if day in moment.pair.s_volume]
    return math.fsum(known) / len(known) if len(known) >= 0.9 * length else None


def _relative_volume(length: int, moment: Moment) -> float | None:
    mean = _average_volume(length, moment)
    if mean is None or moment.s_volume is None or mean == 0:
        return None
    return float(moment.s_volume) / mean


def _records_table() -> dict[str, Oracle]:
    table: dict[str, Callable[[Day, list[Day], list[Day]], float]] = {
        "drawdown_pct": lambda now, s, _: 100 * simple_return(now.s, s[-1].s),
        "benchmark_drawdown_pct": lambda now, _, l: 100 * simple_return(now.l, l[-1].l),
        "recovery_gap_pct": lambda now, s, _: 100 * simple_return(s[-1].s, now.s),
        "peak_session": lambda _now, s, _: _days_since_1970(s[-1].session),
        "sessions_under_water": lambda now, s, _: float(now.entry - s[-1].entry),
        "sessions_under_water_before": _under_water_before,
        "record_high": lambda now, s, _: float(s[-1].entry == now.entry),
        "records_this_year": lambda now, s, _: float(sum(d.session.year == now.session.year for d in s)),
        "catch_up_gap_pct": lambda now, s, _: float(100 * ((now.l / s[-1].l) / (now.s / s[-1].s) - 1)),
        "benchmark_since_peak_pct": lambda now, s, _: 100 * simple_return(now.l, s[-1].l),
        "benchmark_record_high": lambda now, _, l: float(l[-1].entry == now.entry),
    }
    return {key: partial(_of_records, value) for key, value in table.items()}


LEVELS: dict[str, Oracle] = {
    "ma50_distance_pct": partial(_distance_pct, 50),
    "ma50_distance_sd": _distance_sd,
    "ma200_distance_pct": partial(_distance_pct, 200),
    "ma200_side_sessions": partial(_run, _ma200_side),
    "ma50_over_ma200_sessions": partial(_run, _ma50_over_ma200),
    "mansfield_pct:200d": lambda moment: _mansfield(moment.pair, today(moment)),
    "mansfield_side_sessions": partial(_run, _mansfield_side),
    "rsi:14": partial(_rsi, "numerator"),
    "ratio_rsi:14": partial(_rsi, "ratio"),
    **_records_table(),
    "outperformance_streak_sessions": partial(_run, _ahead),
    "gain_streak_sessions": partial(_run, _gained),
    "relative_record_5d_pp": partial(_five_record, max),
    "relative_record_low_5d_pp": partial(_five_record, min),
    "relative_5d_record": _is_five_record,
    **{f"relative_volume:{length}d": partial(_relative_volume, length) for length in (20, 63)},
    **{f"average_volume:{length}d": partial(_average_volume, length) for length in (20, 63)},
}
"""Key of an output → what it must be, None where it must be unknown."""

FLOORS: dict[str, float] = {
    "mansfield_pct:200d": 1e-12,
    "catch_up_gap_pct": 1e-12,
}
"""Differences of numbers that are nearly equal: what double precision leaves of them near zero."""
