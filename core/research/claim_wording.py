"""Describes a claim: what is measured, over which days, and what was found beside what is claimed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from core.research.claim_fields import Bounds
from core.research.claim_figures import Figure, figure_text
from core.research.claims import (
    COUNT_KEYS,
    ChangeClaim,
    Claim,
    DaysClaim,
    EventsClaim,
    FollowedClaim,
    MembersClaim,
    StatedClaim,
)


def metric_of(claim: Claim) -> str:
    """Describe what is measured, in the engine's names."""
    match claim:
        case DaysClaim():
            wanted = _wanted_of_days(claim)
            return " and ".join(claim.holds) + (f": {wanted}" if wanted else "")
        case ChangeClaim():
            return f"change of {claim.value}: {claimed(claim)}"
        case EventsClaim():
            return f"{claim.definition} opens: {claimed(claim)}"
        case FollowedClaim():
            return f"{claim.side} over {claim.horizon_sessions} sessions after {claim.definition}"
        case MembersClaim():
            return f"members' volume: {claimed(claim)}"
        case StatedClaim():
            return "none"


def claimed(claim: Claim) -> str:
    """Say what is claimed of the figure that decides, in the same words as what was found."""
    match claim:
        case DaysClaim():
            return _wanted_of_days(claim) or " and ".join(claim.holds)
        case ChangeClaim():
            return _span(claim.change_pct, " %", " %")
        case EventsClaim():
            dates = _listed(map(str, sorted(claim.dates))) if claim.dates is not None else ""
            return (
                dates
                + _span(claim.count, " time", " times")
                + _span(claim.years_since_previous, " year since the previous", " years since the previous")
            )
        case FollowedClaim():
            sign = "above" if claim.side == "ahead" else "below"
            return f"{claim.side}: an interval {sign} zero, significant among all tests"
        case MembersClaim():
            unit = f" times the average of {claim.sessions} sessions"
            return _span(claim.times_average, unit, unit)
        case StatedClaim():
            return "none"


def beside(found: str, claim: Claim) -> str:
    """Put what was found beside what is claimed."""
    return f"found {found or 'none'}; claimed {claimed(claim)}"


def figures_text(figures: Mapping[str, Figure]) -> str:
    """List figures by name."""
    return ", ".join(f"{name} {figure_text(name, figure)}" for name, figure in figures.items())


def count_text(number: int, every: str) -> str:
    """Write a number of sessions, weeks, months or years.

    Example:
        >>> count_text(3, "week"), count_text(1, "session")
        ('3 weeks', '1 day')
    """
    word = COUNT_KEYS[every]
    return f"{number:,} {word[:-1] if number == 1 else word}"


def _wanted_of_days(claim: DaysClaim) -> str:
    word = COUNT_KEYS[claim.every]
    return (
        _span(claim.share_pct, f" % of {word}", f" % of {word}")
        + _span(claim.in_a_row, f" {word[:-1]} in a row", f" {word} in a row")
        + _span(claim.number, f" {word[:-1]}", f" {word}")
    )


def _listed(dates: Iterable[str]) -> str:
    return ", ".join(dates) or "none"


def _span(bounds: Bounds | None, one: str, several: str) -> str:
    """Write bounds with a unit."""
    if bounds is None:
        return ""
    low, high = (f"{bound:,.10g}" for bound in bounds)
    last = bounds[0] if math.isinf(bounds[1]) else bounds[1]
    unit = one if last == 1 else several
    if math.isinf(bounds[0]) and math.isinf(bounds[1]):
        return f"any number of{several}"
    if math.isinf(bounds[1]):
        return f"at least {low}{unit}"
    if math.isinf(bounds[0]):
        return f"at most {high}{unit}"
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def window_of(claim: Claim) -> str:
    """Describe the days over which it is measured."""
    if isinstance(claim, StatedClaim | FollowedClaim):
        return "whole history" if isinstance(claim, FollowedClaim) else "none"
    if isinstance(claim, MembersClaim) or (isinstance(claim, DaysClaim) and claim.on is not None):
        return str(claim.on)
    ends = f"{claim.since or 'first'} to {claim.until or 'last'}"
    days = "whole history" if claim.since is None and claim.until is None else ends
    every = claim.every if isinstance(claim, DaysClaim) else "session"
    return days if every == "session" else f"{days}, completed {COUNT_KEYS[every]}"
