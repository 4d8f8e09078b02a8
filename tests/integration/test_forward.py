"""Events from Apache Kafka to a real HTTP server that fails: each once after de-duplication, in order."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from kafka import KafkaProducer

from consumers.worker.schemas import defect
from core.events.events import Event, encode_data, event_data, event_key, kafka_headers, topic_of
from core.model.schemas import DEAD_LETTER
from core.model.topics import DEAD_LETTERS_TOPIC
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_log import read
from tests.support.program import StartedProgram
from tests.support.sample_events import candidate, opposite_day, strength
from tests.support.scrape import metric, metrics_port
from tests.support.webhook_receiver import Received, WebhookReceiver, WebhookReply

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SECRET = "a secret of the integration test"  # noqa: S105 - of this test only
QUICK = {
    "ROTASCOPE_FORWARD__BACKOFF_INITIAL_MS": "20",
    "ROTASCOPE_FORWARD__BACKOFF_MAX_MS": "200",
    "ROTASCOPE_FORWARD__REFUSALS_PERIOD_MS": "400",
    "ROTASCOPE_FORWARD__SECRET": SECRET,
    "ROTASCOPE_FORWARD__ATTEMPT_TIMEOUT_MS": "2000",
}


@pytest.fixture
def producer(kafka_with_topics: LocalKafka) -> Iterator[KafkaProducer]:
    sender = KafkaProducer(bootstrap_servers=kafka_with_topics.bootstrap_servers)
    yield sender
    sender.close(timeout=5)


def series(count: int, *, pairs: int = 12, first: int = 0) -> list[Event]:
    """Events of several pairs in two families, numbered by their episode."""
    made = []
    for number in range(first, first + count):
        make = opposite_day if number % 3 else strength
        made.append(make(pair=f"P{number % pairs}/SPX", episode=number))
    return made


def publish(producer: KafkaProducer, events: Iterable[Event]) -> None:
    for event in events:
        producer.send(topic_of(event), encode_data(event), key=event_key(event), headers=kafka_headers(event))
    producer.flush(timeout=30)


def forwarder(
    kafka: LocalKafka, receiver: WebhookReceiver, *more: str, environment: Mapping[str, str] = QUICK
) -> StartedProgram:
    words = ["events", "forward", "--to", receiver.url, "--metrics-port", "0", "--bootstrap-servers"]
    return StartedProgram(*words, kafka.bootstrap_servers, *more, environment=environment)


def first_by_id(posts: Iterable[Received]) -> dict[str, Received]:
    """De-duplicate as a receiver does."""
    found: dict[str, Received] = {}
    for post in posts:
        found.setdefault(post.headers["ce-id"], post)
    return found


def require_each_once_in_order(events: list[Event], posts: Iterable[Received]) -> None:
    """Every event, none besides, and those of a pair in one family in the order of the log."""
    arrived = list(first_by_id(posts))
    assert sorted(arrived) == sorted(event.event_id for event in events)
    place = {event_id: at for at, event_id in enumerate(arrived)}
    lanes: dict[tuple[str, str], list[int]] = {}
    for event in events:
        lanes.setdefault((event.family, event.pair), []).append(place[event.event_id])
    assert all(places == sorted(places) for places in lanes.values())


def require_signed(post: Received) -> None:
    signed = post.headers["rotascope-timestamp"].encode() + b"." + post.body
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert post.headers["rotascope-signature"] == f"v1={digest}"
    assert abs(int(post.headers["rotascope-timestamp"]) - time.time()) < 300


def dead_letters(kafka: LocalKafka) -> list[dict[str, Any]]:
    return [json.loads(record.value) for record in read(kafka, [DEAD_LETTERS_TOPIC])]


def failing_for_a_while(failures: int) -> Any:
    """Every way to fail in turn, for so many posts; then all is accepted."""
    replies = [
        WebhookReply(500, body=b"broken"),
        WebhookReply(503, headers={"Retry-After": "0"}),
        WebhookReply(429),
        WebhookReply(408),
        WebhookReply(0),
        WebhookReply(200, body=b"half of it", length=1_000),
        WebhookReply(404),
    ]
    seen = Counter[str]()

    def script(post: Received) -> WebhookReply:
        seen["all"] += 1
        return replies[seen["all"] % len(replies)] if seen["all"] <= failures else WebhookReply(204)

    return script


def test_each_event_arrives_once_and_in_order_although_the_receiver_fails(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    events = series(300)
    publish(producer, events)
    with (
        WebhookReceiver(failing_for_a_while(70)) as receiver,
        forwarder(kafka_with_topics, receiver, "--until-end") as program,
    ):
        assert program.wait(120) == 0, program.errors
        accepted = receiver.accepted
    require_each_once_in_order(events, accepted)
    for post in receiver.posts:
        require_signed(post)
    assert SECRET not in "".join([*program.output, *program.errors])
    assert "forwarded 300 events" in "".join(program.output)


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_the_cloudevents_library_reads_both_modes(
    kafka_with_topics: LocalKafka, producer: KafkaProducer, mode: str
) -> None:
    events = {event.event_id: event for event in (candidate(), opposite_day(), strength())}
    publish(producer, events.values())
    with (
        WebhookReceiver() as receiver,
        forwarder(kafka_with_topics, receiver, "--until-end", "--mode", mode) as program,
    ):
        assert program.wait(60) == 0, program.errors
    for post in receiver.posts:
        require_signed(post)
        event = from_http_event(HTTPMessage(dict(post.headers), post.body))
        sent = events.pop(event.get_id())
        assert event.get_type() == f"rotascope.{sent.family}.{sent.definition}.{sent.state}"
        assert event.get_data() == event_data(sent)
        assert event.get_subject() == sent.pair
        assert defect(str(event.get_dataschema()), event.get_data()) is None
    assert not events


def test_what_is_refused_or_no_event_becomes_a_dead_letter_and_the_rest_goes_on(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    events = series(30)
    gone, moved = events[3], events[4]
    publish(producer, events[:15])
    topic = topic_of(events[0])
    producer.send(topic, b"\xff no event", key=b"P0/SPX")
    producer.send(topic, None, key=b"P1/SPX")
    headers = kafka_headers(events[0])
    producer.send(topic, b'{"definition": 3}', key=b"P0/SPX", headers=headers)
    publish(producer, events[15:])

    def script(post: Received) -> WebhookReply:
        if post.headers["ce-id"] == gone.event_id:
            return WebhookReply(410)
        if post.headers["ce-id"] == moved.event_id:
            return WebhookReply(301, headers={"Location": "https://elsewhere.example/hook"})
        return WebhookReply(200, body=b"x" * 1_000_000)

    with (
        WebhookReceiver(script) as receiver,
        forwarder(kafka_with_topics, receiver, "--until-end") as program,
    ):
        assert program.wait(60) == 0, program.errors
    require_each_once_in_order([event for event in events if event not in (gone, moved)], receiver.accepted)
    letters = dead_letters(kafka_with_topics)
    assert Counter(letter["reason"] for letter in letters) == {
        "not_an_event": 3,
        "webhook_refused": 1,
        "webhook_redirected": 1,
    }
    assert all(defect(DEAD_LETTER, letter) is None for letter in letters)
    (redirected,) = [letter for letter in letters if letter["reason"] == "webhook_redirected"]
    assert "https://elsewhere.example/hook" in redirected["message"]
    tries = Counter(post.headers["ce-id"] for post in receiver.posts)
    assert (tries[gone.event_id], tries[moved.event_id]) == (5, 5)


def test_a_restart_goes_on_where_it_stopped(kafka_with_topics: LocalKafka, producer: KafkaProducer) -> None:
    events = series(60)
    publish(producer, events[:40])
    with WebhookReceiver() as receiver:
        with forwarder(kafka_with_topics, receiver) as program:
            receiver.until(lambda: len(receiver.posts) >= 40)
            program.process.send_signal(signal.SIGINT)
            assert program.wait(30) == 0, program.errors
        publish(producer, events[40:])
        with forwarder(kafka_with_topics, receiver, "--until-end") as program:
            assert program.wait(60) == 0, program.errors
        assert len(receiver.posts) == 60
        require_each_once_in_order(events, receiver.posts)


def test_filters_choose_what_is_sent(kafka_with_topics: LocalKafka, producer: KafkaProducer) -> None:
    publish(producer, [candidate(), opposite_day(), strength()])
    with (
        WebhookReceiver() as receiver,
        forwarder(
            kafka_with_topics, receiver, "--until-end", "--state", "opened", "--pair", "RUT/SPX"
        ) as one,
    ):
        assert one.wait(60) == 0, one.errors
    assert [post.headers["ce-id"] for post in receiver.posts] == [opposite_day().event_id]
    assert "2 filtered" in "".join(one.output)


def test_a_signal_ends_it_in_time_although_the_receiver_never_answers(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    publish(producer, series(20))
    slow = QUICK | {
        "ROTASCOPE_FORWARD__ATTEMPT_TIMEOUT_MS": "60000",
        "ROTASCOPE_FORWARD__SHUTDOWN_TIMEOUT_MS": "1000",
    }
    with (
        WebhookReceiver(lambda post: WebhookReply(silent_s=100)) as receiver,
        forwarder(kafka_with_topics, receiver, environment=slow) as program,
    ):
        receiver.until(lambda: len(receiver.posts) >= 4)
        began_s = time.monotonic()
        program.terminate()
        assert program.wait(30) == 0, program.errors
        assert time.monotonic() - began_s < 15
    assert "forwarded 0 events" in "".join(program.output)


def test_a_receiver_that_drips_is_cut_and_asked_again(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    events = series(3)
    publish(producer, events)
    seen: list[str] = []

    def script(post: Received) -> WebhookReply:
        seen.append(post.headers["ce-id"])
        return WebhookReply(drip_s=0.2) if len(seen) == 1 else WebhookReply()

    with (
        WebhookReceiver(script) as receiver,
        forwarder(kafka_with_topics, receiver, "--until-end") as program,
    ):
        assert program.wait(60) == 0, program.errors
    assert Counter(seen)[seen[0]] == 2
    assert any("no whole answer within 2000 ms" in line for line in program.errors)


def test_two_forwarders_share_the_events_and_none_is_lost(
    kafka_with_topics: LocalKafka, producer: KafkaProducer
) -> None:
    events = series(600, pairs=40)
    with WebhookReceiver(lambda post: WebhookReply(silent_s=0.01)) as receiver:
        with forwarder(kafka_with_topics, receiver) as first:
            first.said("forwarding events")
            publish(producer, events[:200])
            receiver.until(lambda: len(receiver.posts) > 50)
            with forwarder(kafka_with_topics, receiver) as second:
                second.said("serving metrics")
                for at in range(200, 600, 50):
                    publish(producer, events[at : at + 50])
                    time.sleep(0.5)
                port = metrics_port(second)
                receiver.until(lambda: metric(port, "rotascope_forward_partitions") > 0)
                receiver.until(lambda: len(first_by_id(list(receiver.posts))) == 600)
                second.terminate()
                assert second.wait(30) == 0, second.errors
            first.terminate()
            assert first.wait(30) == 0, first.errors
        require_each_once_in_order(events, receiver.posts)
    assert len(receiver.posts) < 2 * len(events)
