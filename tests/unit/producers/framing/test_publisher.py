"""Bytes in flight are bounded, every record is answered for, and a lost one ends it all."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from kafka.future import Future

from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings
from core.model.topics import DEAD_LETTERS_TOPIC
from producers.feeds.base import reject
from producers.framing.framer import Frame
from producers.framing.publisher import Publisher, check_topics
from producers.metrics import ProducerCounters

DEADLINE_S = 10.0
TOPIC = "rotascope.ticks.v1"
SCHEMA = Path(__file__).resolve().parents[4] / "core/data/schemas/dead-letter.schema.json"


@dataclass
class FakeSender:
    """Takes records and answers when told to."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    futures: list[Future] = field(default_factory=list)
    refuse: Exception | None = None
    flush_error: Exception | None = None
    closed: bool = False

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        partition: int | None = None,
    ) -> Future:
        if self.refuse is not None:
            raise self.refuse
        record = {"topic": topic, "value": value, "key": key, "headers": headers, "partition": partition}
        self.sent.append(record)
        self.futures.append(Future())
        return self.futures[-1]

    def flush(self, timeout: float | None = None) -> None:
        if self.flush_error is not None:
            raise self.flush_error

    def close(self, timeout: float | None = None) -> None:
        self.closed = True

    def acknowledge(self, *numbers: int) -> None:
        for number in numbers:
            self.futures[number].success(None)


class Stage:
    def __init__(self, budget: int = 100) -> None:
        self.sender = FakeSender()
        self.counters = ProducerCounters("alpaca")
        self.stalls: list[int] = []
        self.publisher = Publisher(
            self.sender,
            topic=TOPIC,
            source="alpaca",
            bytes_in_flight_max=budget,
            counters=self.counters,
            on_stall=lambda slot, seconds: self.stalls.append(slot),
        )

    def send_in_thread(self, frame: Frame) -> threading.Thread:
        thread = threading.Thread(target=self.publisher.send, args=(frame,))
        thread.start()
        return thread


def frame(partition: int = 0, size: int = 60) -> Frame:
    return Frame(partition, b"x" * size)


def test_a_frame_goes_to_its_partition_with_its_schema() -> None:
    stage = Stage()
    stage.publisher.send(frame(3))
    assert stage.sender.sent == [
        {
            "topic": TOPIC,
            "value": b"x" * 60,
            "key": None,
            "partition": 3,
            "headers": [("content-type", b"application/vnd.rotascope.frame"), ("schema", b"tick/1")],
        }
    ]
    assert stage.publisher.in_flight_bytes == 60
    stage.sender.acknowledge(0)
    assert (stage.publisher.in_flight_bytes, stage.counters.of(3).frames) == (0, 1)


def test_a_partition_without_room_waits_and_the_others_do_not() -> None:
    stage = Stage(budget=100)
    stage.publisher.send(frame(0))
    waiting = stage.send_in_thread(frame(0))
    waiting.join(0.05)
    assert waiting.is_alive()
    assert len(stage.sender.sent) == 1
    stage.sender.acknowledge(0)
    waiting.join(DEADLINE_S)
    assert not waiting.is_alive()
    stage.publisher.send(frame(1))
    assert len(stage.sender.sent) == 3
    assert (stage.counters.of(0).waits, stage.counters.of(1).waits) == (1, 0)
    assert stage.counters.of(0).waited_seconds > 0


def test_a_long_wait_is_told() -> None:
    stage = Stage()
    stage.publisher.send(frame(2))
    waiting = stage.send_in_thread(frame(2))
    deadline = threading.Event()
    for _ in range(100):
        if stage.stalls:
            break
        deadline.wait(0.1)
    stage.sender.acknowledge(0)
    waiting.join(DEADLINE_S)
    assert stage.stalls[0] == 2


def test_a_frame_larger_than_the_budget_is_sent_when_nothing_else_is_on_its_way() -> None:
    stage = Stage(budget=10)
    stage.publisher.send(frame(size=60))
    assert len(stage.sender.sent) == 1


