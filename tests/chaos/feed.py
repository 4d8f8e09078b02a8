"""The ticks log as it grows: recorded frames, at a steady pace, from a thread of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from kafka import KafkaProducer

from core.model.records import NANOSECONDS_PER_SECOND
from tests.chaos.cluster import TICKS
from tests.chaos.market_day import Frame

PACE = 30
"""Event seconds a second: a round may take thirteen minutes before the day is over."""
DELIVERY_TIMEOUT_S = 60.0
"""While all brokers run."""
HOLDING_TIMEOUT_S = 1_200.0
"""Longer than any time without brokers: what was sent is delivered when they are back."""
CATCH_UP_S = 10.0
"""What is made up of a stall. Where it was longer, the tape has stood still: else the day would be over."""
_SLICE_S = 0.02


class Feed:
    """Appends frames to the ticks topic until it is told to stop.

    Args:
        bootstrap_servers: Of the cluster.
        warm: Written at once, before the pace begins.
        live: Written at the pace.
    """

    def __init__(self, bootstrap_servers: str, warm: Sequence[Frame], live: Sequence[Frame]) -> None:
        self._live = live
        self._next = 0
        self._stopping = threading.Event()
        self._failures: list[BaseException] = []
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id="chaos-feed",
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            delivery_timeout_ms=int(HOLDING_TIMEOUT_S * 1000),
            request_timeout_ms=5_000,
            retry_backoff_ms=20,
            reconnect_backoff_max_ms=500,
        )
        self._send(warm)
        self._producer.flush(timeout=DELIVERY_TIMEOUT_S)
        self.written_ns = warm[-1].ts_event_ns
        """Event time up to which everything stands in the log."""
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin to keep pace."""
        self._thread.start()

    def inject(self, partition: int, payload: bytes) -> int:
        """Append a record that is no tick frame at once; gives its offset."""
        future = self._producer.send(TICKS, payload, partition=partition)
        return int(future.get(timeout=DELIVERY_TIMEOUT_S).offset)

    @property
    def exhausted(self) -> bool:
        """Whether the recording is at its end."""
        return self._next >= len(self._live)

    def stop(self) -> None:
        """Finish the frame at hand and freeze the log.

        Raises:
            AssertionError: A frame could not be written: the round proves nothing.
        """
        self._stopping.set()
        self._thread.join(DELIVERY_TIMEOUT_S)
        assert not self._thread.is_alive(), "frames wait to be acknowledged although all brokers run"
        self._producer.flush(timeout=DELIVERY_TIMEOUT_S)
        self._producer.close(timeout=5)
        assert not self._failures, f"the log could not be written: {self._failures[0]!r}"

    def close(self) -> None:
        """End the thread, whatever it was doing."""
        self._stopping.set()

    def _run(self) -> None:
        try:
            self._keep_pace()
        except BaseException as error:
            self._failures.append(error)

    def _keep_pace(self) -> None:
        started_s = time.monotonic()
        first_ns = self._live[0].ts_event_ns
        while not self._stopping.is_set() and not self.exhausted:
            due_ns = first_ns + int((time.monotonic() - started_s) * PACE * NANOSECONDS_PER_SECOND)
            start = self._next
            # Not `exhausted`: a type checker takes the answer of the line above for still true.
            while self._next < len(self._live) and self._live[self._next].ts_event_ns <= due_ns:
                self._next += 1
            if start < self._next:
                sent_s = time.monotonic()
                self._send(self._live[start : self._next])
                # A stalled broker must stall the feed: the log's pace is what recovery is measured with.
                self._producer.flush(timeout=HOLDING_TIMEOUT_S)
                self.written_ns = self._live[self._next - 1].ts_event_ns
                started_s += max(0.0, time.monotonic() - sent_s - CATCH_UP_S)
            self._stopping.wait(_SLICE_S)

    def _send(self, frames: Sequence[Frame]) -> None:
        for each in frames:
            future = self._producer.send(TICKS, each.payload, partition=each.partition)
            future.add_errback(self._failures.append)
