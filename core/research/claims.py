"""The claim ledger: measurable claims of a text, and how to measure them.

A ledger is data. A claim names its subject and the condition that must hold, which is computed from
the supplied files with the engine's values and events. A claim that cannot be computed states why.
The head of `core/data/claims.toml` shows every form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from core.definitions.rules import Condition, atoms_of, find_key, parse_condition
from core.model.errors import CatalogueError, RotascopeError
from core.model.records import Frequency
from core.model.sessions import session_day
from core.model.validation import TomlTable, read_toml, validated
from core.research.claim_fields import Bounds, Every, PairName, Text
from core.research.forward_returns import HORIZONS_SESSIONS

LEDGER: Final = "claim ledger"
COUNT_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {"session": "days", "week": "weeks", "month": "months", "year": "years"}
)
"""What "every" counts → the key of a number of them, and the word for them."""

_DATE: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


class Verdict(StrEnum):
    """Verdict on a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_MEASURABLE = "not measurable"
    DATA_GAP = "data gap"


class _Form(TomlTable):
    """Common fields of claims.

    Args:
        row: Number of the sentence; a sentence may make several claims.
        says: The claim, paraphrased.
    """

    row: Annotated[int, Field(ge=1)]
    says: Text

    @model_validator(mode="after")
    def _window_has_days(self) -> Self:
        since, until = getattr(self, "since", None), getattr(self, "until", None)
        if since and until and since > until:
            raise ValueError(f"since {since} is after until {until}")
        return self


class DaysClaim(_Form):
    """A condition held on a day, or on a share, a number or an unbroken run of the periods of a window.

    Args:
        pair: The pair whose values are evaluated.
        holds: Conditions as in the catalogue; a date means its session.
        on: The day; or, instead, a window:
        since: First date of the window; None for the first of the data.
        until: Last date of the window; None for the last. Days after the data make the claim a gap.
        every: What counts: each session, or the last session of each completed week, month or year.
        share_pct: Minimum and maximum percentage of the periods in which it must hold.
        in_a_row: Minimum and maximum length of the longest run of consecutive periods in which it held.
        days: Minimum and maximum number of sessions; `weeks`, `months` and `years` of such periods.
        show: Further values to show, of a single day or of the last period in which it held.
    """

    kind: Literal["days"]
    pair: PairName
    holds: Annotated[list[str], Field(min_length=1)]
    on: date | None = None
    since: date | None = None
    until: date | None = None
    every: Every = "session"
    share_pct: Bounds | None = None
    in_a_row: Bounds | None = None
    days: Bounds | None = None
    weeks: Bounds | None = None
    months: Bounds | None = None
    years: Bounds | None = None
    show: list[str] = Field(default=[])

    @property
    def condition(self) -> Condition:
        """Condition that must hold; one clause for each text of `holds`."""
        dated = [_DATE.sub(_number_of_date, text) for text in self.holds]
        return parse_condition(dated, Frequency.DAY)

    @property
    def keys(self) -> tuple[str, ...]:
        """Outputs it reads."""
        read = [key for atom in atoms_of(self.condition) for key in atom.keys]
        return tuple(dict.fromkeys(read + [find_key(name, Frequency.DAY) for name in self.show]))

    @property
    def number(self) -> Bounds | None:
        """Minimum and maximum number of periods, whatever they are."""
        return next((bounds for bounds in self._numbers.values() if bounds is not None), None)

    @property
    def _numbers(self) -> dict[str, Bounds | None]:
        return {key: getattr(self, key) for key in COUNT_KEYS.values()}

    @model_validator(mode="after")
    def _is_measurable(self) -> Self:
        own = COUNT_KEYS[self.every]
        wrong = [key for key, bounds in self._numbers.items() if bounds is not None and key != own]
        if wrong and self.on is None:
            raise ValueError(f"every {self.every} is counted by {own!r}, not by {wrong[0]!r}")
        wanted = [self.share_pct, self.in_a_row, *self._numbers.values()]
        given = len(wanted) - wanted.count(None)
        if self.on is None and given != 1:
            raise ValueError(f"a window needs exactly one of share_pct, in_a_row and {own}")
        if self.on is not None and (self.since or self.until or given or self.every != "session"):
            raise ValueError("a single day cannot have a window, every, share_pct, in_a_row or a number")
        _resolved(self)
        return self


