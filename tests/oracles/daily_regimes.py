"""Trends, overheating and divergences between turning points: walked session by session."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache, partial
from itertools import pairwise

from tests.oracles.daily import DailyPair, Moment, Oracle
from tests.oracles.daily_statistics import deviation, mid_rank

YEAR = 252


@lru_cache(maxsize=8)
def _closes(pair: DailyPair, side: int) -> tuple[Fraction, ...]:
    leg = (pair.numerator, pair.benchmark)[side]
    return tuple(leg[day] for day in pair.both)


def _prices(moment: Moment, side: int, count: int) -> list[Fraction]:
    """A leg's latest closes, the present price last; all there are where there are fewer."""
    past = _closes(moment.pair, side)[max(0, moment.entry - count + 1) : moment.entry]
    return [*past, (moment.s, moment.l)[side]]


# --- trend


@lru_cache(maxsize=8)
def _in_units(pair: DailyPair, side: int) -> tuple[int, ...]:
    return tuple(int(close * 10**9) for close in _closes(pair, side))


def _units(moment: Moment, side: int) -> list[int]:
    """A leg's latest 200 prices in units of 1e-9, the present one last; all where there are fewer."""
    past = _in_units(moment.pair, side)[max(0, moment.entry - 199) : moment.entry]
    return [*past, int((moment.s, moment.l)[side] * 10**9)]


def _class(prices: list[int]) -> int | None:
    """Of a session, by the 200 prices that end with it."""
    if len(prices) < 200:
        return None
    long, short = Fraction(sum(prices), 200), Fraction(sum(prices[-50:]), 50)
    if short > long and prices[-1] > long * Fraction(101, 100):
        return 1
    return -1 if short < long and prices[-1] < long * Fraction(99, 100) else 0


@lru_cache(maxsize=8)
def _classes(pair: DailyPair, side: int) -> list[int | None]:
    units = _in_units(pair, side)
    return [_class(list(units[max(0, entry - 199) : entry + 1])) for entry in range(len(units))]


def _trend(side: int, moment: Moment) -> float | None:
    """The class of the latest three equal sessions in a row."""
    found = [*_classes(moment.pair, side)[: moment.entry], _class(_units(moment, side))]
    for entry in range(len(found) - 1, 1, -1):
        if found[entry] is not None and found[entry] == found[entry - 1] == found[entry - 2]:
            return float(found[entry])  # type: ignore[arg-type]
    return None


# --- Wilder's index


def _folded(averages: tuple[float, float], change: float, number: int) -> tuple[float, float]:
    """Average gain and loss with change number `number`, from one."""
    weight = min(number, 14)
    gain, loss = averages
    up, down = max(change, 0.0), max(-change, 0.0)
    return gain * (weight - 1) / weight + up / weight, loss * (weight - 1) / weight + down / weight


@lru_cache(maxsize=8)
def _averages(pair: DailyPair) -> list[tuple[float, float]]:
    """Of the numerator, after each session."""
    found = [(0.0, 0.0)]
    for number, (then, now) in enumerate(pairwise(_closes(pair, 0)), start=1):
        found.append(_folded(found[-1], float(now - then), number))
    return found


def _as_index(averages: tuple[float, float]) -> float:
    gain, loss = averages
    return 50.0 if gain == loss == 0 else 100 * gain / (gain + loss)


def _index(moment: Moment) -> float:
    change = float(moment.s - _closes(moment.pair, 0)[moment.entry - 1])
    return _as_index(_folded(_averages(moment.pair)[moment.entry - 1], change, moment.entry))


# --- overheating


def _distance(units: list[int]) -> float:
    return float(Fraction(200 * units[-1], sum(units)) - 1)


@lru_cache(maxsize=100_000)
def _past_distance(pair: DailyPair, entry: int) -> float:
    return _distance(list(_in_units(pair, 0)[entry - 199 : entry + 1]))


@lru_cache(maxsize=8)
def _distance_percentile(moment: Moment) -> float | None:
    if moment.entry < YEAR + 199:
        return None
    past = [_past_distance(moment.pair, entry) for entry in range(moment.entry - YEAR, moment.entry)]
    return mid_rank(past, _distance(_units(moment, 0)))


@lru_cache(maxsize=8)
def _signs(moment: Moment) -> float | None:
    percentile = _distance_percentile(moment)
    if percentile is None:
        return None
    recent = [float(price) for price in _prices(moment, 0, 50)]
    away = recent[-1] - math.fsum(recent) / 50
    latest = _prices(moment, 0, 6)
    volumes = moment.pair.s_volume
    before = [volumes[day] for day in moment.pair.both[moment.entry - 63 : moment.entry] if day in volumes]
    present = volumes.get(moment.session)
    heated = (
        away > 0 and away >= 2 * deviation(recent),
        percentile >= 95,
        _index(moment) >= 70,
        present is not None and len(before) >= 57 and present >= 2 * sum(before) / len(before),
        all(now >= then * Fraction(101, 100) for then, now in pairwise(latest)),
    )
    return float(sum(held << bit for bit, held in enumerate(heated)))


def _heat(moment: Moment) -> float | None:
    signs = _signs(moment)
    return None if signs is None else float(int(signs).bit_count())


# --- turning points


@lru_cache(maxsize=16)
def _pivots(pair: DailyPair, sign: int) -> list[int]:
    """Entries of all pivots: highs where `sign` is 1, lows where it is -1."""
    prices = _closes(pair, 0)
    return [
        entry
        for entry in range(5, len(prices) - 5)
        if all(sign * (prices[entry] - price) >= 0 for price in prices[entry - 5 : entry])
        and all(sign * (prices[entry] - price) > 0 for price in prices[entry + 1 : entry + 6])
    ]


def _divergence(with_ratio: bool, moment: Moment) -> float | None:
    """What the pivot five sessions ago adds; the present price is the last of the five after it."""
    if moment.entry < 114 + 60 + 5:
        return None
    prices = _closes(moment.pair, 0)
    at = moment.entry - 5
    for sign in (1, -1):
        after = [*prices[at + 1 : moment.entry], moment.s]
        left = all(sign * (prices[at] - price) >= 0 for price in prices[at - 5 : at])
        if not (left and all(sign * (prices[at] - price) > 0 for price in after)):
            continue
        earlier = [entry for entry in _pivots(moment.pair, sign) if entry < at and at - entry <= 60]
        if not earlier:
            return 0.0
        then = earlier[-1]
        if with_ratio:
            line = [moment.pair.series["ratio"][entry] for entry in (then, at)]
        else:
            line = [_as_index(_averages(moment.pair)[entry]) for entry in (then, at)]
        further, other = sign * (prices[at] - prices[then]), sign * (line[1] - line[0])
        if further > 0 > other:
            return 2.0 if sign > 0 else 1.0
        if further < 0 < other:
            return 8.0 if sign > 0 else 4.0
    return 0.0


REGIMES: dict[str, Oracle] = {
    "trend_regime": partial(_trend, 0),
    "benchmark_trend_regime": partial(_trend, 1),
    "overheating_count": _heat,
    "overheating_signs": _signs,
    "ma200_distance_percentile:252d": _distance_percentile,
    "pivot_divergence": partial(_divergence, False),
    "pivot_divergence_ratio": partial(_divergence, True),
}
"""Key of an output → what it must be, None where it must be unknown."""
