"""Real events against the published schemas, and against the CloudEvents SDK."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, to_binary_event
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from consumers.worker.schemas import defect, schema_registry, text_headers, validator
from core.definitions.catalogue import parse_catalogue
from core.definitions.definition import Definition
from core.definitions.rules import OPERATORS
from core.events.events import Event, encode_data, event_data, event_key, kafka_headers
from core.model.errors import ConfigurationError
from core.model.event_families import EVENT_FAMILIES
from core.model.records import EventState, Frequency, Quality
from core.model.schemas import EVENT_COMMON, EVENT_DIVERGENCE, EVENT_HEADERS, SCHEMA_FILES, event_schema_id
from tests.support.sample_events import NO_EARLIER_CASE, candidate, opposite_day, strength

NOT_RECORDED = {**NO_EARLIER_CASE, "sessions_true": None}
CATALOGUE = parse_catalogue((files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8"))

EVENTS = [
    opposite_day(),
    candidate(),
    strength(),
    opposite_day(state="withdrawn"),
    opposite_day(state="extended", previous_state="confirmed", transition=3),
    opposite_day(first_since=NO_EARLIER_CASE),
    opposite_day(first_since=NOT_RECORDED, reasons={"first_since.sessions_true": "not recorded"}),
    opposite_day(first_since=None, reasons={"first_since": "no record is kept for this definition"}),
    strength(values={"spread_pp": None}, legs={}, quality="stale", reasons={}),
]

Edit = Callable[[dict[str, Any]], object]

BREACHES: dict[str, Edit] = {
    "a field too many": lambda data: data.update(note="x"),
    "a field too few": lambda data: data.pop("quality"),
    "another family": lambda data: data.update(family="rotation"),
    "an unknown state": lambda data: data.update(state="idle"),
    "an unknown quality": lambda data: data.update(quality="fine"),
    "a figure as text": lambda data: data["values"].update(spread_pp="4.4"),
    "no value at all": lambda data: data.update(values={}),
    "a value without its name's form": lambda data: data["values"].update({"Spread %": 1.0}),
    "an opposite day without its spread": lambda data: data["values"].pop("spread_pp"),
    "an opposite day without its threshold": lambda data: data.update(threshold={}),
    "a threshold that is not known": lambda data: data["threshold"].update(instrument_return_pct=None),
    "a null without a reason": lambda data: (data["values"].update(x=None), data.update(reasons={})),
    "no base rate and no reason": lambda data: data.update(reasons={"x": "y"}),
    "no record and no reason": lambda data: data.update(first_since=None),
    "a final day with an instant": lambda data: data.update(event_time="2024-07-11T20:00:00Z"),
    "a candidate with a date": lambda data: data.update(state="candidate"),
    "a local time": lambda data: data.update(knowable_time="2024-07-11T16:00:00-04:00"),
    "a leg too few": lambda data: data["legs"].pop("benchmark"),
    "a leg without a price": lambda data: data["legs"]["numerator"].pop("price"),
    "no earlier opening, yet a count": lambda data: data["first_since"].update(previous_opening=None),
    "an earlier opening, yet no count": lambda data: data["first_since"].update(openings=0),
    "no earlier session, yet a count": lambda data: data["first_since"].update(last_true=None),
    "an earlier session, yet no count": lambda data: data["first_since"].update(sessions_true=0),
    "the earlier form": lambda data: data["first_since"].update(date="2008-10-10", count=1),
    "provenance without a universe": lambda data: data["provenance"].pop("universe"),
}


def the_data(event: Event) -> dict[str, Any]:
    return dict(json.loads(encode_data(event)))


def test_the_table_and_the_folder_name_the_same_schemas() -> None:
    folder = files("core") / "data" / "schemas"
    assert {file.name for file in folder.iterdir()} == set(SCHEMA_FILES.values())


@pytest.mark.parametrize("schema_id", SCHEMA_FILES)
def test_a_schema_is_valid_and_called_what_the_table_says(schema_id: str) -> None:
    schema = schema_registry().contents(schema_id)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == schema_id  # type: ignore[index]
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]  # type: ignore[index]


def test_a_schema_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no JSON Schema 'urn:rotascope:schema:event:divergence:9'"):
        validator("urn:rotascope:schema:event:divergence:9")


def test_the_words_of_the_schema_are_those_of_the_code() -> None:
    properties = validator(EVENT_COMMON).schema["properties"]
    states = {state.label for state in EventState}
    assert set(properties["previous_state"]["enum"]) == states
    assert set(properties["state"]["enum"]) == states - {"idle"}
    assert set(properties["quality"]["enum"]) == {quality.label for quality in Quality}
    assert set(properties["frequency"]["enum"]) == {frequency.label for frequency in Frequency}
    assert tuple(properties["family"]["enum"]) == EVENT_FAMILIES
    since = validator(EVENT_COMMON).schema["$defs"]["first_since"]["properties"]
    assert tuple(since["operator"]["enum"]) == OPERATORS
    assert list(event_data(opposite_day())) == validator(EVENT_COMMON).schema["required"]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.definition}-{event.state}")
def test_an_event_is_valid_under_the_schema_its_header_names(event: Event) -> None:
    headers = text_headers(tuple(kafka_headers(event)))
    assert defect(EVENT_HEADERS, headers) is None
    assert headers["ce_dataschema"] in SCHEMA_FILES
    assert defect(headers["ce_dataschema"], the_data(event)) is None


@pytest.mark.parametrize("family", EVENT_FAMILIES)
def test_every_family_has_a_schema(family: str) -> None:
    event = opposite_day(family=family, definition="some_definition")
    assert defect(event_schema_id(family), the_data(event)) is None


@pytest.mark.parametrize("definition", CATALOGUE.definitions, ids=lambda definition: definition.definition_id)
def test_what_a_definition_says_about_itself_is_valid(definition: Definition) -> None:
    event = opposite_day(
        definition=definition.definition_id,
        version=definition.version,
        family=definition.family,
        state="candidate",
        event_time="2024-07-11T14:31:00Z",
        frequency=definition.frequency.label,
        values=dict.fromkeys(definition.payload, 1.0),
        threshold=definition.threshold,
        first_since={**NO_EARLIER_CASE, "series": definition.series, "operator": definition.operator},
    )
    assert definition.family in EVENT_FAMILIES
    assert defect(event_schema_id(definition.family), the_data(event)) is None


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_found(breach: str) -> None:
    data = the_data(opposite_day())
    assert defect(EVENT_DIVERGENCE, data) is None
    broken = copy.deepcopy(data)
    BREACHES[breach](broken)
    assert broken != data
    assert defect(EVENT_DIVERGENCE, broken) is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
        ("ce_specversion", "0.3"),
        ("ce_source", "/rotascope/ticks.v1/3"),
        ("content-type", "application/cloudevents+json"),
        ("ce_time", "2024-07-11"),
        ("ce_dataschema", "https://example.org/schema"),
    ],
)
def test_a_header_of_another_kind_is_found(name: str, value: str) -> None:
    headers = {**text_headers(tuple(kafka_headers(opposite_day()))), name: value}
    assert str(defect(EVENT_HEADERS, headers)).startswith(f"{name}: ")


def test_a_missing_header_is_found_and_a_foreign_one_is_not_minded() -> None:
    headers = dict(text_headers(tuple(kafka_headers(opposite_day()))))
    assert defect(EVENT_HEADERS, {**headers, "traceparent": "00-1-2-01"}) is None
    del headers["ce_id"]
    assert defect(EVENT_HEADERS, headers) == "'ce_id' is a required property"


@given(
    values=st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True),
        st.none() | st.floats() | st.integers(-9, 9),
        min_size=1,
    ),
    quality=st.sampled_from([quality.label for quality in Quality]),
)
def test_whatever_was_measured_makes_valid_data(values: dict[str, float | None], quality: str) -> None:
    event = strength(values=values, quality=quality, reasons={})
    data = the_data(event)
    assert defect(event_schema_id("relative-strength"), data) is None
    assert all(name in data["reasons"] for name, value in data["values"].items() if value is None)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.definition}-{event.state}")
def test_the_sdk_reads_what_we_write(event: Event) -> None:
    message = KafkaMessage(dict(kafka_headers(event)), event_key(event), encode_data(event))
    read = from_binary_event(message)
    assert read.get_id() == event.event_id
    assert read.get_type() == f"rotascope.{event.family}.{event.definition}.{event.state}"
    assert read.get_source() == f"/rotascope/pairs/{event.pair}"
    assert read.get_subject() == event.pair
    assert read.get_time() == datetime.fromtimestamp(event.ts_knowable_ns // 1_000_000_000, UTC)
    assert read.get_datacontenttype() == "application/json"
    assert read.get_dataschema() == event_schema_id(event.family)
    assert read.get_extension("partitionkey") == event.pair
    assert read.get_extension("definitionversion") == event.version
    assert read.get_data() == event_data(event)


def test_the_sdk_would_write_the_same_record() -> None:
    event = opposite_day()
    ours = KafkaMessage(dict(kafka_headers(event)), event_key(event), encode_data(event))
    theirs = to_binary_event(from_binary_event(ours))
    assert theirs.headers == ours.headers
    assert theirs.key == ours.key.decode()  # type: ignore[union-attr]
    assert json.loads(theirs.value) == json.loads(ours.value)
