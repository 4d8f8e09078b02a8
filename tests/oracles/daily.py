"""Daily outputs from two daily files: one function per output, by the key the catalogue uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache, partial

from tests.oracles.levels import LEVELS
from tests.oracles.standing import STANDING
from tests.oracles.statistics import (
    beta_and_correlation,
    log_strength_change,
    simple_return,
    strength_change,
    weighted_deviation,
)

SESSIONS_BACK = {"1d": 1, "5d": 5, "21d": 21, "63d": 63, "252d": 252}
TO_DATE = ("week", "month", "year")
BETA_RETURNS = 63
SIGMA_HALF_LIFE = 63
SIGMA_LEAST_RETURNS = 60


@dataclass(frozen=True, eq=False)
class DailyPair:
    """Closes of both legs on the sessions both have, and every session of the exchange.

    Args:
        sessions: All sessions, ascending, from the first that counts.
        numerator: Session → close.
        benchmark: Session → close.
    """

    sessions: tuple[date, ...]
    numerator: Mapping[date, Fraction]
    benchmark: Mapping[date, Fraction]
    both: tuple[date, ...] = field(init=False)
    row: Mapping[date, int] = field(init=False)
    series: Mapping[str, tuple[float, ...]] = field(init=False)
    """Numerator, benchmark and ratio on `both`, each rounded once."""
    s_returns: tuple[float, ...] = field(init=False)
    l_returns: tuple[float, ...] = field(init=False)
    log_returns: tuple[float, ...] = field(init=False)
    """Returns of entry n of `both` over entry n - 1; entry 0 has none and stands as NaN."""
    s_volume: Mapping[date, Fraction] = field(default_factory=dict)
    l_volume: Mapping[date, Fraction] = field(default_factory=dict)
    """Session → volume, where it is known."""
    rate: Mapping[date, Fraction] = field(default_factory=dict)
    flow: Mapping[date, Fraction] = field(default_factory=dict)
    """Session → value of the series, where it has one."""

    def __post_init__(self) -> None:
        both = tuple(day for day in self.sessions if day in self.numerator and day in self.benchmark)
        steps = list(zip(both[1:], both, strict=False))
        s, l = self.numerator, self.benchmark
        columns = {
            "both": both,
            "series": {
                "numerator": tuple(float(s[day]) for day in both),
                "benchmark": tuple(float(l[day]) for day in both),
                "ratio": tuple(float(s[day] / l[day]) for day in both),
            },
            "row": {day: row for row, day in enumerate(self.sessions)},
            "s_returns": (math.nan, *(simple_return(s[now], s[then]) for now, then in steps)),
            "l_returns": (math.nan, *(simple_return(l[now], l[then]) for now, then in steps)),
            "log_returns": (
                math.nan,
                *(log_strength_change(s[now], l[now], s[then], l[then]) for now, then in steps),
            ),
        }
        for name, value in columns.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, eq=False)
class Moment:
    """What is known of a session: finished, or in progress with the prices so far.

    Args:
        pair: The history; sessions from `entry` on have not happened yet.
        entry: How many entries of `pair.both` are finished.
        session: The session looked at.
        s: Price of the numerator.
        l: Price of the benchmark.
        s_volume: Volume of the numerator so far, None where it is unknown.
        l_volume: The same of the benchmark.
    """

    pair: DailyPair
    entry: int
    session: date
    s: Fraction
    l: Fraction
    s_volume: Fraction | None = None
    l_volume: Fraction | None = None

    @classmethod
    def at_close(cls, pair: DailyPair, entry: int) -> Moment:
        """Entry number `entry` of `pair.both`, at its close."""
        day = pair.both[entry]
        return cls(
            pair,
            entry,
            day,
            pair.numerator[day],
            pair.benchmark[day],
            pair.s_volume.get(day),
            pair.l_volume.get(day),
        )


Oracle = Callable[[Moment], float | None]


def base_session(pair: DailyPair, session: date, window: str) -> date | None:
    """The session a window starts from, None where the calendar or a leg does not have it."""
    if window in SESSIONS_BACK:
        row = pair.row[session] - SESSIONS_BACK[window]
        if row < 0:
            return None
        base = pair.sessions[row]
    else:
        starts = {
            "week": session - timedelta(days=session.weekday()),
            "month": session.replace(day=1),
            "year": session.replace(month=1, day=1),
        }
        row = pair.row[session]
        while row >= 0 and pair.sessions[row] >= starts[window]:
            row -= 1
        if row < 0:
            return None
        base = pair.sessions[row]
    return base if base in pair.numerator and base in pair.benchmark else None


def _over(window: str, change: Callable[[Moment, date], float], moment: Moment) -> float | None:
    base = base_session(moment.pair, moment.session, window)
    return None if base is None else change(moment, base)


def _log(moment: Moment, base: date) -> float:
    return log_strength_change(moment.s, moment.l, moment.pair.numerator[base], moment.pair.benchmark[base])


def _percent(moment: Moment, base: date) -> float:
    return 100 * strength_change(moment.s, moment.l, moment.pair.numerator[base], moment.pair.benchmark[base])


def _points(moment: Moment, base: date) -> float:
    s_then, l_then = moment.pair.numerator[base], moment.pair.benchmark[base]
    return float(100 * (moment.s / s_then - moment.l / l_then))


def _s_percent(moment: Moment, base: date) -> float:
    return 100 * simple_return(moment.s, moment.pair.numerator[base])


def _l_percent(moment: Moment, base: date) -> float:
    return 100 * simple_return(moment.l, moment.pair.benchmark[base])


def _ratio(moment: Moment) -> float:
    return float(moment.s / moment.l)


def _ratio_line(moment: Moment) -> float:
    """100 at the first session both legs have."""
    if moment.entry == 0:
        return 100.0
    first = moment.pair.both[0]
    return float(100 * (moment.s / moment.l) / (moment.pair.numerator[first] / moment.pair.benchmark[first]))


@lru_cache(maxsize=8)
def moments_of_window(moment: Moment) -> tuple[float | None, float | None]:
    """Beta and correlation of the window's returns."""
    pair, entry = moment.pair, moment.entry
    if entry < BETA_RETURNS:
        return None, None
    last = pair.both[entry - 1]
    x = [*pair.l_returns[entry - BETA_RETURNS + 1 : entry], simple_return(moment.l, pair.benchmark[last])]
    y = [*pair.s_returns[entry - BETA_RETURNS + 1 : entry], simple_return(moment.s, pair.numerator[last])]
    return beta_and_correlation(x, y)


