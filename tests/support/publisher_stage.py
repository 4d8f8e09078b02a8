"""A publisher whose clients fail when a test says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from core.kafka.security_files import SecurityFiles
from core.model.kafka_security import KafkaSecurity
from core.runtime.backoff import Backoff
from producers.framing.framer import Frame
from producers.framing.held import OVERHEAD_BYTES
from producers.framing.hold import Hold
from producers.framing.holding_publisher import HoldingPublisher
from producers.metrics import ProducerCounters

DEADLINE_S = 10.0
SIZE = OVERHEAD_BYTES + 10
SIDE_MAX_BYTES = 4_000


@dataclass
class ControlledClient:
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


class PublisherStage:
    """A publisher whose clients the test makes fail."""

    def __init__(
        self,
        in_flight_max: int = 10 * SIZE,
        refusals: Sequence[Exception] = (),
        security: KafkaSecurity | None = None,
    ) -> None:
        self.clients: list[ControlledClient] = []
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
        self.clients.append(ControlledClient())
        return self.clients[-1]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def values(self, client: int = -1, partition: int | None = 0) -> list[bytes]:
        return [each["value"] for each in self.clients[client].sent if each["partition"] == partition]


def frame(number: int, partition: int = 0) -> Frame:
    """Give a frame of ten bytes."""
    return Frame(partition, bytes([number]) * 10)
