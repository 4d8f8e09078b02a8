"""Validate records of the event topics and format them as human-readable lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from consumers.worker.schemas import defect, text_headers
from core.kafka.records import Record
from core.model.errors import InputError
from core.model.schemas import EVENT_HEADERS, event_schema_id
from core.model.topics import EVENTS_PREFIX

_ROW: Final = "{knowable:<24}  {pair:<11}  {definition:<26}  {state:<11}  {time:<24}  {figures}"
_UNITS: Final = (("_pct", "%"), ("_pp", "pp"), ("_bp", "bp"), ("_days", "days"))

TABLE_HEADER: Final = _ROW.format(
    knowable="KNOWABLE", pair="PAIR", definition="DEFINITION", state="STATE", time="EVENT TIME",
    figures="VALUES",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Selects events; an empty set selects all.

    Args:
        definitions: Definition ids.
        pairs: `NUMERATOR/BENCHMARK`.
        states: `EventState` labels.
    """

    definitions: frozenset[str] = frozenset()
    pairs: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()

    def admits(self, data: Mapping[str, Any]) -> bool:
        """Return whether the event data match every set."""
        return (
            (not self.definitions or data["definition"] in self.definitions)
            and (not self.pairs or data["pair"] in self.pairs)
            and (not self.states or data["state"] in self.states)
        )


def read_event(record: Record) -> dict[str, Any]:
    """Decode and validate one record of an event topic.

    Args:
        record: From `rotascope.events.<family>`.

    Returns:
        The event data, validated against its JSON Schema.

    Raises:
        InputError: The headers are not those of a CloudEvent, the schema is not the topic's, or
            the data violate the schema.
    """
    headers = text_headers(record.headers)
    if wrong := defect(EVENT_HEADERS, headers):
        raise InputError(f"not a CloudEvent in binary content mode: {wrong}")
    expected = event_schema_id(record.topic.removeprefix(EVENTS_PREFIX))
    if headers["ce_dataschema"] != expected:
        raise InputError(f"schema {headers['ce_dataschema']} is not the one this version reads, {expected}")
    try:
        data = msgspec.json.decode(record.value)
    except msgspec.DecodeError as error:
        raise InputError(f"not JSON: {error}") from error
    if wrong := defect(expected, data):
        raise InputError(wrong)
    assert isinstance(data, dict)  # noqa: S101 - guaranteed by the schema; for the type checker
    return data


def event_row(data: Mapping[str, Any]) -> str:
    """Format valid event data as one aligned line under `TABLE_HEADER`."""
    reasons = data["reasons"]
    figures = [_figure_text(name, value, reasons.get(name)) for name, value in data["values"].items()]
    since = data["first_since"]
    if since is not None and since["last_true"] is not None:
        figures.append(f"first since {since['last_true']} (history from {since['history_start']})")
    elif since is not None:
        figures.append(reasons["first_since.last_true"])
    if data["quality"] != "ok":
        figures.append(f"quality {data['quality']}")
    return _ROW.format(
        knowable=data["knowable_time"],
        pair=data["pair"],
        definition=data["definition"],
        state=data["state"],
        time=data["event_time"],
        figures="; ".join(figures),
    )


def _figure_text(name: str, value: float | None, reason: str | None) -> str:
    label, unit = name, ""
    for suffix, text in _UNITS:
        if name.endswith(suffix):
            label, unit = name.removesuffix(suffix), f" {text}"
    if value is None:
        return f"{label} unknown ({reason})"
    return f"{label} {value:.4g}{unit}"
