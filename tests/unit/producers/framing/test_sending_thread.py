"""A record is sent until it is acknowledged, in its partition's order, however often the client fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from core.model.errors import AccessRefusedError, TransportError
from core.model.kafka_security import KafkaSecurity
from tests.support.publisher_stage import DEADLINE_S, PublisherStage, frame


@pytest.fixture
def stage() -> Iterator[PublisherStage]:
    stage = PublisherStage()
    yield stage
    stage.publisher.close()
    assert all(client.closed for client in stage.clients)


def test_what_a_failed_client_had_is_sent_again_in_order_by_the_next(stage: PublisherStage) -> None:
    for number in range(4):
        stage.publisher.send(frame(number))
        stage.publisher.send(frame(number, partition=1))
    stage.until(lambda: len(stage.clients) == 1 and len(stage.clients[0].sent) == 8)
    first = stage.clients[0]
    first.futures[0].success(None)
    first.futures[2].failure(KafkaTimeoutError("expired"))
    stage.until(lambda: len(stage.clients) == 2 and len(stage.clients[1].sent) == 7)
    assert stage.values() == [frame(number).payload for number in (1, 2, 3)]
    assert stage.values(partition=1) == [frame(number).payload for number in range(4)]
    # What the old client says now no longer counts: the record has been sent again.
    first.futures[4].success(None)
    assert stage.hold.records == 7
    for future in stage.clients[1].futures:
        future.success(None)
    stage.publisher.flush(DEADLINE_S)
    assert (stage.counters.of(0).frames, stage.counters.of(1).frames) == (4, 4)
    assert stage.counters.of(0).failures + stage.counters.of(1).failures == 7
    assert stage.counters.broker_reconnects == 1


def test_a_broker_that_does_not_answer_is_tried_until_it_does() -> None:
    stage = PublisherStage(refusals=[TransportError("no broker answers")])
    stage.publisher.send(frame(1))
    stage.until(lambda: stage.publisher.figures().error == "no broker answers")
    assert not stage.publisher.has_connected
    stage.refusals.clear()
    stage.publisher.wait_connected()
    stage.until(lambda: len(stage.values()) == 1)
    stage.publisher.close()


def test_a_client_that_cannot_be_made_ends_it() -> None:
    missing = TransportError("topic ticks is not there", operator_action="make it")
    missing.retriable = False
    stage = PublisherStage(refusals=[missing])
    with pytest.raises(TransportError, match="is not there"):
        stage.publisher.wait_connected()
    stage.publisher.close()


def test_an_error_of_ours_ends_the_producer_and_not_the_thread_alone(stage: PublisherStage) -> None:
    stage.publisher.wait_connected()

    def broken(topic: str, value: bytes, **rest: Any) -> Future:
        raise RuntimeError("a defect")

    stage.clients[0].send = broken  # type: ignore[method-assign]
    stage.publisher.send(frame(1))
    with pytest.raises(RuntimeError, match="a defect"):
        stage.publisher.flush(DEADLINE_S)


def secured(folder: Path, password: str) -> KafkaSecurity:
    """Security whose password stands in a file, which is looked at all the time."""
    file = folder / "password"
    file.write_text(password)
    return KafkaSecurity(
        protocol="SASL_SSL",
        mechanism="PLAIN",
        username="bob",
        password_file=file,
        files_look_interval_ms=100,
    )


def test_a_replaced_secret_is_taken_by_a_new_client_once_nothing_is_in_flight(tmp_path: Path) -> None:
    stage = PublisherStage(security=secured(tmp_path, "old"))
    stage.publisher.send(frame(1))
    stage.until(lambda: len(stage.clients) == 1 and len(stage.clients[0].sent) == 1)
    secured(tmp_path, "new")
    time.sleep(0.5)
    stage.publisher.send(frame(2))
    time.sleep(0.2)
    # The first record may be in the log already: another client would send it a second time.
    assert len(stage.clients) == 1
    stage.clients[0].futures[0].success(None)
    stage.until(lambda: len(stage.clients) == 2 and len(stage.clients[1].sent) == 1)
    assert stage.values(0) == [frame(1).payload]
    assert stage.values(1) == [frame(2).payload]
    stage.until(lambda: stage.clients[0].closed)
    stage.clients[1].futures[0].success(None)
    stage.publisher.flush(DEADLINE_S)
    stage.publisher.close()


def test_a_replaced_secret_that_is_refused_leaves_the_client_that_works(tmp_path: Path) -> None:
    stage = PublisherStage(security=secured(tmp_path, "old"))
    stage.publisher.wait_connected()
    stage.refusals = [AccessRefusedError("refused")]
    secured(tmp_path, "new")
    time.sleep(0.5)
    stage.publisher.send(frame(1))
    stage.until(lambda: len(stage.clients[0].sent) == 1)
    stage.clients[0].futures[0].success(None)
    stage.publisher.flush(DEADLINE_S)
    assert len(stage.clients) == 1
    stage.publisher.close()


def test_a_refusal_ends_a_producer_that_never_connected_and_is_an_outage_later() -> None:
    never = PublisherStage(refusals=[AccessRefusedError("refused")])
    with pytest.raises(AccessRefusedError):
        never.publisher.wait_connected()
    never.publisher.close()
    later = PublisherStage()
    later.publisher.send(frame(1))
    later.until(lambda: len(later.clients) == 1 and len(later.clients[0].sent) == 1)
    later.refusals = [AccessRefusedError("refused")]
    later.clients[0].futures[0].failure(KafkaTimeoutError("expired"))
    later.until(lambda: later.publisher.figures().error == "refused")
    later.refusals = []
    later.until(lambda: len(later.clients) == 2 and len(later.clients[1].sent) == 1)
    later.clients[1].futures[0].success(None)
    later.publisher.flush(DEADLINE_S)
    later.publisher.close()
