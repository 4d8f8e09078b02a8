"""Which episodes a daily definition has, by a plain state machine over the raw closes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from tests.oracles.daily import SIGMA_HALF_LIFE, SIGMA_LEAST_RETURNS, DailyPair
from tests.oracles.statistics import log_strength_change

DIGITS = 10
"""Decimals that thresholds see."""


@dataclass(frozen=True)
class Answer:
    """What a definition says of one session.

    Args:
        enter: Whether an episode may open; None when it cannot be known.
        leave: Whether an open one is resolved.
        price: What is held against the invalidation level, None for definitions without one.
        level: The invalidation level of an episode that opens now.
    """

    enter: bool | None
    leave: bool = False
    price: float | None = None
    level: float | None = None


Parameters = Mapping[str, float]
Transition = tuple[date, str]


def opposite_day(pair: DailyPair, parameters: Parameters) -> Iterator[Answer]:
    """One leg up by so much while the other falls, or the reverse."""
    direction, least = parameters["direction"], parameters["instrument_return_pct"]
    for entry in range(len(pair.both)):
        if entry == 0:
            yield Answer(None)
            continue
        s = round(100 * direction * pair.s_returns[entry], DIGITS)
        l = round(100 * direction * pair.l_returns[entry], DIGITS)
        yield Answer(s >= least and l < 0)


def running_deviations(returns: Sequence[float], half_life: int) -> list[float]:
    """Weighted deviation up to and including each return, by sums of weight, value and square."""
    decay = 0.5 ** (1 / half_life)
    weight = total = squares = 0.0
    deviations: list[float] = []
    for value in returns:
        weight = decay * weight + 1
        total = decay * total + value
        squares = decay * squares + value * value
        deviations.append(math.sqrt(max(0.0, squares / weight - (total / weight) ** 2)))
    return deviations


def spread_z(pair: DailyPair, parameters: Parameters) -> Iterator[Answer]:
    """The horizon's relative return over the sigma of the returns before it."""
    steps = int(parameters["horizon_sessions"])
    deviations = running_deviations(pair.log_returns[1:], SIGMA_HALF_LIFE)
    for entry, day in enumerate(pair.both):
        returns_before = entry - steps
        row = pair.row[day] - steps
        if returns_before < SIGMA_LEAST_RETURNS or row < 0:
            yield Answer(None)
            continue
        base = pair.sessions[row]
        s, l = pair.numerator, pair.benchmark
        if base not in s or base not in l:
            yield Answer(None)
            continue
        change = log_strength_change(s[day], l[day], s[base], l[base])
        z = change / (deviations[returns_before - 1] * math.sqrt(steps))
        size = round(abs(z) if parameters["direction"] == 0 else parameters["direction"] * z, DIGITS)
        yield Answer(size >= parameters["enter_z"], size <= parameters["exit_z"])


def new_extreme(
    leader: Sequence[float],
    follower: Sequence[float],
    *,
    length: int,
    direction: float,
    delta_pct: float,
    invalidation_pct: float,
) -> Iterator[Answer]:
    """The leader beyond all of its last sessions while the follower is far from that."""
    pick = max if direction > 0 else min
    for entry in range(len(leader)):
        if entry < length:
            yield Answer(None)
            continue
        leader_mark = pick(leader[entry - length : entry])
        follower_mark = pick(follower[entry - length : entry])
        leads = round(direction * 100 * (leader[entry] / leader_mark - 1), DIGITS) > 0
        follows = round(direction * 100 * (follower[entry] / follower_mark - 1), DIGITS)
        level = leader[entry] * (1 - direction * invalidation_pct / 100)
        yield Answer(
            leads and follows < -delta_pct, follows > 0, direction * leader[entry], direction * level
        )


def nonconfirmation(pair: DailyPair, parameters: Parameters) -> Iterator[Answer]:
    """A leg at a new extreme that the other leg does not confirm."""
    names = ("numerator", "benchmark") if parameters["leader"] == 1 else ("benchmark", "numerator")
    leader, follower = (pair.series[name] for name in names)
    return new_extreme(
        leader,
        follower,
        length=int(parameters["window_sessions"]),
        direction=parameters["direction"],
        delta_pct=parameters["delta_pct"],
        invalidation_pct=parameters["invalidation_pct"],
    )


def strength_high(pair: DailyPair, parameters: Parameters) -> Iterator[Answer]:
    """The ratio at a new high before the numerator's price."""
    return new_extreme(
        pair.series["ratio"],
        pair.series["numerator"],
        length=int(parameters["window_sessions"]),
        direction=1,
        delta_pct=0,
        invalidation_pct=parameters["invalidation_pct"],
    )


KINDS = {
    "opposite_day": opposite_day,
    "spread_z": spread_z,
    "nonconfirmation": nonconfirmation,
    "strength_high": strength_high,
}
"""Kind of a daily definition → its answers, one a session both legs have."""


def episodes(
    pair: DailyPair,
    kind: str,
    parameters: Parameters,
    *,
    point: bool,
    cool_down: int = 0,
    expires: int = 0,
) -> list[Transition]:
    """Openings and endings in order.

    Args:
        pair: The closes.
        kind: One of KINDS.
        parameters: Its numbers.
        point: An opening is all there is.
        cool_down: Sessions to pass after an episode before the next may open.
        expires: Sessions after which an open episode ends by itself, 0 for never.
    """
    transitions: list[Transition] = []
    open_level: float | None = None
    is_open, age, waiting = False, 0, 0
    for day, answer in zip(pair.both, KINDS[kind](pair, parameters), strict=True):
        if is_open:
            age += 1
            known = answer.enter is not None
            broken = (
                answer.price is not None
                and open_level is not None
                and round(answer.price / abs(open_level) - math.copysign(1, open_level), DIGITS + 2) < 0
            )
            ending = (
                "resolved"
                if known and answer.leave
                else "invalidated"
                if known and broken
                else "expired"
                if expires and age >= expires
                else None
            )
            if ending:
                transitions.append((day, ending))
                is_open, waiting = False, cool_down
        elif waiting:
            waiting -= 1
        elif answer.enter:
            transitions.append((day, "opened"))
            open_level, age = answer.level, 0
            is_open, waiting = not point, cool_down if point else 0
    return transitions