class ChangeClaim(_Form):
    """A value changed by a given amount between two days.

    Args:
        pair: The pair.
        value: Its key or public name, such as ratio_line.
        since: The day it is measured from.
        until: The day it is measured to.
        change_pct: Minimum and maximum change.
    """

    kind: Literal["change"]
    pair: PairName
    value: str
    since: date
    until: date
    change_pct: Bounds

    @property
    def keys(self) -> tuple[str, ...]:
        """Outputs it reads."""
        return (find_key(self.value, Frequency.DAY),)

    @model_validator(mode="after")
    def _is_measurable(self) -> Self:
        _resolved(self)
        return self


class EventsClaim(_Form):
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

    kind: Literal["events"]
    pair: PairName
    definition: str
    since: date | None = None
    until: date | None = None
    dates: list[date] | None = None
    count: Bounds | None = None
    years_since_previous: Bounds | None = None

    @model_validator(mode="after")
    def _is_measurable(self) -> Self:
        forms = (self.dates, self.count, self.years_since_previous)
        if forms.count(None) != len(forms) - 1:
            raise ValueError("an events claim needs exactly one of dates, count and years_since_previous")
        return self


class FollowedClaim(_Form):
    """After openings of a definition the numerator was ahead of, or behind, its return after any day.

    Args:
        pair: The pair.
        definition: Id in the catalogue.
        horizon_sessions: One of the horizons of base rates.
        side: Ahead or behind.
    """

    kind: Literal["followed"]
    pair: PairName
    definition: str
    horizon_sessions: int
    side: Literal["ahead", "behind"]

    @model_validator(mode="after")
    def _is_measurable(self) -> Self:
        if self.horizon_sessions not in HORIZONS_SESSIONS:
            raise ValueError(f"horizon_sessions must be one of {', '.join(map(str, HORIZONS_SESSIONS))}")
        return self


class MembersClaim(_Form):
    """On a day the members of an index together traded a multiple of their average volume.

    Args:
        members: Name of the file of volumes, as `--members` gives it.
        on: The day.
        sessions: Number of sessions before the day whose average is the measure.
        times_average: Minimum and maximum volume of the day, as a multiple of that average.
    """

    kind: Literal["members"]
    members: Text
    on: date
    sessions: Annotated[int, Field(ge=2, le=252)] = 20
    times_average: Bounds


class StatedClaim(_Form):
    """A claim that cannot be computed from prices, volumes, flows or rates.

    Args:
        verdict: The stated verdict.
        reason: What is missing.
    """

    kind: Literal["stated"]
    verdict: Literal["not measurable", "data gap"]
    reason: Text


PairClaim = DaysClaim | ChangeClaim | EventsClaim | FollowedClaim
"""A claim about a pair."""
Claim = PairClaim | MembersClaim | StatedClaim


class LedgerFile(TomlTable):
    """A file of claims."""

    claim: list[Annotated[Claim, Field(discriminator="kind")]]


def parse_claims(text: str) -> tuple[Claim, ...]:
    """Read a ledger.

    Args:
        text: TOML.

    Returns:
        The claims, by row and then in file order.

    Raises:
        CatalogueError: An entry is invalid; the message names every problem and its place.
    """
    ledger = validated(LedgerFile, read_toml(text, LEDGER, _refusal), LEDGER, _refusal)
    return tuple(sorted(ledger.claim, key=lambda claim: claim.row))


def _refusal(message: str) -> CatalogueError:
    return CatalogueError(
        message, operator_action="correct the entry; the head of core/data/claims.toml shows every form"
    )


def _resolved(claim: DaysClaim | ChangeClaim) -> None:
    """Refuse a name or a condition that the engine does not have."""
    try:
        claim.keys  # noqa: B018 — resolves every name, or says which is none.
    except RotascopeError as error:
        raise ValueError(error.message) from error


def _number_of_date(found: re.Match[str]) -> str:
    return str(session_day(date.fromisoformat(found.group())))
