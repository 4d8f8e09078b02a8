"""The claim ledger: what a text said that can be measured, and how it is to be measured.

A ledger is data. A claim names what it is about and what must hold; whether it does is computed
from the files supplied, with the values and events of the engine. What nobody can compute says so
and why. The head of `core/data/claims.toml` shows every form.
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
from core.research.forward_returns import HORIZONS_SESSIONS

_ACTION: Final = "correct the entry; the head of core/data/claims.toml shows every form"
_DATE: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")

PairName = Annotated[str, msgspec.Meta(pattern=r"^[^/\s]+/[^/\s]+$")]
Bounds = tuple[float, float]
"""Least and most, both included; TOML writes inf where there is none."""


class Verdict(StrEnum):
    """What became of a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_MEASURABLE = "not measurable"
    DATA_GAP = "data gap"


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    """What every claim has.

    Args:
        row: Number of the sentence; one sentence may make several claims.
        says: The claim, in our words.
    """

    row: Annotated[int, msgspec.Meta(ge=1)]
    says: Annotated[str, msgspec.Meta(min_length=1)]


class DaysClaim(_Form, frozen=True, kw_only=True, tag="days"):
    """Something held on a day, or on a share or a number of the days of a window.

    Args:
        pair: The pair whose values are looked at.
        holds: Conditions as in the catalogue; a date stands for its session.
        on: The day; or, instead, the window:
        since: Its first date; None from the first on.
        until: Its last date; None up to the last. Days behind the data make the claim a gap.
        every: Which days count: each session, or the last session of each finished period.
        share_pct: Least and most percent of the days on which it must hold.
        days: Least and most number of such days.
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
        """What must hold."""
        dated = [_DATE.sub(_number_of_date, text) for text in self.holds]
        return parse_condition(dated, Frequency.DAY)

    @property
    def keys(self) -> tuple[str, ...]:
        """Outputs it reads."""
        read = [key for atom in atoms_of(self.condition) for key in atom.keys]
        return tuple(dict.fromkeys(read + [find_key(name, Frequency.DAY) for name in self.show]))


class ChangeClaim(_Form, frozen=True, kw_only=True, tag="change"):
    """A value changed by so much from one day to another.

    Args:
        pair: The pair.
        value: Its key or public name, such as ratio_line.
        since: The day it is measured from.
        until: The day it is measured to.
        change_pct: Least and most change.
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
    """A definition opened on certain days, so often, or so long after the time before.

    Args:
        pair: The pair.
        definition: Id in the catalogue.
        since: First date that counts.
        until: Last date that counts.
        dates: Exactly these.
        count: Least and most number.
        years_since_previous: Least and most years from the opening before the last one to it.
    """

    pair: PairName
    definition: str
    since: date | None = None
    until: date | None = None
    dates: list[date] | None = None
    count: Bounds | None = None
    years_since_previous: Bounds | None = None


class FollowedClaim(_Form, frozen=True, kw_only=True, tag="followed"):
    """After the openings of a definition the numerator was ahead of, or behind, what follows any day.

    Args:
        pair: The pair.
        definition: Id in the catalogue.
        horizon_sessions: One of the horizons of base rates.
        side: Which.
    """

    pair: PairName
    definition: str
    horizon_sessions: Annotated[int, msgspec.Meta(ge=1)]
    side: Literal["ahead", "behind"]


class StatedClaim(_Form, frozen=True, kw_only=True, tag="stated"):
    """Nothing that is computed from prices, volumes, flows or rates.

    Args:
        verdict: Which of the two.
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
        The claims, by row and then as they stand.

    Raises:
        CatalogueError: Says which entry cannot be used, and why.
    """
    try:
        entries = msgspec.convert(tomllib.loads(text), _LedgerFile).claim
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
    """What a claim lacks besides the types of its fields."""
    since, until = getattr(claim, "since", None), getattr(claim, "until", None)
    if since and until and since > until:
        return f"since {since} lies behind until {until}"
    if isinstance(claim, DaysClaim):
        wanted = [claim.share_pct, claim.days]
        if claim.on is None and wanted.count(None) != 1:
            return "a window needs share_pct or days, and only one of them"
        if claim.on is not None and (since or until or wanted != [None, None]):
            return "a single day has no window, no share and no number of days"
    forms = (claim.dates, claim.count, claim.years_since_previous) if isinstance(claim, EventsClaim) else ()
    if forms and forms.count(None) != len(forms) - 1:
        return "events are claimed by dates, count or years_since_previous, one of them"
    if isinstance(claim, FollowedClaim) and claim.horizon_sessions not in HORIZONS_SESSIONS:
        return f"horizon_sessions is one of {', '.join(map(str, HORIZONS_SESSIONS))}"
    for bounds in _bounds(claim):
        if not bounds[0] <= bounds[1]:
            return f"{bounds[0]} to {bounds[1]} holds nothing"
    return None


def _bounds(claim: Claim) -> Sequence[Bounds]:
    names = ("share_pct", "days", "change_pct", "count", "years_since_previous")
    return [bounds for name in names if (bounds := getattr(claim, name, None)) is not None]


def _number_of_date(found: re.Match[str]) -> str:
    return str(session_day(date.fromisoformat(found.group())))
