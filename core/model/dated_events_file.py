"""The shape of the file of dated events."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from core.model.errors import ConfigurationError
from core.model.validation import TomlTable, one_of

EVENTS: Final = "dated events"
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _identifier(text: str) -> str:
    if not text.isidentifier():
        raise ValueError(f"must be an identifier, not {text!r}")
    return text


def _sourced(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


Sessions = Annotated[int, Field(ge=0, le=10)]


class DateRuleTable(TomlTable):
    """The `rule` of a kind: the nth weekday of a month."""

    month: Annotated[int, Field(ge=1, le=12)]
    weekday: Annotated[str, AfterValidator(one_of("weekday", WEEKDAYS))]
    nth: Annotated[int, Field(ge=1, le=4)]
    first_year: int


class KindEntry(TomlTable):
    """A `[[kind]]`."""

    id: Annotated[str, AfterValidator(_identifier)]
    before: Sessions
    after: Sessions
    scheduled: bool = True
    early_close: bool = False
    rule: DateRuleTable | None = None


class EventEntry(TomlTable):
    """An `[[event]]`."""

    kind: str
    dates: Annotated[list[date], Field(min_length=1)]
    status: Literal["confirmed", "announced", "superseded"]
    source: Annotated[str, AfterValidator(_sourced)]
    note: Any = None


def _once(kinds: list[KindEntry]) -> list[KindEntry]:
    names = [kind.id for kind in kinds]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"duplicate id {', '.join(map(repr, twice))}")
    return kinds


class EventsFile(TomlTable):
    """The file of dated events."""

    kind: Annotated[list[KindEntry], AfterValidator(_once)] = Field(default=[])
    event: list[EventEntry] = Field(default=[])


def refusal(message: str) -> ConfigurationError:
    """Return the error of a file of dated events that cannot be used."""
    prefix = "" if message.startswith(EVENTS) else f"{EVENTS}: "
    return ConfigurationError(
        f"{prefix}{message}", operator_action="correct the file of dated events; its head documents the keys"
    )
