"""Describes a claim: what is measured, and over which days."""

from __future__ import annotations

import math

from core.research.claims import (
    Bounds,
    ChangeClaim,
    Claim,
    DaysClaim,
    EventsClaim,
    FollowedClaim,
    StatedClaim,
)


def metric_of(claim: Claim) -> str:
    """Describe what is measured, in the engine's names."""
    match claim:
        case DaysClaim():
            conditions = " and ".join(claim.holds)
            return f"{conditions}: {_span(claim.share_pct, ' % of days')}{_span(claim.days, ' days')}".rstrip(
                ": "
            )
        case ChangeClaim():
            return f"change of {claim.value}: {_span(claim.change_pct, ' %')}"
        case EventsClaim():
            dates = ", ".join(map(str, claim.dates)) if claim.dates else "none" if claim.dates == [] else ""
            wanted = dates + _span(claim.count, " times") + _span(claim.years_since_previous, " years apart")
            return f"{claim.definition} opens: {wanted}"
        case FollowedClaim():
            return f"{claim.side} over {claim.horizon_sessions} sessions after {claim.definition}"
        case StatedClaim():
            return "none"


def _span(bounds: Bounds | None, unit: str) -> str:
    if bounds is None:
        return ""
    low, high = (f"{bound:g}" for bound in bounds)
    if math.isinf(bounds[1]):
        return f"at least {low}{unit}"
    if math.isinf(bounds[0]):
        return f"at most {high}{unit}"
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def window_of(claim: Claim) -> str:
    """Describe the days over which it is measured."""
    if isinstance(claim, StatedClaim | FollowedClaim):
        return "whole history" if isinstance(claim, FollowedClaim) else "none"
    if isinstance(claim, DaysClaim) and claim.on is not None:
        return str(claim.on)
    ends = f"{claim.since or 'first'} to {claim.until or 'last'}"
    days = "whole history" if claim.since is None and claim.until is None else ends
    every = claim.every if isinstance(claim, DaysClaim) else "session"
    return days if every == "session" else f"{days}, {every} ends"
