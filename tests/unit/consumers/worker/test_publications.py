"""The engine's output as records of the output topics."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from consumers.worker.publications import (
    ValuesTopic,
    day_bar_records,
    dead_letter_record,
    event_record,
    minute_bar_records,
    output_topics,
    value_records,
)
from core.model.frames import MAX_RECORDS, decode_frame
from core.model.records import BAR, NO_INSTRUMENT, VALUE, BarFlag
from core.model.settings import KafkaSettings
from core.model.value_frames import ValueBatch
from tests.support.fake_engine import FakeEngine, frame

SCHEMA = Path(__file__).resolve().parents[4] / "core/data/schemas/dead-letter.schema.json"


def _bars(count: int) -> np.ndarray:
    bars = np.zeros(count, BAR)
    bars["instrument_id"] = np.arange(count)
    bars["session"] = 19915
    return bars


def test_minute_bars_keep_the_partition_and_number_their_frames() -> None:
    bars = _bars(MAX_RECORDS + 1)
    bars["flags"][-1] = BarFlag.COMPLETE_MARK
    records = list(minute_bar_records(bars, partition=3, sequence=10))
    assert [record.partition for record in records] == [3, 3]
    decoded = [decode_frame(record.value, BAR) for record in records]
    assert [header.sequence for header, _ in decoded] == [10, 11]
    assert np.array_equal(np.concatenate([part for _, part in decoded]), bars)
    assert dict(records[0].headers)["schema"] == b"bar/1"


def test_day_bars_are_keyed_by_instrument_and_session_one_a_record() -> None:
    records = list(day_bar_records(_bars(2), partition=3, offset=77))
    assert [record.key for record in records] == [b"0/2024-07-11", b"1/2024-07-11"]
    assert [record.partition for record in records] == [3, 3]
    header, bars = decode_frame(records[1].value, BAR)
    assert (header.sequence, int(bars["instrument_id"][0])) == (77, 1)


def test_events_travel_as_cloudevents_in_the_topic_of_their_family() -> None:
    (event,) = FakeEngine(0, every=1).step(frame([5], sequence=0), 0).events
    record = event_record(event)
    assert record.topic == "rotascope.events.divergence"
    assert record.key == b"P0/SPX"
    assert dict(record.headers)["ce_id"] == event.event_id.encode()
    assert json.loads(record.value)["definition"] == "every_nth"


@pytest.mark.parametrize("length", [0, 10, 4096, 4097])
def test_dead_letters_say_where_and_why_and_are_cut(length: int) -> None:
    payload = bytes(range(256)) * 17
    record = dead_letter_record(
        "crc",
        payload[:length],
        max_bytes=4096,
        topic="rotascope.ticks.v1",
        partition=2,
        offset=9,
        message="CRC32C is wrong",
    )
    body = json.loads(record.value)
    jsonschema.validate(body, json.loads(SCHEMA.read_text()))
    assert (body["topic"], body["partition"], body["offset"]) == ("rotascope.ticks.v1", 2, 9)
    assert body["payload_bytes"] == length
    assert base64.b64decode(body["payload_base64"]) == payload[: min(length, 4096)]
    assert record.key == body["source"].encode()


def test_values_go_to_the_shard_of_their_numerator_with_the_mark_behind_them() -> None:
    values = np.zeros(3, VALUE)
    values["instrument_id"] = [4, 5, 9]
    batch = ValueBatch(1_000, 19_915, 0, values["instrument_id"].copy(), values, False, True)
    topic = ValuesTopic.of(KafkaSettings(value_shards=2, topic_generation=3))
    records = list(value_records([batch], 7, 11, topic))
    assert [(record.topic, record.partition, record.key) for record in records] == [
        ("rotascope.values.v3", 0, None),
        ("rotascope.values.v3", 1, None),
    ]
    found = [decode_frame(record.value, VALUE) for record in records]
    assert [header.source for header, _ in found] == [7, 7]
    assert [part["instrument_id"].tolist() for _, part in found] == [
        [4, NO_INSTRUMENT],
        [5, 9, NO_INSTRUMENT],
    ]
    assert dict(records[0].headers)["schema"] == b"value/1"


@pytest.mark.parametrize("values", [True, False])
def test_the_values_topic_is_announced_only_where_values_are_published(values: bool) -> None:
    assert ("rotascope.values.v1" in output_topics(KafkaSettings(), values=values)) == values
