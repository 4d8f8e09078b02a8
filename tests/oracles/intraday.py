"""Outputs inside a session, from trades alone: last price of every second, then windows over it.

A price is unknown before the first trade of the session, and when it is older than its greatest
age; after that it takes two trades to be known again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from tests.oracles.raw import Trade, by_second
from tests.oracles.statistics import (
    beta_and_correlation,
    log_strength_change,
    simple_return,
    strength_change,
    weighted_deviation,
)

TRADES_TO_TRUST = 2
HOUR_MINUTES = 60
HOUR_LEAST_RETURNS = 30
Z_HORIZON_MINUTES = 15
SIGMA_HALF_LIFE = 120
SIGMA_LEAST_RETURNS = 60

Prices = Sequence[Fraction | None]


def second_prices(trades: list[Trade], seconds: int, max_age_s: int) -> list[Fraction | None]:
    """Price at the end of each second of a session, None while unknown.

    Args:
        trades: In order; their time within a second is taken as its beginning, which decides
            nothing as long as the greatest age is not met to the second.
        seconds: Length of the session so far.
        max_age_s: Seconds after which a price is stale.
    """
    traded = dict(by_second(trades))
    prices: list[Fraction | None] = []
    last: Fraction | None = None
    last_second, missing = 0, 0
    for second in range(seconds):
        if second in traded:
            last, last_second = traded[second][-1], second
            missing = max(0, missing - len(traded[second]))
        elif last is not None and second + 1 - last_second > max_age_s:
            missing = TRADES_TO_TRUST
        prices.append(last if missing == 0 else None)
    return prices


@dataclass(frozen=True, eq=False)
class IntradayPair:
    """Both legs in one session.

    Args:
        s: Numerator's price at the end of each second.
        l: Benchmark's.
        earlier_returns: Log relative returns of one minute that earlier sessions put into sigma.
    """

    s: Prices
    l: Prices
    earlier_returns: tuple[float, ...] = ()

    def known(self, second: int) -> tuple[Fraction, Fraction] | None:
        """Both prices at the end of a second, None before the open or where one is unknown."""
        if second < 0:
            return None
        s, l = self.s[second], self.l[second]
        return None if s is None or l is None else (s, l)

    def minute(self, minute: int) -> tuple[Fraction, Fraction] | None:
        """Both prices at the end of a minute."""
        return self.known(60 * minute + 59)


def sigma_returns(pair: IntradayPair, last_minute: int) -> tuple[float, ...]:
    """All one-minute returns that sigma may rest on when the newest is of `last_minute`."""
    returns = list(pair.earlier_returns)
    for minute in range(1, last_minute + 1):
        now, then = pair.minute(minute), pair.minute(minute - 1)
        if now is not None and then is not None:
            returns.append(log_strength_change(*now, *then))
    return tuple(returns)


Oracle = Callable[[IntradayPair, int], float | None]
"""Value at the end of a second, or of a minute, counted from the open."""


def _ratio(pair: IntradayPair, second: int) -> float | None:
    now = pair.known(second)
    return None if now is None else float(now[0] / now[1])


def _over_seconds(steps: int, change: Callable[..., float], pair: IntradayPair, second: int) -> float | None:
    now, then = pair.known(second), pair.known(second - steps)
    return None if now is None or then is None else change(*now, *then)


def _over_minutes(steps: int, change: Callable[..., float], pair: IntradayPair, minute: int) -> float | None:
    if minute < steps:
        return None
    return _over_seconds(60 * steps, change, pair, 60 * minute + 59)


def _percent(*prices: Fraction) -> float:
    return 100 * strength_change(*prices)


def _points(s_now: Fraction, l_now: Fraction, s_then: Fraction, l_then: Fraction) -> float:
    return float(100 * (s_now / s_then - l_now / l_then))


def _hour(pair: IntradayPair, minute: int) -> tuple[float | None, float | None]:
    if pair.minute(minute) is None:
        return None, None
    x: list[float] = []
    y: list[float] = []
    for end in range(max(1, minute - HOUR_MINUTES + 1), minute + 1):
        now, then = pair.minute(end), pair.minute(end - 1)
        if now is not None and then is not None:
            y.append(simple_return(now[0], then[0]))
            x.append(simple_return(now[1], then[1]))
    return beta_and_correlation(x, y) if len(x) >= HOUR_LEAST_RETURNS else (None, None)


def _beta(pair: IntradayPair, minute: int) -> float | None:
    return _hour(pair, minute)[0]


def _correlation(pair: IntradayPair, minute: int) -> float | None:
    return _hour(pair, minute)[1]


def _zscore(pair: IntradayPair, minute: int) -> float | None:
    change = _over_minutes(Z_HORIZON_MINUTES, log_strength_change, pair, minute)
    if change is None:
        return None
    returns = sigma_returns(pair, minute - Z_HORIZON_MINUTES)
    if len(returns) < SIGMA_LEAST_RETURNS:
        return None
    sigma = weighted_deviation(returns, SIGMA_HALF_LIFE)
    return change / (sigma * math.sqrt(Z_HORIZON_MINUTES)) if sigma > 0 else None


_CHANGES: dict[str, Callable[..., float]] = {
    "relative_strength_log": log_strength_change,
    "relative_strength_percent": _percent,
    "relative_strength_pp": _points,
}

SECONDS: dict[str, Oracle] = {
    "ratio": _ratio,
    **{
        f"{name}:{label}": partial(_over_seconds, steps, change)
        for name, change in _CHANGES.items()
        for label, steps in (("1m", 60), ("5m", 300), ("15m", 900))
    },
}
ACROSS_SESSIONS = ("relative_volume_tod:20d",)
"""Outputs that look back over more sessions than one, and so are unknown in a recording of one or a few."""

MINUTES: dict[str, Oracle] = {
    **{key: lambda _pair, _minute: None for key in ACROSS_SESSIONS},
    **{f"{name}:1h": partial(_over_minutes, 60, change) for name, change in _CHANGES.items()},
    "beta:1h": _beta,
    "correlation:1h": _correlation,
    "relative_return_zscore:15m": _zscore,
}
