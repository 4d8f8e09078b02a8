"""The claim ledger: measurable claims of a text, and how to measure them.

A ledger is data. A claim names its subject and the condition that must hold, which is computed from
the supplied files with the engine's values and events. A claim that cannot be computed states why.
The head of `core/data/claims.toml` shows every form.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from core.definitions.rules import Condition, atoms_of, find_key, parse_condition
from core.model.errors import CatalogueError, RotascopeError
from core.model.records import Frequency
from core.model.sessions import session_day
from core.model.validation import parse_toml
from core.research.forward_returns import HORIZONS_SESSIONS

_ACTION: Final = "correct the entry; the head of core/data/claims.toml shows every form"
_DATE: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")

PairName = Annotated[str, msgspec.Meta(pattern=r"^[^/\s]+/[^/\s]+$")]
Bounds = tuple[float, float]
"""Minimum and maximum, inclusive; `inf` in TOML means no bound."""


class Verdict(StrEnum):
    """Verdict on a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_MEASURABLE = "not measurable"
    DATA_GAP = "data gap"


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """Common fields of claims.

    Args:
        row: Number of the sentence; a sentence may make several claims.
        says: The claim, paraphrased.
    """

    row: Annotated[int, msgspec.Meta(ge=1)]
    says: Annotated[str, msgspec.Meta(min_length=1)]


class DaysClaim(_Form, frozen=True, kw_only=True, tag="days"):
    """A condition held on a day, or on a share or number of the days of a window.

    Args:
        pair: The pair whose values are evaluated.
        holds: Conditions as in the catalogue; a date means its session.
        on: The day; or, instead, a window:
        since: First date of the window; None for the first of the data.
        until: Last date of the window; None for the last. Days after the data make the claim a gap.
        every: Which days count: each session, or the last session of each completed period.
        share_pct: Minimum and maximum percentage of the days on which it must hold.
        days: Minimum and maximum number of such days.
        show: Further values to show, of a single day.
    """

    pair: PairName
    holds: Annotated[list[str], msgspec.Meta(min_length=1)]
    on: date | None = None
    since: date | None = None
    until: date | None = None
    every: Literal["session", "week", "month", "year"] = "session"
    share_pct: Bounds | None = None
    days: tuple[float, float] | None = None
    show: list[str] = []

    @property
    def condition(self) -> Condition:
        """Condition that must hold."""
        dated = [_DATE.sub(_number_of_date, text) for text in self.holds]
        return parse_condition(dated, Frequency.DAY)

    @property
    def keys(self) -> tuple[str, ...]:
        """Outputs it reads."""
        read = [key for atom in atoms_of(self.condition) for key in atom.keys]
        return tuple(dict.fromkeys(read + [find_key(name, Frequency.DAY) for name in self.show]))


class ChangeClaim(_Form, frozen=True, kw_only=True, tag="change"):
    """A value changed by a given amount between two days.

    Args:
        pair: The pair.
        value: Its key or public name, such as ratio_line.
        since: The day it is measured from.
        until: The day it is measured to.
        change_pct: Minimum and maximum change.
    """

    pair: PairName
    value: str
    since: date
    until: date
    change_pct: Bounds

    @property
    def keys(self) -> tuple[str, ...]:
        """Outputs it reads."""
        return (find_key(self.value, Frequency.DAY),)


class EventsClaim(_Form, frozen=True, kw_only=True, tag="events"):
    """A definition opened on given days, a given number of times, or a given time after the previous opening.

    Args:
        pair: The pair.
        definition: Id in the catalogue.
        since: First date that counts.
        until: Last date that counts.
        dates: Exact dates.
        count: Minimum and maximum number.
        years_since_previous: Minimum and maximum years between the last two openings.
    """

    pair: PairName
    definition: str
    since: date | None = None
    until: date | None = None
    dates: list[date] | None = None
    count: Bounds | None = None
    years_since_previous: Bounds | None = None


