"""Events and ticks through Apache Kafka: out with one client, back with another, and on a terminal."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from confluent_kafka import Consumer, Message
from kafka import KafkaProducer
from typer.testing import CliRunner, Result

import core
from consumers.inspect import tail
from consumers.worker.schemas import defect
from core.events.events import Event, encode_data, event_data, event_key, kafka_headers, topic_of
from core.model.frames import encode_frame
from core.model.records import TICK
from core.model.schemas import TICK_LINE
from core.model.settings import KafkaSettings
from deploy.kafka.broker import LocalKafka
from tests.support.sample_events import CLOSE_2024_07_11_NS, candidate, opposite_day, strength

pytestmark = pytest.mark.integration

CHECKOUT = Path(core.__file__).parents[1]
UNIVERSE = CHECKOUT / "core" / "data" / "demo_universe.toml"
EVENTS = (candidate(), opposite_day(), strength())
DEADLINE_S = 30.0


@pytest.fixture
def producer(kafka_with_topics: LocalKafka) -> Iterator[KafkaProducer]:
    sender = KafkaProducer(bootstrap_servers=kafka_with_topics.bootstrap_servers)
    yield sender
    sender.close(timeout=5)


def publish(producer: KafkaProducer, events: Sequence[Event]) -> None:
    futures = [
        producer.send(topic_of(event), encode_data(event), key=event_key(event), headers=kafka_headers(event))
        for event in events
    ]
    producer.flush(timeout=DEADLINE_S)
    assert all(future.succeeded() for future in futures)


def read_back(servers: str, topics: list[str], count: int) -> list[Message]:
    """Read with librdkafka until `count` records have come."""
    consumer = Consumer(
        {"bootstrap.servers": servers, "group.id": "partner", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(topics)
    found: list[Message] = []
    deadline = time.monotonic() + DEADLINE_S
    try:
        while len(found) < count:
            assert time.monotonic() < deadline, f"{len(found)} of {count} records after {DEADLINE_S:g} s"
            message = consumer.poll(0.2)
            if message is not None:
                assert message.error() is None
                found.append(message)
        assert consumer.poll(0.5) is None
    finally:
        consumer.close()
    return found


def run(kafka: LocalKafka, *arguments: str) -> Result:
    return CliRunner().invoke(
        tail.app, [*arguments, "--until-end", "--bootstrap-servers", kafka.bootstrap_servers]
    )


def start(kafka: LocalKafka, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from consumers.inspect.tail import app; app()",
            *arguments,
            "--bootstrap-servers",
            kafka.bootstrap_servers,
        ],
        cwd=CHECKOUT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def tail_line(event: Event) -> str:
    """What `events tail --format json` prints: the event's data, with its id in front."""
    return f'{{"ce_id":"{event.event_id}",{encode_data(event).decode()[1:]}'


