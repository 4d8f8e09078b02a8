"""A forwarder whose Kafka goes away goes on by itself, and says so meanwhile."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer

from core.model.errors import RotascopeError
from deploy.kafka.broker import LocalKafka
from tests.integration.test_forward import QUICK, forwarder, publish, require_each_once_in_order, series
from tests.support.kafka_broker import reset_topics
from tests.support.scrape import metric, metrics_port
from tests.support.webhook_receiver import WebhookReceiver

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]

AWAY_S = 40.0


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker that may be stopped: nobody else uses it."""
    broker = LocalKafka(tmp_path_factory.mktemp("kafka-forward-away"))
    try:
        broker.start()
    except RotascopeError as error:
        pytest.fail(f"Apache Kafka could not be started: {error}", pytrace=False)
    reset_topics(broker)
    yield broker
    broker.stop()


def ready(port: int) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_kafka_that_is_away_is_waited_for(own_kafka: LocalKafka) -> None:
    events = series(120)

    def send(first: int, last: int) -> None:
        producer = KafkaProducer(bootstrap_servers=own_kafka.bootstrap_servers)
        publish(producer, events[first:last])
        producer.close(timeout=5)

    send(0, 60)
    with WebhookReceiver() as receiver, forwarder(own_kafka, receiver, environment=QUICK) as program:
        port = metrics_port(program)
        receiver.until(lambda: len(receiver.posts) == 60)
        receiver.until(lambda: metric(port, "rotascope_forward_commits_total", outcome="committed") > 0)
        assert ready(port) == (200, "ok\n")

        own_kafka.stop()
        gone_s = time.monotonic()
        receiver.until(lambda: ready(port)[0] == 503)
        assert "no broker has answered for" in ready(port)[1]
        while time.monotonic() - gone_s < AWAY_S:
            assert program.process.poll() is None, program.errors
            time.sleep(0.5)
        own_kafka.restart(1)
        send(60, 120)

        receiver.until(lambda: len(receiver.posts) >= 120, 120)
        receiver.until(lambda: ready(port)[0] == 200)
        program.terminate()
        assert program.wait(30) == 0, program.errors
    require_each_once_in_order(events, receiver.posts)
    assert not any("Traceback" in line for line in program.errors)


def test_a_forwarder_that_starts_before_kafka_waits_for_it(own_kafka: LocalKafka) -> None:
    own_kafka.stop()
    with WebhookReceiver() as receiver, forwarder(own_kafka, receiver, "--group-id", "early") as program:
        program.said("waiting for Kafka")
        assert ready(metrics_port(program)) == (503, "no broker has answered yet\n")
        own_kafka.restart(1)
        receiver.until(lambda: len(receiver.posts) == 120, 120)
        program.terminate()
        assert program.wait(30) == 0, program.errors
