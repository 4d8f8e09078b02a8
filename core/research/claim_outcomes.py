"""What the verdicts on all forms of claims have in common: the evidence, and how an outcome is stated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.events.events import SIGNIFICANT_DIGITS
from core.model.sessions import session_day
from core.research.base_rate_rows import BaseRate
from core.research.claim_fields import Bounds
from core.research.claim_figures import Figure
from core.research.claim_members import MemberVolumes
from core.research.claim_wording import beside
from core.research.claims import Claim, Verdict
from core.research.value_history import PairHistory

SHOWN_DATES: Final = 12
"""Number of the latest dates that a list of them has."""

Judged = tuple[tuple[Verdict, str | None], dict[str, Figure]]
"""Verdict with its reason, and the figures."""


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

    def calendar_sessions(self) -> NDArray[np.int64]:
        """Return the calendar's sessions over the history and the one after it, days since 1970-01-01."""

    def members(self, name: str) -> MemberVolumes | None:
        """Return the volumes of an index's members; None if no file of that name was supplied."""


def met(claim: Claim, holds: bool, found: str) -> tuple[Verdict, str | None]:
    """Return the verdict; where a claim is not reproduced, what was found beside what is claimed."""
    return (Verdict.REPRODUCED, None) if holds else (Verdict.NOT_REPRODUCED, beside(found, claim))


def within(figure: float, bounds: Bounds) -> bool:
    """Return whether a figure is within bounds, inclusive."""
    return bounds[0] <= figure <= bounds[1]


def between(sessions: NDArray[np.int64], since: date | None, until: date | None) -> NDArray[np.bool_]:
    """Mark the sessions of a window, bool (n,)."""
    chosen = np.ones(len(sessions), np.bool_)
    if since is not None:
        chosen &= sessions >= session_day(since)
    if until is not None:
        chosen &= sessions <= session_day(until)
    return chosen


def shown(value: float) -> float:
    """Round to the digits that events show."""
    return float(f"{value:.{SIGNIFICANT_DIGITS - 1}e}") + 0.0
