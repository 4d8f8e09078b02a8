"""A publisher holds what the broker has not acknowledged: it waits or drops, and a stop bounds every wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from kafka.errors import MessageSizeTooLargeError

from core.model.errors import TransportError
from producers.feeds.base import reject
from producers.ingest.queue import Overflow
from tests.support.publisher_stage import DEADLINE_S, SIDE_MAX_BYTES, SIZE, PublisherStage, frame


@pytest.fixture
def stage() -> Iterator[PublisherStage]:
    stage = PublisherStage()
    yield stage
    stage.publisher.close()
    assert all(client.closed for client in stage.clients)


@contextmanager
def in_thread(work: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield thread
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_what_no_other_client_could_send_ends_it(stage: PublisherStage) -> None:
    stage.publisher.send(frame(1))
    stage.until(lambda: bool(stage.clients) and len(stage.values()) == 1)
    stage.clients[0].futures[0].failure(MessageSizeTooLargeError())
    calls: list[Callable[[], None]] = [
        lambda: stage.publisher.send(frame(2)),
        lambda: stage.publisher.flush(None),
    ]
    for call in calls:
        with pytest.raises(TransportError, match="is too large for topic ticks") as caught:
            call()
        assert not caught.value.retriable


def test_a_recording_waits_for_room_and_a_live_feed_does_not() -> None:
    stage = PublisherStage(in_flight_max=2 * SIZE)
    try:
        done = threading.Event()

        def send() -> None:
            for number in range(4):
                stage.publisher.send(frame(number))
            done.set()

        with in_thread(send):
            stage.until(lambda: stage.counters.of(0).waits == 1)
            assert not done.is_set()
            stage.until(lambda: bool(stage.clients) and len(stage.values()) == 2)
            for future in list(stage.clients[0].futures):
                future.success(None)
            assert done.wait(DEADLINE_S)
        stage.publisher.overflow = Overflow.DROP
        for number in range(4, 60):
            stage.publisher.send(frame(number))
        assert stage.counters.of(0).waits == 1
        assert stage.hold.records >= 56
    finally:
        stage.publisher.close()


def test_a_stop_bounds_every_wait_and_says_how_much_is_unsent(stage: PublisherStage) -> None:
    stage.publisher.send(frame(1))
    stage.publisher.send(frame(2))
    stage.until(lambda: bool(stage.clients) and len(stage.values()) == 2)
    errors: list[TransportError] = []

    def flush() -> None:
        try:
            stage.publisher.flush(None)
        except TransportError as error:
            errors.append(error)

    with in_thread(flush):
        stage.publisher.give_up_in(0.05)
    assert errors[0].message.startswith(f"2 records ({2 * SIZE} bytes) are unsent")
    with pytest.raises(TransportError, match="are unsent"):
        stage.publisher.flush(DEADLINE_S)


def test_dead_letters_are_held_up_to_a_bound_of_their_own() -> None:
    stage = PublisherStage(refusals=[TransportError("no broker answers")])
    stage.publisher.overflow = Overflow.DROP
    for number in range(20):
        stage.publisher.dead_letter(reject("price", bytes([number]) * 100), "feed")
    assert stage.counters.dropped_dead_letters == 20 - stage.hold.records > 0
    assert stage.hold.bytes <= SIDE_MAX_BYTES
    assert stage.counters.gaps.total() == 0
    stage.publisher.close()
