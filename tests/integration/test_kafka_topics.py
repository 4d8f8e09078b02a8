"""The topics of `topics.yaml` on a real Apache Kafka broker, and the broker itself."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import confluent_kafka
import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from core.model.errors import ConfigurationError, TransportError
from deploy.kafka.broker import LocalKafka
from deploy.kafka.cli import app
from deploy.kafka.cluster import apply, check, connect
from deploy.kafka.topic_changes import TopicChangeKind
from deploy.kafka.topics import TOPICS_FILE, load_topics
from tests.support.kafka_broker import MakeTopic, delete_topics
from tests.support.ports import free_port

pytestmark = pytest.mark.integration

TICKS = "rotascope.ticks.v1"
COUNT = 17


@pytest.fixture
def empty_kafka(kafka: LocalKafka) -> LocalKafka:
    delete_topics(kafka)
    return kafka


def eventually(condition: Callable[[], object]) -> None:
    """The controller answers before the broker's own view of topics has changed."""
    deadline = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline, "not true within 20 s"
        time.sleep(0.02)


def test_applying_twice_changes_nothing_the_second_time(empty_kafka: LocalKafka) -> None:
    wanted = load_topics(partitions=4)
    with connect(empty_kafka.bootstrap_servers) as client:
        first = apply(client, wanted)
        assert {change.kind for change in first} == {TopicChangeKind.CREATE}
        assert len(first) == COUNT
        assert check(client, wanted) == []
        assert apply(client, wanted) == []
        assert len(client.describe_topics([TICKS])[0]["partitions"]) == 4


def test_a_setting_changed_behind_our_back_is_found_and_put_right(kafka_with_topics: LocalKafka) -> None:
    wanted = load_topics(partitions=4)
    with connect(kafka_with_topics.bootstrap_servers) as client:
        client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, TICKS, {"retention.ms": "60000"})])
        eventually(lambda: check(client, wanted))
        (change,) = check(client, wanted)
        assert (change.topic, change.setting, change.current) == (TICKS, "retention.ms", "60000")
        assert apply(client, wanted) == [change]
        assert check(client, wanted) == []


@pytest.mark.parametrize("partitions", [3, 5])
def test_another_partition_count_is_refused_and_nothing_is_changed(
    kafka_with_topics: LocalKafka, partitions: int
) -> None:
    with connect(kafka_with_topics.bootstrap_servers) as client:
        client.delete_topics(["rotascope.dead-letters"])
        eventually(lambda: "rotascope.dead-letters" not in client.list_topics())
        with pytest.raises(ConfigurationError, match="nothing was changed") as refusal:
            apply(client, load_topics(partitions=partitions))
        assert "--partitions 4" in str(refusal.value.operator_action)
        assert "rotascope.dead-letters" not in client.list_topics()
        assert len(client.describe_topics([TICKS])[0]["partitions"]) == 4


