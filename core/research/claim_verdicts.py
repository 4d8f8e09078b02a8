"""Verdicts: compares claims with the engine's results for the supplied files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from core.definitions.rules import value_name
from core.model.sessions import session_day
from core.model.timestamps import date_text
from core.research.base_rate_rows import LARGEST_Q
from core.research.claim_days import judge_day, judge_window
from core.research.claim_fields import Bounds
from core.research.claim_figures import Figure, figure_text
from core.research.claim_members import members_day
from core.research.claim_outcomes import SHOWN_DATES, Evidence, Judged, between, met, shown, within
from core.research.claim_wording import figures_text, metric_of, window_of
from core.research.claims import (
    ChangeClaim,
    Claim,
    DaysClaim,
    EventsClaim,
    FollowedClaim,
    MembersClaim,
    PairClaim,
    StatedClaim,
    Verdict,
)
from core.research.value_history import PairHistory

_DAYS_A_YEAR: Final = 365.25


@dataclass(frozen=True, slots=True)
class ClaimFinding:
    """Result for one claim.

    Args:
        claim: The claim.
        metric: What was measured.
        window: Days over which it was measured.
        verdict: The verdict.
        reason: Why it does not hold or cannot be decided; None if reproduced.
        figures: Figures by name, with the unit in the name; unknown values are null.
    """

    claim: Claim
    metric: str
    window: str
    verdict: Verdict
    reason: str | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)


def judge(claim: Claim, evidence: Evidence) -> ClaimFinding:
    """Return the verdict on one claim.

    Args:
        claim: From `parse_claims`.
        evidence: Results for the files.
    """
    if isinstance(claim, StatedClaim):
        return stated(claim)
    if isinstance(claim, MembersClaim):
        return _finding(claim, _members(claim, evidence))
    gap = evidence.missing(claim.pair) or _behind(claim, evidence.history(claim.pair))
    if gap is not None:
        return data_gap(claim, gap)
    return _finding(claim, _judged(claim, evidence))


def stated(claim: StatedClaim) -> ClaimFinding:
    """Return the verdict stated in the ledger."""
    return ClaimFinding(claim, metric_of(claim), window_of(claim), Verdict(claim.verdict), claim.reason)


def data_gap(claim: Claim, reason: str) -> ClaimFinding:
    """Build a data-gap verdict: the supplied files cannot decide the claim."""
    return ClaimFinding(claim, metric_of(claim), window_of(claim), Verdict.DATA_GAP, reason)


def _finding(claim: Claim, judged: Judged) -> ClaimFinding:
    (verdict, reason), figures = judged
    return ClaimFinding(claim, metric_of(claim), window_of(claim), verdict, reason, figures)


def _judged(claim: PairClaim, evidence: Evidence) -> Judged:
    match claim:
        case DaysClaim(on=None):
            return judge_window(claim, evidence)
        case DaysClaim():
            return judge_day(claim, evidence.history(claim.pair))
        case ChangeClaim():
            return _change(claim, evidence)
        case EventsClaim():
            return _events(claim, evidence)
        case FollowedClaim():
            return _followed(claim, evidence)


def _behind(claim: Claim, history: PairHistory) -> str | None:
    """Return why the data end too early or start too late for a claim."""
    first, last = int(history.sessions[0]), int(history.sessions[-1])
    dates = [getattr(claim, name, None) for name in ("on", "since", "until")]
    days = [session_day(day) for day in dates if day is not None]
    if any(day > last for day in days):
        return f"the files end on {date_text(last)}"
    single = isinstance(claim, ChangeClaim) or getattr(claim, "on", None) is not None
    if single and any(day < first for day in days):
        return f"the files begin on {date_text(first)}"
    return None


def _change(claim: ChangeClaim, evidence: Evidence) -> Judged:
    history, (key,) = evidence.history(claim.pair), claim.keys
    name = value_name(key)
    figures: dict[str, Figure] = {}
    ends: list[float] = []
    for label, day in (("since", claim.since), ("until", claim.until)):
        row = history.row_of(session_day(day))
        if row is None:
            return (Verdict.DATA_GAP, f"no close of both legs on {day}"), figures
        value = history.values[key].item(row)
        figures[f"{name}_{label}"] = shown(value) if math.isfinite(value) else None
        ends.append(value)
    if not all(math.isfinite(end) for end in ends) or ends[0] == 0.0:
        return (Verdict.DATA_GAP, f"{name} is not known on both days"), figures
    change_pct = 100.0 * (ends[1] / ends[0] - 1.0)
    figures["change_pct"] = shown(change_pct)
    found = f"{figure_text('change_pct', change_pct, outside=claim.change_pct)} %"
    return met(claim, within(change_pct, claim.change_pct), found), figures


def _events(claim: EventsClaim, evidence: Evidence) -> Judged:
    sessions = evidence.history(claim.pair).sessions
    every = np.array(evidence.openings(claim.definition, claim.pair), np.int64)
    chosen = every[between(every, claim.since, claim.until)]
    dates = [date_text(int(day)) for day in chosen]
    figures: dict[str, Figure] = {
        "openings": len(dates),
        "dates": dates[-SHOWN_DATES:],
        "history_start": date_text(int(sessions[0])),
    }
    latest = ("… " if len(dates) > SHOWN_DATES else "") + ", ".join(dates[-SHOWN_DATES:])
    times = f"{len(dates):,} time{'' if len(dates) == 1 else 's'}"
    times_and_dates = f"{times} ({latest})" if dates else times
    if claim.dates is not None:
        return met(claim, dates == [str(day) for day in sorted(claim.dates)], latest), figures
    if claim.count is not None:
        return met(claim, within(len(dates), claim.count), times_and_dates), figures
    if claim.years_since_previous is None or len(chosen) < 2:
        return met(claim, False, f"fewer than two openings: {times_and_dates}"), figures
    years = (int(chosen[-1]) - int(chosen[-2])) / _DAYS_A_YEAR
    figures["years_since_previous"] = shown(years)
    text = figure_text("years_since_previous", years, outside=claim.years_since_previous)
    found = f"{text} years ({dates[-2]} to {dates[-1]})"
    return met(claim, within(years, claim.years_since_previous), found), figures


def _followed(claim: FollowedClaim, evidence: Evidence) -> Judged:
    row = evidence.base_rate(claim.definition, claim.pair, claim.horizon_sessions)
    if row is None:
        return (Verdict.NOT_MEASURABLE, "no base rate: the definition does not evaluate this pair daily"), {}
    figures: dict[str, Figure] = {
        "n": row.n,
        "n_declustered": row.n_declustered,
        "hits": row.hits,
        "hit_rate": row.hit_rate,
        "mean_spread_pp": row.mean_spread_pp,
        "difference_pp": row.difference_pp,
        "difference_interval_pp": _listed(row.difference_interval_pp),
        "q_value": row.q_value,
        "as_of": date_text(row.as_of),
    }
    if row.difference_interval_pp is None or row.difference_pp is None:
        return (Verdict.NOT_MEASURABLE, row.reason), figures
    low, high = row.difference_interval_pp
    clear = low > 0.0 if claim.side == "ahead" else high < 0.0
    figured: dict[str, Figure] = {"difference_pp": row.difference_pp, "interval_pp": [low, high]}
    found = f"{row.wording} ({figures_text(figured)})"
    if clear and (row.q_value is None or row.q_value > LARGEST_Q):
        return met(claim, False, f"{found}; not significant among {row.family_size} tests"), figures
    return met(claim, clear, found), figures


def _members(claim: MembersClaim, evidence: Evidence) -> Judged:
    volumes = evidence.members(claim.members)
    if volumes is None:
        gap = f"no volumes of the members of {claim.members} (--members {claim.members}=FILE)"
        return (Verdict.DATA_GAP, gap), {}
    day = members_day(volumes, session_day(claim.on), claim.sessions)
    if isinstance(day, str):
        return (Verdict.DATA_GAP, day), {}
    times = day.volume / day.average
    figures: dict[str, Figure] = {
        "members": day.members,
        "members_used": day.members_used,
        "volume": shown(day.volume),
        f"average_volume_{claim.sessions}d": shown(day.average),
        f"relative_volume_{claim.sessions}d": shown(times),
    }
    text = figure_text("relative_volume", times, outside=claim.times_average)
    return met(claim, within(times, claim.times_average), f"{text} times"), figures


def _listed(bounds: Bounds | None) -> list[float] | None:
    return None if bounds is None else list(bounds)