def _beta(moment: Moment) -> float | None:
    return moments_of_window(moment)[0]


def _correlation(moment: Moment) -> float | None:
    return moments_of_window(moment)[1]


def _zscore(window: str, moment: Moment) -> float | None:
    """The horizon's log relative return over sigma; sigma rests on returns before the horizon."""
    pair, steps = moment.pair, SESSIONS_BACK[window]
    base = base_session(pair, moment.session, window)
    before = pair.log_returns[1 : moment.entry - steps + 1]
    if base is None or len(before) < SIGMA_LEAST_RETURNS:
        return None
    sigma = weighted_deviation(before, SIGMA_HALF_LIFE)
    return _log(moment, base) / (sigma * math.sqrt(steps)) if sigma > 0 else None


def _extreme(series: str, side: str, window: str, moment: Moment) -> float | None:
    length = SESSIONS_BACK[window]
    if moment.entry < length:
        return None
    values = moment.pair.series[series][moment.entry - length : moment.entry]
    return max(values) if side == "high" else min(values)


def _windows() -> dict[str, Oracle]:
    oracles: dict[str, Oracle] = {}
    for window in (*SESSIONS_BACK, *TO_DATE):
        oracles[f"relative_strength_log:{window}"] = partial(_over, window, _log)
        oracles[f"relative_strength_percent:{window}"] = partial(_over, window, _percent)
        oracles[f"relative_strength_pp:{window}"] = partial(_over, window, _points)
        oracles[f"instrument_return_pct:{window}"] = partial(_over, window, _s_percent)
        oracles[f"benchmark_return_pct:{window}"] = partial(_over, window, _l_percent)
    return oracles


DAILY: dict[str, Oracle] = {
    "ratio:1d": _ratio,
    "ratio_line:1d": _ratio_line,
    "numerator_price": lambda moment: float(moment.s),
    "benchmark_price": lambda moment: float(moment.l),
    "paired_numerator_price": lambda moment: float(moment.s),
    "paired_benchmark_price": lambda moment: float(moment.l),
    **_windows(),
    "beta:63d": _beta,
    "correlation:63d": _correlation,
    **{f"relative_return_zscore:{window}": partial(_zscore, window) for window in ("1d", "5d", "21d")},
    **{
        f"{series}_{side}:{window}": partial(_extreme, series, side, window)
        for series in ("numerator", "benchmark", "ratio")
        for side in ("high", "low")
        for window in ("63d", "252d")
    },
    **LEVELS,
    **STANDING,
}
"""Key of an output → what it must be, None where it must be unknown."""

BEYOND_PRICES = frozenset(
    key for key in DAILY if key.startswith(("relative_volume", "average_volume", "amihud", "rate_", "flow"))
)
"""Outputs that need volumes or series: unknown for a pair of two indices without them."""
