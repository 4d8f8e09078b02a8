"""A Kafka producer that keeps what it is sent, for tests of what sends."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from kafka.future import Future
from numpy.typing import NDArray

from core.model.frames import FrameHeader, decode_frame
from core.model.records import TICK
from producers.framing.publisher import Publisher
from producers.metrics import ProducerCounters


@dataclass
class KeepingSender:
    """Acknowledges every record at once."""

    records: list[dict[str, Any]] = field(default_factory=list)

    def send(self, topic: str, value: bytes, **rest: Any) -> Future:
        self.records.append({"topic": topic, "value": value, **rest})
        return Future().success(None)

    def flush(self, timeout: float | None = None) -> None:
        """Nothing waits."""

    def close(self, timeout: float | None = None) -> None:
        """Nothing to release."""

    def frames(self) -> dict[int, list[tuple[FrameHeader, NDArray[np.void]]]]:
        """Frames by partition."""
        found: dict[int, list[tuple[FrameHeader, NDArray[np.void]]]] = defaultdict(list)
        for record in self.records:
            if record["partition"] is not None:
                found[record["partition"]].append(decode_frame(record["value"]))
        return dict(found)

    def log(self, partition: int) -> NDArray[np.void]:
        """All records of a partition's frames."""
        parts = [records for _, records in self.frames().get(partition, [])]
        return np.concatenate([np.empty(0, TICK), *parts])

    def dead_letters(self) -> list[bytes]:
        """Values of what went elsewhere."""
        return [record["value"] for record in self.records if record["partition"] is None]


def publisher_to(sender: Any, counters: ProducerCounters, budget: int = 1 << 20) -> Publisher:
    """Give a publisher of the ticks topic."""
    return Publisher(
        sender,
        topic="rotascope.ticks.v1",
        source="alpaca",
        bytes_in_flight_max=budget,
        counters=counters,
    )
