"""Verdicts: compares claims with the engine's results for the supplied files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.definitions.rules import known_outputs, value_name
from core.events.events import SIGNIFICANT_DIGITS
from core.model.records import Quality
from core.model.sessions import session_day
from core.model.timestamps import date_text
from core.research.base_rate_rows import LARGEST_Q, BaseRate
from core.research.claim_wording import metric_of, window_of
from core.research.claims import (
    Bounds,
    ChangeClaim,
    Claim,
    DaysClaim,
    EventsClaim,
    FollowedClaim,
    StatedClaim,
    Verdict,
)
from core.research.value_history import PairHistory, period_ends

Figure = float | int | str | list[str] | list[float] | None
_DAYS_A_YEAR: Final = 365.25
_SHOWN_DATES: Final = 12
_ANY: Final[Bounds] = (-math.inf, math.inf)


class Evidence(Protocol):
    """Evidence for verdicts."""

    def missing(self, pair: str) -> str | None:
        """Return why a pair cannot be evaluated; None if it can."""

    def history(self, pair: str) -> PairHistory:
        """Return the values of a pair."""

    def openings(self, definition: str, pair: str) -> Sequence[int]:
        """Return the sessions on which a definition opened on a pair, ascending.

        Raises:
            CatalogueError: The catalogue lacks the definition.
        """

    def base_rate(self, definition: str, pair: str, horizon_sessions: int) -> BaseRate | None:
        """Return what followed these openings, as of the end of the history."""


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
    gap = evidence.missing(claim.pair) or _behind(claim, evidence.history(claim.pair))
    if gap is not None:
        return data_gap(claim, gap)
    (verdict, reason), figures = _judged(claim, evidence)
    shown_reason = None if verdict is Verdict.REPRODUCED else reason
    return ClaimFinding(claim, metric_of(claim), window_of(claim), verdict, shown_reason, figures)


def stated(claim: StatedClaim) -> ClaimFinding:
    """Return the verdict stated in the ledger."""
    return ClaimFinding(claim, metric_of(claim), window_of(claim), Verdict(claim.verdict), claim.reason)


def data_gap(claim: Claim, reason: str) -> ClaimFinding:
    """Build a data-gap verdict: the supplied files cannot decide the claim."""
    return ClaimFinding(claim, metric_of(claim), window_of(claim), Verdict.DATA_GAP, reason)


_Judged = tuple[tuple[Verdict, str], dict[str, Figure]]


def _judged(claim: DaysClaim | ChangeClaim | EventsClaim | FollowedClaim, evidence: Evidence) -> _Judged:
    match claim:
        case DaysClaim():
            return _days(claim, evidence)
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


def _days(claim: DaysClaim, evidence: Evidence) -> _Judged:
    history = evidence.history(claim.pair)
    condition = claim.condition
    known, holds = history.known(condition), history.holds(condition)
    if claim.on is not None:
        row = history.row_of(session_day(claim.on))
        if row is None:
            return (Verdict.DATA_GAP, f"no close of both legs on {claim.on}"), {}
        figures = _figures(history, claim.keys, row)
        if not known[row]:
            return (Verdict.DATA_GAP, _unknown(history, claim.keys, row)), figures
        return _met(bool(holds[row]), "the values differ"), figures
    chosen = _window(history.sessions, claim.since, claim.until) & period_ends(history.sessions, claim.every)
    counted, held = chosen & known, chosen & holds
    n, number = int(counted.sum()), int(held.sum())
    dates = [date_text(int(day)) for day in history.sessions[held]]
    figures = {
        "days": n,
        "days_held": number,
        "share_pct": _shown(100.0 * number / n) if n else None,
        "first_held": dates[0] if dates else None,
        "last_held": dates[-1] if dates else None,
        "history_start": date_text(int(history.sessions[0])),
    }
    if n == 0:
        return (Verdict.DATA_GAP, "no day of the window has all values"), figures
    if dates:
        last = int(np.flatnonzero(held)[-1])
        figures |= {f"{name}_at_last": each for name, each in _figures(history, claim.keys, last).items()}
    if claim.share_pct is not None:
        return _met(_within(100.0 * number / n, claim.share_pct), "the share differs"), figures
    return _met(_within(number, claim.days or _ANY), "the number of days differs"), figures


def _change(claim: ChangeClaim, evidence: Evidence) -> _Judged:
    history, (key,) = evidence.history(claim.pair), claim.keys
    name = value_name(key)
    figures: dict[str, Figure] = {}
    ends: list[float] = []
    for label, day in (("since", claim.since), ("until", claim.until)):
        row = history.row_of(session_day(day))
        if row is None:
            return (Verdict.DATA_GAP, f"no close of both legs on {day}"), figures
        figures[f"{name}_{label}"] = _shown(history.values[key].item(row))
        ends.append(history.values[key].item(row))
    if not all(math.isfinite(end) for end in ends) or ends[0] == 0.0:
        return (Verdict.DATA_GAP, f"{name} is not known on both days"), figures
    change_pct = 100.0 * (ends[1] / ends[0] - 1.0)
    figures["change_pct"] = _shown(change_pct)
    return _met(_within(change_pct, claim.change_pct), "the change differs"), figures


def _events(claim: EventsClaim, evidence: Evidence) -> _Judged:
    sessions = evidence.history(claim.pair).sessions
    every = np.array(evidence.openings(claim.definition, claim.pair), np.int64)
    chosen = every[_window(every, claim.since, claim.until)]
    dates = [date_text(int(day)) for day in chosen]
    figures: dict[str, Figure] = {
        "openings": len(dates),
        "dates": dates[-_SHOWN_DATES:],
        "history_start": date_text(int(sessions[0])),
    }
    if claim.dates is not None:
        return _met(dates == [str(day) for day in sorted(claim.dates)], "the days differ"), figures
    if claim.count is not None:
        return _met(_within(len(dates), claim.count), "the number differs"), figures
    if len(chosen) < 2:
        return (Verdict.NOT_REPRODUCED, "there are no two openings to measure between"), figures
    years = (int(chosen[-1]) - int(chosen[-2])) / _DAYS_A_YEAR
    figures["years_since_previous"] = _shown(years)
    return _met(_within(years, claim.years_since_previous or _ANY), "the time between differs"), figures


def _followed(claim: FollowedClaim, evidence: Evidence) -> _Judged:
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
    if clear and (row.q_value is None or row.q_value > LARGEST_Q):
        return _met(False, f"{row.wording}; not significant among {row.family_size} tests"), figures
    return _met(clear, row.wording), figures


def _met(holds: bool, otherwise: str) -> tuple[Verdict, str]:
    return (Verdict.REPRODUCED if holds else Verdict.NOT_REPRODUCED), otherwise


def _within(figure: float, bounds: Bounds) -> bool:
    return bounds[0] <= figure <= bounds[1]


def _window(sessions: NDArray[np.int64], since: date | None, until: date | None) -> NDArray[np.bool_]:
    chosen = np.ones(len(sessions), np.bool_)
    if since is not None:
        chosen &= sessions >= session_day(since)
    if until is not None:
        chosen &= sessions <= session_day(until)
    return chosen


def _figures(history: PairHistory, keys: Sequence[str], row: int) -> dict[str, Figure]:
    outputs = known_outputs()
    figures: dict[str, Figure] = {}
    for key in keys:
        value = history.values[key].item(row)
        if math.isnan(value):
            figures[value_name(key)] = None
        elif outputs[key][0].is_session:
            figures[value_name(key)] = date_text(int(value)) if value else "none before"
        else:
            figures[value_name(key)] = _shown(value)
    return figures


def _unknown(history: PairHistory, keys: Sequence[str], row: int) -> str:
    reasons = {
        value_name(key): Quality(history.quality[key].item(row)).label.replace("_", " ")
        for key in keys
        if math.isnan(history.values[key].item(row))
    }
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items())


def _shown(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}") + 0.0


def _listed(bounds: Bounds | None) -> list[float] | None:
    return None if bounds is None else list(bounds)
