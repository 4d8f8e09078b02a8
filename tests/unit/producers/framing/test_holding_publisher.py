"""A record is sent until it is acknowledged, in its partition's order, however often the client fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from kafka.future import Future

from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError, TransportError
from core.model.kafka_security import KafkaSecurity
from core.runtime.backoff import Backoff
from producers.feeds.base import reject
from producers.framing.framer import Frame
from producers.framing.held import OVERHEAD_BYTES
from producers.framing.hold import Hold
from producers.framing.holding_publisher import HoldingPublisher
from producers.ingest.queue import Overflow
from producers.metrics import ProducerCounters

DEADLINE_S = 10.0
SIZE = OVERHEAD_BYTES + 10
SIDE_MAX_BYTES = 4_000


@dataclass
class Client:
    """Takes records and answers when told to."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    futures: list[Future] = field(default_factory=list)
    closed: bool = False

    def send(self, topic: str, value: bytes, **rest: Any) -> Future:
        self.sent.append({"topic": topic, "value": value, **rest})
        self.futures.append(Future())
        return self.futures[-1]

    def flush(self, timeout: float | None = None) -> None:
        """Never called: it may block."""
        raise AssertionError

    def close(self, timeout: float | None = None) -> None:
        self.closed = True
        raise KafkaTimeoutError("could not be closed")


class Stage:
    """A publisher whose clients the test makes fail."""

    def __init__(
        self,
        in_flight_max: int = 10 * SIZE,
        refusals: Sequence[Exception] = (),
        security: KafkaSecurity | None = None,
    ) -> None:
        self.clients: list[Client] = []
        self.refusals = list(refusals)
        self.counters = ProducerCounters("alpaca")
        self.hold = Hold(10**9, 10**6, SIDE_MAX_BYTES)
        self.publisher = HoldingPublisher(
            self._connect,
            topic="ticks",
            source="alpaca",
            hold=self.hold,
            bytes_in_flight_max=in_flight_max,
            counters=self.counters,
            backoff=Backoff(1, 1, 0, random=lambda: 0.5),
            files=SecurityFiles(security or KafkaSecurity(), monotonic_ns=time.monotonic_ns),
        )

    def _connect(self) -> Any:
        if self.refusals:
            raise self.refusals[0]
        self.clients.append(Client())
        return self.clients[-1]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def values(self, client: int = -1, partition: int | None = 0) -> list[bytes]:
        return [each["value"] for each in self.clients[client].sent if each["partition"] == partition]


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.publisher.close()
    assert all(client.closed for client in stage.clients)


def frame(number: int, partition: int = 0) -> Frame:
    return Frame(partition, bytes([number]) * 10)


@contextmanager
def in_thread(work: Callable[[], None]) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield thread
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_what_a_failed_client_had_is_sent_again_in_order_by_the_next(stage: Stage) -> None:
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
    stage = Stage(refusals=[TransportError("no broker answers")])
    stage.publisher.send(frame(1))
    stage.until(lambda: stage.publisher.figures().error == "no broker answers")
    assert not stage.publisher.has_connected
    stage.refusals.clear()
    stage.publisher.wait_connected()
    stage.until(lambda: len(stage.values()) == 1)
    stage.publisher.close()


def test_what_no_other_client_could_send_ends_it(stage: Stage) -> None:
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


def test_a_client_that_cannot_be_made_ends_it() -> None:
    missing = TransportError("topic ticks is not there", operator_action="make it")
    missing.retriable = False
    stage = Stage(refusals=[missing])
    with pytest.raises(TransportError, match="is not there"):
        stage.publisher.wait_connected()
    stage.publisher.close()


def test_a_recording_waits_for_room_and_a_live_feed_does_not() -> None:
    stage = Stage(in_flight_max=2 * SIZE)
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


def test_a_stop_bounds_every_wait_and_says_how_much_is_unsent(stage: Stage) -> None:
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
    stage = Stage(refusals=[TransportError("no broker answers")])
    stage.publisher.overflow = Overflow.DROP
    for number in range(20):
        stage.publisher.dead_letter(reject("price", bytes([number]) * 100), "feed")
    assert stage.counters.dropped_dead_letters == 20 - stage.hold.records > 0
    assert stage.hold.bytes <= SIDE_MAX_BYTES
    assert stage.counters.gaps.total() == 0
    stage.publisher.close()


def test_an_error_of_ours_ends_the_producer_and_not_the_thread_alone(stage: Stage) -> None:
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
    stage = Stage(security=secured(tmp_path, "old"))
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
    stage = Stage(security=secured(tmp_path, "old"))
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
    never = Stage(refusals=[AccessRefusedError("refused")])
    with pytest.raises(AccessRefusedError):
        never.publisher.wait_connected()
    never.publisher.close()
    later = Stage()
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
