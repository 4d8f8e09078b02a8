"""The AsyncAPI document says what the code, the schemas and topics.yaml say."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from core.model.day_bars import BAR_HEADERS
from core.model.event_families import EVENT_FAMILIES
from core.model.frames import HEADER_BYTES, encode_frame
from core.model.records import (
    BAR,
    BAR_STRUCT,
    TICK,
    TICK_STRUCT,
    VALUE,
    VALUE_STRUCT,
    BarFlag,
    Frequency,
    Quality,
    TickKind,
    Update,
    ValueFlag,
    ValueSign,
)
from core.model.schemas import SCHEMA_FILES, event_schema_id
from core.model.value_frames import VALUE_HEADERS
from deploy.kafka.topics import TOPICS_FILE, TopicSpec, parse_topics

ASYNCAPI_FILE = TOPICS_FILE.with_name("asyncapi.yaml")
DOCUMENT: dict[str, Any] = yaml.safe_load(ASYNCAPI_FILE.read_text(encoding="utf-8"))
CHANNELS: dict[str, Any] = DOCUMENT["channels"]
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
TOPICS: dict[str, TopicSpec] = {
    topic.name: topic for topic in parse_topics(TOPICS_FILE.read_text(encoding="utf-8")).topics
}


def references(node: object) -> Iterator[str]:
    """Every $ref in the document."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield str(node["$ref"])
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(reference: str) -> Any:
    """What a $ref points to: a place in the document, or a file beside it."""
    path, _, pointer = reference.partition("#")
    node: Any = DOCUMENT
    if path:
        file = (ASYNCAPI_FILE.parent / path).resolve()
        node = json.loads(file.read_text(encoding="utf-8"))
    for part in filter(None, pointer.split("/")):
        node = node[part]
    return node


def message_of(channel: str) -> Any:
    """The one message of a channel."""
    (message,) = messages_of(channel)
    return message


def messages_of(channel: str) -> list[Any]:
    """All messages of a channel."""
    return [resolve(reference) for reference in references(CHANNELS[channel]["messages"])]


def channel_of(topic: str) -> str:
    """The channel of a topic."""
    (found,) = [name for name, channel in CHANNELS.items() if channel["address"] == topic]
    return found


def test_the_document_is_asyncapi_3() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(DOCUMENT["info"])


