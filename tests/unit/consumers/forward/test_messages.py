"""Events as HTTP messages, and what is no event."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event

from consumers.forward.messages import attributes_of, binary_message, structured_message
from core.events.events import encode_data, event_data, event_key, kafka_headers, topic_of
from core.kafka.records import Record
from core.model.errors import InputError
from tests.support.sample_events import opposite_day

EVENT = opposite_day()
RECORD = Record(
    topic_of(EVENT),
    0,
    7,
    event_key(EVENT),
    encode_data(EVENT),
    tuple(kafka_headers(EVENT)),
    1_720_728_000_000,
)


def with_header(name: str, value: bytes) -> Record:
    return replace(RECORD, headers=(*(h for h in RECORD.headers if h[0] != name), (name, value)))


def test_binary_mode_keeps_every_byte_of_the_body() -> None:
    message = binary_message(attributes_of(RECORD), RECORD.value)
    assert message.body == RECORD.value
    assert message.headers["ce-id"] == EVENT.event_id
    assert message.headers["Content-Type"] == "application/json"
    assert not any("_" in name for name in message.headers)


def test_structured_mode_holds_attributes_and_data() -> None:
    message = structured_message(attributes_of(RECORD), RECORD.value)
    document = json.loads(message.body)
    assert document["data"] == event_data(EVENT)
    assert document["id"] == EVENT.event_id
    assert RECORD.value in message.body


@pytest.mark.parametrize("make", [binary_message, structured_message])
def test_letters_beyond_ascii_survive(make: object) -> None:
    record = with_header("ce_note", 'Größe "5 %"\r\nX-Evil: 1'.encode())
    message = (binary_message if make is binary_message else structured_message)(
        attributes_of(record), record.value
    )
    assert all(value.isascii() and value.isprintable() for value in message.headers.values())
    headers = {name.lower(): value for name, value in message.headers.items()}
    event = from_http_event(HTTPMessage(headers, message.body))
    assert event.get_extension("note") == 'Größe "5 %"\r\nX-Evil: 1'
    assert event.get_data() == event_data(EVENT)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (replace(RECORD, headers=()), "no header ce_id, ce_source, ce_specversion, ce_type"),
        (with_header("ce_id", b""), "no header ce_id"),
        (with_header("ce_specversion", b"2.0"), "'2.0' is not 1.0"),
        (with_header("ce_source", b"\xff"), "not UTF-8"),
        (with_header("ce_a\r\nx", b"1"), "cannot be a header"),
        (with_header("content-type", b"application/json\r\nx: 1"), "cannot be a header"),
        (replace(RECORD, value=b""), "not the data of an event"),
        (replace(RECORD, value=b"\xff\xfe"), "not the data of an event"),
        (replace(RECORD, value=b"[]"), "not the data of an event"),
        (replace(RECORD, value=b'{"definition":"a","pair":"b"}'), "state"),
        (replace(RECORD, value=b"[" * 100_000), "not the data of an event"),
    ],
)
def test_what_is_no_event_is_refused_by_name(record: Record, words: str) -> None:
    with pytest.raises(InputError, match=words):
        attributes_of(record)


def test_a_header_without_a_value_is_refused() -> None:
    record = replace(RECORD, headers=(*RECORD.headers, ("ce_x", None)))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not UTF-8"):
        attributes_of(record)
