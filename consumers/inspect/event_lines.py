"""Validate records of the event topics and format them as human-readable lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import msgspec

from consumers.worker.schemas import defect, text_headers
from core.definitions.sentence import LEGS, title_of_id
from core.events.per_year import openings_per_year
from core.events.phrases import legs_text, listed_values, since_text
from core.kafka.records import Record
from core.model.errors import InputError
from core.model.schemas import EVENT_COMMON, EVENT_HEADERS, SCHEMA_FILES, event_schema_id
from core.model.topics import EVENTS_PREFIX

_ROW: Final = (
    "{knowable:<24}  {pair:<11}  {definition:<26}  {state:<11}  {time:<24}  {rate:>7}  {legs:<28}  {summary}"
)
_DATE_LETTERS: Final = len("2024-07-11")

TABLE_HEADER: Final = _ROW.format(
    knowable="KNOWABLE", pair="PAIR", definition="DEFINITION", state="STATE", time="EVENT TIME",
    rate="A YEAR", legs="LEGS SINCE THE CLOSE BEFORE", summary="SUMMARY",
)  # fmt: skip


class EarlierEvent(msgspec.Struct):
    """What a line needs of an event that an earlier release published."""

    definition: str
    pair: str
    numerator: str
    benchmark: str
    state: str
    event_time: str
    knowable_time: str
    values: dict[str, float | str | None]
    legs: dict[str, dict[str, float | str | None]]
    first_since: dict[str, Any] | None
    reasons: dict[str, str]
    quality: str


def event_id_of(record: Record) -> str:
    """Return the CloudEvents id of a record that `read_event` accepts."""
    return text_headers(record.headers)["ce_id"]


def read_event(record: Record) -> dict[str, Any]:
    """Decode and validate one record of an event topic.

    Args:
        record: From `rotascope.events.<family>`.

    Returns:
        The event data, validated against its JSON Schema; topics keep events of earlier schemas for weeks,
        and one whose schema is not installed any more has at least the fields of `EarlierEvent`.

    Raises:
        InputError: The headers are not those of a CloudEvent, the schema is not the topic's, or
            the data violate the schema.
    """
    headers = text_headers(record.headers)
    if wrong := defect(EVENT_HEADERS, headers):
        raise InputError(f"not a CloudEvent in binary content mode: {wrong}")
    schema, expected = headers["ce_dataschema"], event_schema_id(record.topic.removeprefix(EVENTS_PREFIX))
    if schema != expected and not _is_earlier(schema, expected):
        raise InputError(f"schema {schema} is not the one this version reads, {expected}")
    try:
        data = msgspec.json.decode(record.value)
    except msgspec.DecodeError as error:
        raise InputError(f"not JSON: {error}") from error
    if wrong := defect(schema, data) if schema in SCHEMA_FILES else _defect_of_earlier(data):
        raise InputError(wrong)
    assert isinstance(data, dict)  # noqa: S101 - guaranteed by the schema; for the type checker
    return data


def event_row(data: Mapping[str, Any]) -> str:
    """Format valid event data as one aligned line under `TABLE_HEADER`."""
    rate = per_year(data)
    quality = "" if data["quality"] == "ok" else f"; quality {data['quality']}"
    return _ROW.format(
        knowable=data["knowable_time"],
        pair=data["pair"],
        definition=data["definition"],
        state=data["state"],
        time=data["event_time"],
        rate="-" if rate is None else f"{rate:.2f}",
        legs=legs_moved(data),
        summary=summary(data) + quality,
    )


def summary(data: Mapping[str, Any]) -> str:
    """Return the summary of an event; of an earlier schema, what can be said from its values."""
    told = data.get("summary")
    if told is not None:
        return str(told)
    listed = ", ".join(listed_values(data["values"], data["reasons"]))
    return f"{title_of_id(data['definition'])}; {listed}{since_text(data['first_since'], data['state'])}"


def per_year(data: Mapping[str, Any]) -> float | None:
    """Return how often the definition opened on the pair a year; None if it is not known."""
    if "openings_per_year" in data:
        rate: float | None = data["openings_per_year"]
        return rate
    session = date.fromisoformat(data["event_time"][:_DATE_LETTERS])
    return openings_per_year(data["first_since"], session)[0]


def legs_moved(data: Mapping[str, Any]) -> str:
    """Write both legs' returns since their previous close.

    Example:
        >>> legs = {"numerator": {"return_pct": 3.5718}, "benchmark": {"return_pct": -0.876}}
        >>> legs_moved({"numerator": "RUT", "benchmark": "SPX", "legs": legs, "reasons": {}})
        'RUT +3.57 %, SPX -0.88 %'
    """
    return legs_text({leg: data[leg] for leg in LEGS}, data["legs"], data["reasons"])


def _is_earlier(schema: str, expected: str) -> bool:
    """Whether a schema is the expected one, or the common one, with a lower number."""
    name, _, number = schema.rpartition(":")
    names = {each.rpartition(":")[0] for each in (expected, EVENT_COMMON)}
    return name in names and int(number) < int(expected.rpartition(":")[2])


def _defect_of_earlier(data: object) -> str | None:
    try:
        msgspec.convert(data, EarlierEvent)
    except msgspec.ValidationError as error:
        return str(error)
    return None