def test_every_topic_is_a_channel_and_every_channel_a_topic() -> None:
    assert sorted(channel["address"] for channel in CHANNELS.values()) == sorted(TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_channel_is_bound_to_its_topic_and_cleaned_up_like_it(topic: str) -> None:
    binding = CHANNELS[channel_of(topic)]["bindings"]["kafka"]
    assert binding["topic"] == topic
    assert binding["topicConfiguration"]["cleanup.policy"] == [TOPICS[topic].cleanup]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_message_has_a_key_where_the_topic_has_one(topic: str) -> None:
    for message in messages_of(channel_of(topic)):
        bindings = message.get("bindings", {})
        assert ("key" in bindings.get("kafka", {})) == (not TOPICS[topic].key.startswith("none"))


def test_every_reference_leads_somewhere() -> None:
    found = sorted(set(references(DOCUMENT)))
    assert len(found) > len(CHANNELS)
    for reference in found:
        assert resolve(reference), reference


def test_every_file_that_is_referred_to_is_a_published_schema() -> None:
    folder = (Path(TOPICS_FILE).parents[2] / "core" / "data" / "schemas").resolve()
    files = [
        (ASYNCAPI_FILE.parent / reference).resolve()
        for reference in set(references(DOCUMENT))
        if not reference.startswith("#")
    ]
    assert {file.parent for file in files} == {folder}
    assert {file.name for file in files} <= set(SCHEMA_FILES.values())


def test_every_channel_is_sent_to() -> None:
    sent = {
        operation["channel"]["$ref"].rpartition("/")[2]
        for operation in DOCUMENT["operations"].values()
        if operation["action"] == "send"
    }
    assert sent == set(CHANNELS)


@pytest.mark.parametrize("family", EVENT_FAMILIES)
def test_an_event_channel_names_the_schema_that_the_events_name(family: str) -> None:
    message = message_of(channel_of(f"rotascope.events.{family}"))
    assert message["x-data-schema"] == event_schema_id(family)
    assert resolve(message["headers"]["$ref"])["schema"]["$ref"].endswith("event-headers.schema.json")
    payload = resolve(message["payload"]["$ref"])["schema"]
    assert any(reference.endswith("event-common.schema.json") for reference in references(payload))
    if "allOf" in payload:
        assert payload["allOf"][1] == {"properties": {"family": {"const": family}}}


@pytest.mark.parametrize(
    ("topic", "dtype", "pack_string"),
    [
        ("rotascope.ticks.v1", TICK, TICK_STRUCT),
        ("rotascope.bars.1m", BAR, BAR_STRUCT),
        ("rotascope.bars.1d", BAR, BAR_STRUCT),
        ("rotascope.values.v1", VALUE, VALUE_STRUCT),
    ],
)
def test_records_have_the_documented_layout(topic: str, dtype: np.dtype[Any], pack_string: str) -> None:
    record = message_of(channel_of(topic))["x-record"]
    assert record["struct"] == pack_string
    assert record["bytes"] == dtype.itemsize
    assert tuple(record["fields"]) == dtype.names
    assert set(record["units"]) <= set(record["fields"])


@pytest.mark.parametrize(
    ("topic", "dtype"),
    [
        ("rotascope.ticks.v1", TICK),
        ("rotascope.bars.1m", BAR),
        ("rotascope.bars.1d", BAR),
        ("rotascope.values.v1", VALUE),
    ],
)
def test_a_partner_reads_a_frame_with_the_document_alone(topic: str, dtype: np.dtype[Any]) -> None:
    message = message_of(channel_of(topic))
    header, record = message["x-frame-header"], message["x-record"]
    written = np.zeros(2, dtype)
    for place, name in enumerate(dtype.names or ()):
        written[name] = [place + 1, place + 101]
    frame = encode_frame(written, source=7, epoch=8, sequence=9)

    assert header["bytes"] == HEADER_BYTES == struct.calcsize(header["struct"])
    head = dict(zip(header["fields"], struct.unpack_from(header["struct"], frame), strict=True))
    assert (head["source"], head["count"], head["epoch"], head["sequence"]) == (7, 2, 8, 9)
    body = frame[header["bytes"] :]
    assert [tuple(row) for row in struct.iter_unpack(record["struct"], body)] == [
        tuple(row) for row in written.tolist()
    ]


@pytest.mark.parametrize(
    ("topic", "kind", "field", "words"),
    [
        ("rotascope.ticks.v1", "enums", "kind", TickKind),
        ("rotascope.ticks.v1", "flags", "update", Update),
        ("rotascope.bars.1m", "enums", "frequency", Frequency),
        ("rotascope.bars.1m", "flags", "flags", BarFlag),
        ("rotascope.values.v1", "enums", "quality", Quality),
        ("rotascope.values.v1", "flags", "signs", ValueSign),
        ("rotascope.values.v1", "flags", "flags", ValueFlag),
    ],
)
def test_numbers_mean_what_the_document_says(
    topic: str, kind: str, field: str, words: type[IntEnum] | type[IntFlag]
) -> None:
    documented = message_of(channel_of(topic))["x-record"][kind][field]
    assert documented == {str(word.name).lower(): int(word) for word in words}


def test_the_headers_of_frames_are_those_that_are_written() -> None:
    written = {
        "rotascope.bars.1m": BAR_HEADERS,
        "rotascope.bars.1d": BAR_HEADERS,
        "rotascope.values.v1": VALUE_HEADERS,
    }
    for topic, expected in written.items():
        headers = resolve(message_of(channel_of(topic))["headers"]["$ref"])["properties"]
        assert {name: rule["const"].encode() for name, rule in headers.items()} == dict(expected)