def test_the_first_lost_record_ends_everything() -> None:
    stage = Stage()
    stage.publisher.send(frame(1, 10))
    stage.sender.futures[0].failure(KafkaTimeoutError("too late"))
    calls: list[Callable[[], None]] = [
        lambda: stage.publisher.send(frame()),
        lambda: stage.publisher.flush(1),
    ]
    for call in calls:
        with pytest.raises(TransportError, match="was not delivered") as caught:
            call()
        assert caught.value.retriable
        assert "Operator action" in str(caught.value)
    assert stage.counters.of(1).failures == 1
    assert stage.publisher.in_flight_bytes == 0


def test_a_waiting_send_fails_with_the_record_it_waits_for() -> None:
    stage = Stage()
    stage.publisher.send(frame())
    errors: list[TransportError] = []

    def send() -> None:
        try:
            stage.publisher.send(frame())
        except TransportError as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    stage.sender.futures[0].failure(MessageSizeTooLargeError())
    thread.join(DEADLINE_S)
    (error,) = errors
    assert not error.retriable


def test_what_the_client_refuses_at_once_is_a_failure_too() -> None:
    stage = Stage()
    stage.sender.refuse = ValueError("Unrecognized partition 7")
    with pytest.raises(TransportError, match="Unrecognized partition"):
        stage.publisher.send(frame(7))
    assert stage.publisher.in_flight_bytes == 0


def test_flush_waits_for_acknowledgements_and_reports_their_absence() -> None:
    stage = Stage()
    stage.publisher.send(frame())
    with pytest.raises(TransportError, match="60 bytes were not acknowledged"):
        stage.publisher.flush(0.01)
    stage.sender.flush_error = KafkaTimeoutError("no")
    with pytest.raises(TransportError, match="within"):
        stage.publisher.flush(0.01)
    stage.sender.flush_error = None
    stage.sender.acknowledge(0)
    stage.publisher.flush(0.01)


def test_a_dead_letter_names_source_reason_and_bytes() -> None:
    stage = Stage(budget=100_000)
    stage.publisher.dead_letter(reject("price", b"\xff" * 5_000), "feed")
    (record,) = stage.sender.sent
    assert (record["topic"], record["key"], record["partition"]) == (DEAD_LETTERS_TOPIC, b"alpaca", None)
    body = json.loads(record["value"])
    assert base64.b64decode(body.pop("payload_base64")) == b"\xff" * 4_096
    assert body == {
        "source": "alpaca", "topic": None, "partition": None, "offset": None,
        "where": "feed", "reason": "price", "payload_bytes": 5_000,
    }  # fmt: skip
    assert stage.publisher.in_flight_bytes > 0
    stage.sender.acknowledge(0)
    stage.publisher.flush(1)
    stage.publisher.close()
    assert stage.sender.closed


@pytest.mark.parametrize("items", [1, 3])
def test_a_dead_letter_fits_its_schema_and_says_what_it_stands_for(items: int) -> None:
    stage = Stage(budget=100_000)
    stage.publisher.dead_letter(reject("price", b"\xff" * 5_000)._replace(items=items), "feed")
    body = json.loads(stage.sender.sent[0]["value"])
    jsonschema.validate(body, json.loads(SCHEMA.read_text()))
    assert ("represents 3 items" in body.get("message", "")) == (items == 3)


@pytest.mark.parametrize(("partitions", "error"), [({0, 1, 2, 3}, None), ({0, 1}, ConfigurationError)])
def test_another_number_of_partitions_is_refused(partitions: set[int], error: type[Exception] | None) -> None:
    class Topics:
        def partitions_for(self, topic: str) -> set[int]:
            return partitions

    settings = KafkaSettings(partitions=4)
    if error is None:
        check_topics(Topics(), settings)
    else:
        with pytest.raises(error, match="2 partitions, the settings say 4"):
            check_topics(Topics(), settings)


def test_a_missing_topic_says_how_to_make_it() -> None:
    class Topics:
        def partitions_for(self, topic: str) -> set[int]:
            raise KafkaTimeoutError("no metadata")

    with pytest.raises(TransportError, match="topics apply"):
        check_topics(Topics(), KafkaSettings(partitions=4))
