"""Prints results to standard output, as tables or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec
import typer
from msgspec.structs import asdict

from consumers.study.tables import base_rates_table, events_table, print_table, values_table
from consumers.study.values import DayValues
from core.events.events import Event, encode_data, event_data
from core.model.errors import InputError
from core.model.sessions import session_day
from core.model.timestamps import date_text
from core.research.base_rate_rows import FIGURES, BaseRate

_EVENTS_A_WRITE: Final = 512


@dataclass(frozen=True, slots=True)
class EventChoice:
    """Selects the events that are printed.

    Args:
        definitions: Definition ids; empty for all.
        states: State labels; empty for all.
        first: First event date, None for any.
        last: Last event date, None for any.

    Raises:
        InputError: The last date is before the first.
    """

    definitions: frozenset[str]
    states: frozenset[str]
    first: date | None
    last: date | None

    def __post_init__(self) -> None:
        if self.first and self.last and self.first > self.last:
            raise InputError(f"--from {self.first} is after --to {self.last}")

    def among(self, events: Sequence[Event]) -> list[Event]:
        """Return the selected events."""
        first = date_text(session_day(self.first)) if self.first else ""
        last = date_text(session_day(self.last)) if self.last else "9999"
        return [
            event
            for event in events
            if (not self.definitions or event.definition in self.definitions)
            and (not self.states or event.state in self.states)
            and first <= event.event_time[:10] <= last
        ]


def print_events(events: Sequence[Event], style: str) -> None:
    """Print events as a table or as JSON lines."""
    if style == "jsonl":
        for first in range(0, len(events), _EVENTS_A_WRITE):
            typer.echo(b"\n".join(map(encode_data, events[first : first + _EVENTS_A_WRITE])))
    else:
        print_table(events_table([event_data(event) for event in events]))


def print_values(values: DayValues, style: str) -> None:
    """Print the values of a day as a table or as one JSON object."""
    if style == "json":
        typer.echo(msgspec.json.encode(values))
    else:
        print_table(values_table(values))


def print_base_rates(rows: Sequence[BaseRate], style: str) -> None:
    """Print base rates as a table or as one JSON object."""
    if style == "json":
        typer.echo(msgspec.json.encode({"base_rates": [base_rate_data(row) for row in rows]}))
    else:
        print_table(base_rates_table(rows))


def base_rate_data(row: BaseRate) -> dict[str, object]:
    """Return one row as JSON content; a null figure has a reason."""
    data = asdict(row)
    data["as_of"] = date_text(row.as_of)
    data["reasons"] = {name: row.reason for name in FIGURES if data[name] is None}
    return data | {"wording": row.wording}
