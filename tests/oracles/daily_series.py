"""Rates, flows and volumes beside the closes: by their definitions, over whole lists."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from functools import lru_cache, partial
from itertools import pairwise

from tests.oracles.daily import DailyPair, Moment, Oracle
from tests.oracles.statistics import beta_and_correlation, simple_return

CHANGES = 63
KEPT = 80
STALE_AFTER = 5
STANDS = 9
"""Stands for a sign that is as it was, because the session brought nothing."""
Change = tuple[float, float, float]


def _change(pair: DailyPair, then: date, now: date, s: Fraction, l: Fraction) -> Change:
    """Basis points of yield, numerator and benchmark between two sessions."""
    return (
        float(100 * (pair.rate[now] - pair.rate[then])),
        1e4 * simple_return(s, pair.numerator[then]),
        1e4 * simple_return(l, pair.benchmark[then]),
    )


@lru_cache(maxsize=8)
def _finished(pair: DailyPair) -> tuple[list[int], list[Change]]:
    """Entries of `both` with a yield, and the change from each to the next."""
    entries = [entry for entry, day in enumerate(pair.both) if day in pair.rate]
    days = [pair.both[entry] for entry in entries]
    return entries, [
        _change(pair, then, now, pair.numerator[now], pair.benchmark[now]) for then, now in pairwise(days)
    ]


def _changes(moment: Moment, latest: int | None = None) -> list[Change]:
    """All changes up to the session, or the latest, in order."""
    pair = moment.pair
    entries, changes = _finished(pair)
    known = bisect_left(entries, moment.entry)
    own = known > 0 and moment.session in pair.rate
    count = max(0, known - 1)
    first = 0 if latest is None else max(0, count + own - latest)
    found = changes[first:count]
    if own:
        found.append(_change(pair, pair.both[entries[known - 1]], moment.session, moment.s, moment.l))
    return found


def _is_stale(moment: Moment) -> bool:
    pair = moment.pair
    latest = [*pair.both[max(0, moment.entry - STALE_AFTER) : moment.entry], moment.session]
    return not any(day in pair.rate for day in latest)


def _rate_beta(side: int, moment: Moment) -> float | None:
    pair, recent = moment.pair, moment.pair.both[max(0, moment.entry - KEPT) : moment.entry]
    known = sum(day in pair.rate for day in recent) + (moment.session in pair.rate)
    if _is_stale(moment) or known - 1 < CHANGES:
        return None
    window = _changes(moment, CHANGES)
    y = [change[side] if side else change[1] - change[2] for change in window]
    return beta_and_correlation([change[0] for change in window], y)[0]


@lru_cache(maxsize=8)
def _regression(spread: bool, moment: Moment) -> tuple[float | None, float | None]:
    """Weighted slope and its standard error."""
    changes = _changes(moment)
    if _is_stale(moment) or len(changes) < CHANGES:
        return None, None
    weights = [0.5 ** (age / 63) for age in range(len(changes) - 1, -1, -1)]
    total, worth = math.fsum(weights), math.fsum(weights) ** 2 / math.fsum(w * w for w in weights)
    x = [change[0] for change in changes]
    y = [s - l if spread else s for _, s, l in changes]
    mean_x = math.fsum(w * a for w, a in zip(weights, x, strict=True)) / total
    mean_y = math.fsum(w * b for w, b in zip(weights, y, strict=True)) / total
    rows = [(w, a - mean_x, b - mean_y) for w, a, b in zip(weights, x, y, strict=True)]
    s_xx = math.fsum(w * a * a for w, a, _ in rows) / total
    slope = math.fsum(w * a * b for w, a, b in rows) / total / s_xx
    residual = math.fsum(w * (b - slope * a) ** 2 for w, a, b in rows) / total * worth / (worth - 2)
    return slope, math.sqrt(residual / (worth * s_xx))


def _weighted(spread: bool, error: bool, moment: Moment) -> float | None:
    return _regression(spread, moment)[error]


def _sign(value: float | None) -> int | None:
    return None if value is None else (value > 0) - (value < 0)


def _run(present: int | None, before: Callable[[int], int | None], entry: int) -> float | None:
    """How long a sign has stood, signed; unknown where nobody saw it begin.

    Args:
        present: The session's sign, None where unknown.
        before: Gives the sign at an entry of the history, STANDS where it had no value of its own.
        entry: How many entries there are.
    """
    if not present:
        return present
    length = 1
    for passed in range(entry - 1, -1, -1):
        earlier = before(passed)
        if earlier is None:
            return None
        if earlier == STANDS:
            continue
        if earlier != present:
            return float(present * length)
        length += 1
    return None


@lru_cache(maxsize=100_000)
def _sign_at(pair: DailyPair, entry: int) -> int | None:
    sign = _sign(_rate_beta(1, Moment.at_close(pair, entry)))
    return sign if sign is None or pair.both[entry] in pair.rate else STANDS


def _sign_run(moment: Moment) -> float | None:
    if moment.session not in moment.pair.rate:
        return None
    return _run(_sign(_rate_beta(1, moment)), partial(_sign_at, moment.pair), moment.entry)


def _flow(moment: Moment) -> float | None:
    """Sum of 65 sessions up to the newest with a flow, of the last six; None where one lacks it."""
    pair = moment.pair
    if not pair.flow:
        return None
    days = [*pair.both[max(0, moment.entry - 65 - STALE_AFTER) : moment.entry], moment.session]
    for newest in range(len(days) - 1, max(-1, len(days) - 2 - STALE_AFTER), -1):
        if days[newest] in pair.flow:
            window = days[max(0, newest - 64) : newest + 1]
            whole = len(window) == 65 and all(day in pair.flow for day in window)
            return math.fsum(float(pair.flow[day]) for day in window) if whole else None
    return None


def _flow_percentile(moment: Moment) -> float | None:
    """Mid-rank among the latest 126 sums, one in ten sessions."""
    present = _flow(moment)
    if present is None:
        return None
    every_tenth = (_flow(Moment.at_close(moment.pair, entry)) for entry in range(0, moment.entry, 10))
    past = [total for total in every_tenth if total is not None][-126:]
    if len(past) < 126:
        return None
    score = sum((total < present) + 0.5 * (total == present) for total in past)
    return 100 * score / len(past)


@lru_cache(maxsize=100_000)
def _flow_sign_at(pair: DailyPair, entry: int) -> int | None:
    sign = _sign(_flow(Moment.at_close(pair, entry)))
    return sign if sign is None or pair.both[entry] in pair.flow else STANDS


def _flow_run(moment: Moment) -> float | None:
    if moment.session not in moment.pair.flow:
        return None
    return _run(_sign(_flow(moment)), partial(_flow_sign_at, moment.pair), moment.entry)


def _amihud(moment: Moment) -> float | None:
    """Mean of |return| over traded value in the 21 sessions before, one leg's over the other's."""
    pair = moment.pair
    if moment.entry < 22:
        return None
    steps = [(pair.both[n - 1], pair.both[n]) for n in range(moment.entry - 21, moment.entry)]
    sums = []
    for closes, volumes in ((pair.numerator, pair.s_volume), (pair.benchmark, pair.l_volume)):
        if not all(volumes.get(day) for _, day in steps):
            return None
        sums.append(
            math.fsum(
                abs(simple_return(closes[now], closes[then])) / float(closes[now] * volumes[now])
                for then, now in steps
            )
        )
    return sums[0] / sums[1] if sums[1] > 0 else None


SERIES: dict[str, Oracle] = {
    "rate_beta_63d_bp": partial(_rate_beta, 1),
    "benchmark_rate_beta_63d_bp": partial(_rate_beta, 2),
    "spread_rate_beta_63d_bp": partial(_rate_beta, 0),
    "rate_beta_ew_bp": partial(_weighted, False, False),
    "rate_beta_ew_se_bp": partial(_weighted, False, True),
    "spread_rate_beta_ew_bp": partial(_weighted, True, False),
    "spread_rate_beta_ew_se_bp": partial(_weighted, True, True),
    "rate_beta_sign_sessions": _sign_run,
    "flow:65d": _flow,
    "flow_percentile:65d": _flow_percentile,
    "flow_sign_sessions": _flow_run,
    "amihud_ratio:21d": _amihud,
}
"""Key of an output → what it must be, None where it must be unknown."""
