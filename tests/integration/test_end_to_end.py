"""Everything together on Apache Kafka: the demo's programs in, events out to clients that are not ours."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012, Schema
from typer.testing import CliRunner

import rotascope
from core.model.event_families import EVENT_FAMILIES
from core.model.topics import EVENTS_PREFIX
from core.runtime.files import UNIVERSE, read_text
from deploy.kafka.broker import LocalKafka
from tests.support.demo_run import DEADLINE_S, DemoRun, run_demo
from tests.support.kafka_broker import TEST_PARTITIONS, delete_topics, reset_topics
from tests.support.ports import LOOPBACK
from tests.support.program import StartedProgram

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

KEYS = {"ROTASCOPE_ALPACA_KEY": "k", "ROTASCOPE_ALPACA_SECRET": "s"}
SCHEMAS = Path(rotascope.__file__).parent / "core" / "data" / "schemas"
READ_DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def played(kafka: LocalKafka) -> DemoRun:
    """The demo on Apache Kafka; its topics stay for the tests to look at."""
    delete_topics(kafka)
    return run_demo("--bootstrap-servers", kafka.bootstrap_servers)


@pytest.fixture(scope="module")
def messages(kafka: LocalKafka, played: DemoRun) -> list[Message]:
    """Every record of the event topics, read with librdkafka."""
    assert played.events
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": "partner",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        return list(_all_records(consumer))
    finally:
        consumer.close()


def _all_records(consumer: Consumer) -> Iterator[Message]:
    topics = consumer.list_topics(timeout=READ_DEADLINE_S).topics
    places = [
        TopicPartition(EVENTS_PREFIX + family, number)
        for family in EVENT_FAMILIES
        for number in topics[EVENTS_PREFIX + family].partitions
    ]
    for place in places:
        place.offset = OFFSET_BEGINNING
    consumer.assign(places)
    deadline = time.monotonic() + READ_DEADLINE_S
    # Offsets do not count records: commits of transactions have offsets, too.
    unread = len(places)
    while unread:
        assert time.monotonic() < deadline, f"{unread} partitions were not read to their end"
        message = consumer.poll(0.2)
        if message is None:
            continue
        if (error := message.error()) is not None:
            assert error.code() == KafkaError._PARTITION_EOF, error
            unread -= 1
        else:
            yield message


def headers_of(message: Message) -> dict[str, bytes]:
    found: dict[str, Any] = dict(message.headers() or [])
    return found


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(rotascope.app, arguments, prog_name="rotascope", env=KEYS)
    return result.exit_code, result.stdout, result.stderr


def test_every_event_comes_back_once_through_another_client(
    played: DemoRun, messages: Sequence[Message]
) -> None:
    ids = Counter(headers_of(message)["ce_id"].decode() for message in messages)
    assert set(ids.values()) == {1}
    assert set(ids) == {event["id"] for event in played.events}


def test_they_are_cloudevents_and_fit_their_schemas(played: DemoRun, messages: Sequence[Message]) -> None:
    told = {event["id"]: event for event in played.events}
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in SCHEMAS.glob("*.json")]
    registry: Registry[Schema] = Registry[Schema]().with_resources(
        (document["$id"], DRAFT202012.create_resource(document)) for document in documents
    )
    for message in messages:
        event = from_binary_event(KafkaMessage(headers_of(message), message.key(), message.value() or b""))
        schema = registry.contents(event.get_dataschema() or "")
        Draft202012Validator(schema, registry=registry).validate(msgspec.json.decode(message.value() or b""))
        data = told[event.get_id()]
        assert event.get_subject() == data["pair"]
        assert event.get_type() == f"rotascope.{data['family']}.{data['definition']}.{data['state']}"
        assert message.topic() == EVENTS_PREFIX + data["family"]
        assert message.key() == data["pair"].encode()
        assert msgspec.json.decode(message.value() or b"") == {
            key: value for key, value in data.items() if key != "id"
        }


def test_events_tail_prints_the_same(kafka: LocalKafka, played: DemoRun) -> None:
    code, out, err = run(
        "events", "tail", "--until-end", "--format", "json", "--bootstrap-servers", kafka.bootstrap_servers
    )  # fmt: skip
    assert (code, err) == (0, "")
    printed = [json.loads(line) for line in out.splitlines()]
    told = [
        {key: value for key, value in event.items() if key != "id"} | {"ce_id": event["id"]}
        for event in played.events
    ]

    def in_order(events: list[dict[str, Any]]) -> list[str]:
        return sorted(json.dumps(event, sort_keys=True) for event in events)

    assert in_order(printed) == in_order(told)


def test_ticks_cat_prints_what_the_partitions_hold(kafka: LocalKafka, played: DemoRun) -> None:
    code, out, err = run(
        "ticks", "cat", "--until-end", "--format", "json", "--symbol", "RUT",
        "--bootstrap-servers", kafka.bootstrap_servers,
    )  # fmt: skip
    assert (code, err) == (0, "")
    ticks = [json.loads(line) for line in out.splitlines()]
    assert {tick["symbol"] for tick in ticks} == {"RUT"}
    assert "2125.040039" in {tick["price"] for tick in ticks}, "the official close of 2024-07-11"
    assert len(ticks) < played.summary["ticks"]


def test_a_log_that_has_begun_is_refused(kafka: LocalKafka, played: DemoRun) -> None:
    assert played.events
    code, _, err = run("demo", "--format", "plain", "--bootstrap-servers", kafka.bootstrap_servers)
    assert code == 2
    assert "rotascope.ticks.v1" in err
    assert "the demo needs an empty log" in err
    assert err.splitlines()[-1].startswith("Operator action: ")


def test_topics_of_another_generation_are_refused(kafka: LocalKafka) -> None:
    reset_topics(kafka, partitions=TEST_PARTITIONS * 2)
    code, _, err = run("demo", "--format", "plain", "--bootstrap-servers", kafka.bootstrap_servers)
    assert code == 2
    assert "has partitions 8, wanted 4" in err
    assert "Operator action: " in err


# --- what cannot be used, where it is used ------------------------------------------------------------------


@pytest.fixture(scope="module")
def topics(kafka: LocalKafka) -> LocalKafka:
    reset_topics(kafka)
    return kafka


def commands(kafka: LocalKafka) -> dict[str, list[str]]:
    reach = ["--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(TEST_PARTITIONS)]
    return {
        "consume": ["consume", *reach, "--metrics-port", "0", "--until", "idle"],
        "produce": ["produce", "alpaca", *reach, "--metrics-port", "0"],
        "backfill": ["backfill", *reach, "--history-until", "2024-07-05"],
    }


@pytest.mark.parametrize("name", ["consume", "produce", "backfill"])
@pytest.mark.parametrize(
    ("file", "text", "flag", "said"),
    [
        ("r.toml", "[kafka]\npartition = 4\n", "--settings", "kafka: unknown key 'partition'; did you mean"),
        ("u.toml", "SPX", "--universe", "'SPXX'"),
    ],
    ids=["unknown key", "pair without its leg"],
)
def test_bad_settings_and_universes_stop_every_program(
    topics: LocalKafka, tmp_path: Path, name: str, file: str, text: str, flag: str, said: str
) -> None:
    path = tmp_path / file
    if text == "SPX":
        text = read_text(None, UNIVERSE).replace('benchmark = "SPX"', 'benchmark = "SPXX"')
    path.write_text(text)
    code, out, err = run(*commands(topics)[name], flag, str(path))
    assert (code, out) == (2, "")
    assert said in err
    assert "Operator action: " in err


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ("date,close\n2024-07-05,2026.73\n2024-07-01,2030.07\n2024-07-03,2036.62\n", "must be ascending"),
        ("date,close\n2024-07-03,2036.62\n2024-07-03,2037.62\n", "2024-07-03"),
        ("date,close\n2024-07-03,\n", "no row"),
    ],
    ids=["unsorted", "two closes", "blank"],
)
def test_a_history_that_cannot_be_used_is_refused_before_anything_is_sent(
    topics: LocalKafka, tmp_path: Path, history: str, said: str
) -> None:
    path = tmp_path / "RUT.csv"
    path.write_text(history)
    code, _, err = run(*commands(topics)["backfill"], "--history", f"RUT={path}")
    assert code == 2
    assert said in err


def test_a_history_with_gaps_and_repeats_is_used_and_what_was_passed_over_is_logged(
    topics: LocalKafka, tmp_path: Path
) -> None:
    path = tmp_path / "RUT.csv"
    path.write_text("date,open,close\n2024-07-01,0,2030.07\n2024-07-01,0,2030.07\n2024-07-05,2036,2026.73\n")
    with StartedProgram(*commands(topics)["backfill"], "--history", f"RUT={path}") as program:
        assert program.wait() == 0, program.errors
    assert program.output == ["published 2 sessions of 1 instruments\n"]
    logged = "".join(program.errors)
    for kind in ("repeated_row", "missing_session", "open_unknown"):
        assert kind in logged


@pytest.mark.parametrize("name", ["consume", "produce"])
def test_a_metrics_port_that_is_taken_stops_the_program(topics: LocalKafka, name: str) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with StartedProgram(
            *commands(topics)[name], "--metrics-port", str(port), environment=KEYS
        ) as program:
            assert program.wait(DEADLINE_S) == 2
    errors = "".join(program.errors)
    assert f"{LOOPBACK}:{port}" in errors
    assert "Operator action: choose another --metrics-port" in errors


def test_a_wrong_key_ends_the_producer_for_good(topics: LocalKafka) -> None:
    with StartedProgram("replay", "serve", "bars", "--port", "0", "--format", "json") as replay:
        url = json.loads(replay.said("listening"))["url"]
        started_s = time.monotonic()
        with StartedProgram(*commands(topics)["produce"], "--url", url, environment=KEYS) as program:
            assert program.wait() == 78
        assert time.monotonic() - started_s < READ_DEADLINE_S
    errors = "".join(program.errors)
    assert "Operator action: " in errors
    assert "reconnect" not in errors