class FollowedClaim(_Form, frozen=True, kw_only=True, tag="followed"):
    """After openings of a definition the numerator was ahead of, or behind, its return after any day.

    Args:
        pair: The pair.
        definition: Id in the catalogue.
        horizon_sessions: One of the horizons of base rates.
        side: Ahead or behind.
    """

    pair: PairName
    definition: str
    horizon_sessions: Annotated[int, msgspec.Meta(ge=1)]
    side: Literal["ahead", "behind"]


class StatedClaim(_Form, frozen=True, kw_only=True, tag="stated"):
    """A claim that cannot be computed from prices, volumes, flows or rates.

    Args:
        verdict: The stated verdict.
        reason: What is missing.
    """

    verdict: Literal["not measurable", "data gap"]
    reason: Annotated[str, msgspec.Meta(min_length=1)]


Claim = DaysClaim | ChangeClaim | EventsClaim | FollowedClaim | StatedClaim


class _LedgerFile(msgspec.Struct, forbid_unknown_fields=True):
    claim: list[dict[str, object]]


def parse_claims(text: str) -> tuple[Claim, ...]:
    """Read a ledger.

    Args:
        text: TOML.

    Returns:
        The claims, by row and then in file order.

    Raises:
        CatalogueError: An entry is invalid; the message names it and the reason.
    """
    try:
        entries = msgspec.convert(parse_toml(text), _LedgerFile).claim
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise CatalogueError(f"the claim ledger cannot be read: {error}", operator_action=_ACTION) from error
    return tuple(sorted((_claim(entry, n) for n, entry in enumerate(entries, 1)), key=lambda c: c.row))


def _claim(entry: dict[str, object], number: int) -> Claim:
    where = f"claim {number} (row {entry.get('row', '?')})"
    try:
        claim: Claim = msgspec.convert(entry, Claim)
        defect = _defect(claim)
        if isinstance(claim, DaysClaim | ChangeClaim):
            claim.keys  # noqa: B018 — resolves every name, or says which is none.
    except msgspec.ValidationError as error:
        raise CatalogueError(f"{where}: {error}", operator_action=_ACTION) from error
    except RotascopeError as error:
        raise CatalogueError(f"{where}: {error.message}", operator_action=_ACTION) from error
    if defect:
        raise CatalogueError(f"{where}: {defect}", operator_action=_ACTION)
    return claim


def _defect(claim: Claim) -> str | None:
    """Return what is wrong with a claim apart from the types of its fields."""
    since, until = getattr(claim, "since", None), getattr(claim, "until", None)
    if since and until and since > until:
        return f"since {since} is after until {until}"
    if isinstance(claim, DaysClaim):
        wanted = [claim.share_pct, claim.days]
        if claim.on is None and wanted.count(None) != 1:
            return "a window needs exactly one of share_pct and days"
        if claim.on is not None and (since or until or wanted != [None, None]):
            return "a single day cannot have a window, share_pct or days"
    forms = (claim.dates, claim.count, claim.years_since_previous) if isinstance(claim, EventsClaim) else ()
    if forms and forms.count(None) != len(forms) - 1:
        return "an events claim needs exactly one of dates, count and years_since_previous"
    if isinstance(claim, FollowedClaim) and claim.horizon_sessions not in HORIZONS_SESSIONS:
        return f"horizon_sessions must be one of {', '.join(map(str, HORIZONS_SESSIONS))}"
    for bounds in _bounds(claim):
        if not bounds[0] <= bounds[1]:
            return f"{bounds[0]} to {bounds[1]} is an empty range"
    return None


def _bounds(claim: Claim) -> Sequence[Bounds]:
    names = ("share_pct", "days", "change_pct", "count", "years_since_previous")
    return [bounds for name in names if (bounds := getattr(claim, name, None)) is not None]


def _number_of_date(found: re.Match[str]) -> str:
    return str(session_day(date.fromisoformat(found.group())))
