"""Closes that an exchange announced after the release of the calendar library."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field

from core.model.calendar import Calendar, digest_of, session_day
from core.model.calendar_names import unknown_calendar
from core.model.errors import ConfigurationError
from core.model.records import NANOSECONDS_PER_SECOND
from core.model.validation import TomlTable, read_toml, validated


def _known(name: str) -> str:
    hint = unknown_calendar(name)
    if hint is not None:
        raise ValueError(f"unknown calendar {name!r}{hint}")
    return name


def _whole_minute(close: time) -> time:
    if close.second or close.microsecond:
        raise ValueError(f"must be a whole minute in the exchange's local time, not {close}")
    return close


class ClosedEntry(TomlTable):
    """A `[[closed]]`: a session that does not take place. Further keys are for readers of the file."""

    model_config = ConfigDict(extra="allow")

    calendar: Annotated[str, AfterValidator(_known)]
    session: date


class EarlyCloseEntry(ClosedEntry):
    """An `[[early_close]]`: a session that ends at `close`, in the exchange's local time."""

    close: Annotated[time, AfterValidator(_whole_minute)]


class OverridesFile(TomlTable):
    """A file of calendar overrides."""

    closed: list[ClosedEntry] = Field(default=[])
    early_close: list[EarlyCloseEntry] = Field(default=[])


def parse_overrides(text: str) -> OverridesFile:
    """Read overrides.

    Args:
        text: TOML; `data/calendar_overrides.toml` shows the entries.

    Raises:
        ConfigurationError: The message names each problem with its entry and key.
    """
    document = read_toml(text, "calendar overrides", _refusal)
    return validated(OverridesFile, document, "calendar overrides", _refusal)


def override(calendar: Calendar, zone: Any, overrides: OverridesFile) -> Calendar:
    """Remove sessions and move closes forward; entries of other calendars are ignored.

    Args:
        calendar: As the library has it.
        zone: The exchange's time zone.
        overrides: From `parse_overrides`.

    Raises:
        ConfigurationError: A close is before its open.
    """
    close_ns = calendar.close_ns.copy()
    early = calendar.early_close.copy()
    exceptions: set[tuple[int, str]] = set()
    for entry in overrides.early_close:
        if entry.calendar == calendar.name:
            day = session_day(entry.session)
            exceptions.add((day, entry.close.isoformat()))
            row = np.flatnonzero(calendar.session == day)
            close = datetime.combine(entry.session, entry.close, tzinfo=zone).astimezone(UTC)
            close_ns[row] = int(close.timestamp()) * NANOSECONDS_PER_SECOND
            early[row] = True
    closed = [session_day(each.session) for each in overrides.closed if each.calendar == calendar.name]
    kept = ~np.isin(calendar.session, closed)
    if np.any(close_ns[kept] <= calendar.open_ns[kept]):
        raise _refusal(f"a close of {calendar.name} is before its open")
    exceptions |= {(session, "closed") for session in closed}
    digest = digest_of([calendar.digest, sorted(exceptions)]) if exceptions else calendar.digest
    return Calendar(
        calendar.name, calendar.session[kept], calendar.open_ns[kept], close_ns[kept], early[kept], digest
    )


def _refusal(message: str) -> ConfigurationError:
    prefix = "" if message.startswith("calendar overrides") else "calendar overrides: "
    return ConfigurationError(
        f"{prefix}{message}",
        operator_action="correct the file; core/data/calendar_overrides.toml shows the form",
    )