def test_a_setting_the_broker_refuses_is_reported(kafka_with_topics: LocalKafka, tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(TOPICS_FILE.read_text().replace("segment.ms: 600000", "segment.ms: -3"))
    with (
        pytest.raises(ConfigurationError, match=r"(?s)snapshots\.v1.*segment\.ms"),
        connect(kafka_with_topics.bootstrap_servers) as client,
    ):
        apply(client, load_topics(file, partitions=4))


class TestCommandLine:
    def run(self, *arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(arguments))
        return result.exit_code, result.output

    def test_check_before_apply_after(self, empty_kafka: LocalKafka) -> None:
        where = ("--bootstrap-servers", empty_kafka.bootstrap_servers, "--partitions", "4")
        code, output = self.run("check", *where)
        assert code == 1
        assert output.count("create") == COUNT
        assert self.run("apply", *where)[0] == 0
        code, output = self.run("apply", *where)
        assert code == 0
        assert "nothing to do" in output
        code, output = self.run("check", *where, "--format", "json")
        assert code == 0
        assert json.loads(output) == []

    def test_check_shows_the_difference_and_the_action(self, kafka_with_topics: LocalKafka) -> None:
        code, output = self.run(
            "check", "--bootstrap-servers", kafka_with_topics.bootstrap_servers, "--partitions", "8"
        )
        assert code == 1
        assert TICKS in output
        assert "refuse" in output
        assert "Operator action: the number of partitions is fixed per generation" in output

    def test_replication_beyond_the_cluster_is_an_error(self, empty_kafka: LocalKafka) -> None:
        code, output = self.run(
            "apply", "--bootstrap-servers", empty_kafka.bootstrap_servers, "--replication-factor", "3"
        )
        assert code == 2
        assert "replication factor" in output.lower()

    def test_no_broker_is_a_clear_error(self) -> None:
        address = f"127.0.0.1:{free_port()}"
        code, output = self.run("check", "--bootstrap-servers", address, "--timeout-ms", "500")
        assert code == 1
        assert f"no broker at {address} within 500 ms" in output
        assert "Operator action: start the broker, or correct the bootstrap servers" in output
        assert "Traceback" not in output


def test_both_clients_write_and_read_the_same_records(kafka: LocalKafka, make_topic: MakeTopic) -> None:
    topic = make_topic("clients", partitions=2)
    expected = {b"kafka-python", b"confluent-kafka"}

    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    producer.send(topic, b"kafka-python", partition=0).get(timeout=10)
    producer.close()
    other = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap_servers})
    other.produce(topic, b"confluent-kafka", partition=1)
    assert other.flush(10) == 0

    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap_servers,
        group_id=f"{topic}-a",
        auto_offset_reset="earliest",
        consumer_timeout_ms=10_000,
    )
    assert {next(consumer).value, next(consumer).value} == expected
    consumer.close()

    reader = confluent_kafka.Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": f"{topic}-b",
            "auto.offset.reset": "earliest",
        }
    )
    reader.subscribe([topic])
    assert {message.value() for message in reader.consume(2, timeout=10)} == expected
    reader.close()


def test_a_killed_broker_comes_back_on_its_port_with_its_records(tmp_path: Path) -> None:
    with LocalKafka(tmp_path) as kafka:
        with connect(kafka.bootstrap_servers) as client:
            client.create_topics({"kept": {"num_partitions": 1}}, wait_for_metadata=True)
        producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
        producer.send("kept", b"record").get(timeout=10)
        producer.close()

        port, old_process = kafka.port(1), kafka.process_id(1)
        kafka.kill(1)
        with pytest.raises(TransportError, match="is not running"):
            kafka.process_id(1)
        kafka.restart(1)
        assert kafka.port(1) == port
        assert kafka.process_id(1) != old_process

        consumer = KafkaConsumer(
            "kept",
            bootstrap_servers=kafka.bootstrap_servers,
            auto_offset_reset="earliest",
            consumer_timeout_ms=20_000,
        )
        assert next(consumer).value == b"record"
        consumer.close()


@pytest.mark.slow
def test_three_brokers_keep_every_topic_writable_without_one_of_them(tmp_path: Path) -> None:
    wanted = load_topics(partitions=3, replication_factor=3)
    with LocalKafka(tmp_path, brokers=3) as kafka:
        with connect(kafka.bootstrap_servers) as client:
            apply(client, wanted)
            assert check(client, wanted) == []
        kafka.kill(2)
        producer = KafkaProducer(bootstrap_servers=kafka.bootstrap_servers.split(","), acks="all")
        for partition in range(3):
            assert producer.send(TICKS, b"tick", partition=partition).get(timeout=30).offset == 0
        kafka.restart(2)
        producer.close()


def test_a_topic_nobody_applied_does_not_appear_by_itself(kafka: LocalKafka) -> None:
    producer = confluent_kafka.Producer(
        # The client would otherwise wait half a minute for somebody to create the topic.
        {"bootstrap.servers": kafka.bootstrap_servers, "topic.metadata.propagation.max.ms": 500}
    )
    undelivered: list[confluent_kafka.KafkaError | None] = []
    producer.produce("rotascope.misspelt", b"record", on_delivery=lambda error, _: undelivered.append(error))
    assert producer.flush(15) == 0
    unknown = confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART
    assert [error and error.code() for error in undelivered] == [unknown]
    assert "rotascope.misspelt" not in producer.list_topics(timeout=10).topics


def test_a_missing_maven_is_said_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "dirname", "sha256sum", "cut", "mkdir", "flock", "java", "env", "cat"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(ConfigurationError, match="Maven is missing") as missing:
        LocalKafka(tmp_path / "kafka").start()
    assert "Operator action: install Maven" in str(missing.value)