def test_another_client_reads_cloudevents_that_fit_their_schemas(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    publish(producer, EVENTS)
    topics = sorted({topic_of(event) for event in EVENTS})
    messages = read_back(kafka_with_topics.bootstrap_servers, topics, len(EVENTS))
    expected = {event.event_id: event for event in EVENTS}
    for message in messages:
        headers: dict[str, Any] = dict(message.headers() or [])
        read = from_binary_event(KafkaMessage(headers, message.key(), message.value() or b""))
        event = expected.pop(read.get_id())
        assert message.topic() == topic_of(event)
        assert read.get_type() == f"rotascope.{event.family}.{event.definition}.{event.state}"
        assert read.get_data() == event_data(event)
        assert defect(str(read.get_dataschema()), read.get_data()) is None
    assert expected == {}


def test_tail_prints_every_event_of_every_family(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    publish(producer, EVENTS)
    result = run(kafka_with_topics, "events", "tail", "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert sorted(result.stdout.splitlines()) == sorted(tail_line(event) for event in EVENTS)
    chosen = run(kafka_with_topics, "events", "tail", "--pair", "RUT/SPX", "--state", "opened")
    assert chosen.exit_code == 0
    assert [line.split()[:4] for line in chosen.stdout.splitlines()[1:]] == [
        ["2024-07-11T20:00:00Z", "RUT/SPX", "opposite_day_up", "opened"]
    ]


def test_tail_names_what_is_no_event_and_goes_on(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    producer.send("rotascope.events.divergence", b"not an event", key=b"RUT/SPX")
    publish(producer, EVENTS[:2])
    result = run(kafka_with_topics, "events", "tail", "--format", "json")
    assert result.exit_code == 1
    assert [json.loads(line)["state"] for line in result.stdout.splitlines()] == ["candidate", "opened"]
    assert "@0: not a CloudEvent in binary content mode" in result.stderr


def test_tail_skips_aborted_records_and_still_finds_the_end(kafka_with_topics: LocalKafka) -> None:
    # Guards: the end offset lies behind a transaction marker, which no record's offset ever reaches.
    servers = kafka_with_topics.bootstrap_servers
    sender = KafkaProducer(bootstrap_servers=servers, transactional_id="tail-test")
    try:
        sender.init_transactions()
        sender.begin_transaction()
        publish(sender, [opposite_day()])
        sender.commit_transaction()
        sender.begin_transaction()
        publish(sender, [opposite_day(state="withdrawn")])
        sender.abort_transaction()
    finally:
        sender.close(timeout=5)
    result = run(kafka_with_topics, "events", "tail", "--format", "json")
    assert result.exit_code == 0
    assert [json.loads(line)["state"] for line in result.stdout.splitlines()] == ["opened"]


def test_tail_follows_from_now_until_ctrl_c(kafka_with_topics: LocalKafka, producer: KafkaProducer) -> None:
    publish(producer, [strength()])
    process = start(kafka_with_topics, "events", "tail", "--from-now", "--format", "json")
    try:
        # When it has begun to read is not visible from outside, so events are sent until one comes back.
        deadline = time.monotonic() + DEADLINE_S
        assert process.stdout is not None
        while not select.select([process.stdout], [], [], 0.2)[0]:
            assert time.monotonic() < deadline, "no event was printed"
            publish(producer, [opposite_day()])
        assert process.stdout.readline() == tail_line(opposite_day()) + "\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE_S)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.wait()


def test_tail_ends_quietly_when_nobody_reads_on(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    publish(producer, EVENTS)
    process = start(kafka_with_topics, "events", "tail", "--format", "json")
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith('{"ce_id"')
        process.stdout.close()
        publish(producer, [opposite_day()] * 3)
        assert process.wait(timeout=DEADLINE_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()


def test_ticks_cat_prints_ticks_and_reports_a_corrupt_frame(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    ticks = np.zeros(3, TICK)
    ticks["ts_event"] = CLOSE_2024_07_11_NS + np.arange(3)
    ticks["price"] = [2_125_040_000_000, 5_584_540_000_000, 2_125_050_000_000]
    ticks["instrument_id"], ticks["source"] = [1, 2, 1], 1
    frame = encode_frame(ticks, source=1, epoch=1, sequence=0)
    corrupt = bytearray(frame)
    corrupt[-1] ^= 0x01
    for value in (frame, bytes(corrupt), frame):
        producer.send(KafkaSettings().ticks_topic, value, partition=1)
    producer.flush(timeout=DEADLINE_S)

    arguments = ("ticks", "cat", "--universe", str(UNIVERSE), "--partition", "1", "--format", "json")
    result = run(kafka_with_topics, *arguments, "--symbol", "RUT")
    assert result.exit_code == 1
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [defect(TICK_LINE, line) for line in lines] == [None] * 4
    assert [(line["offset"], line["index"], line["symbol"], line["price"]) for line in lines] == [
        (0, 0, "RUT", "2125.04"),
        (0, 2, "RUT", "2125.05"),
        (2, 0, "RUT", "2125.04"),
        (2, 2, "RUT", "2125.05"),
    ]
    assert lines[1]["ts_event"] == "2024-07-11T20:00:00.000000002Z"
    assert "warning: rotascope.ticks.v1/1@1: crc: " in result.stderr
    assert "note: invalid records skipped: 1; exit status 1" in result.stderr

    empty = run(kafka_with_topics, "ticks", "cat", "--universe", str(UNIVERSE), "--partition", "0")
    assert (empty.exit_code, empty.stdout, empty.stderr) == (0, "", "note: no ticks matched\n")
    missing = run(kafka_with_topics, "ticks", "cat", "--universe", str(UNIVERSE), "--partition", "9")
    assert missing.exit_code == 2
    assert "has partitions 0 to 3, not 9" in missing.stderr
