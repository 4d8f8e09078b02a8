"""Publishes the frames of a feed, across any number of broker outages.

Records go into a hold buffer; a thread sends them (see `producers.framing.sending_thread`). The mode
determines what happens in a long outage:

- wait: `send` blocks while its partition has no room. A recording or a warm start loses nothing.
- drop: the hold buffer drops its oldest records and leaves gap marks (see `producers.framing.hold`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from core.kafka.broker_errors import CHECK_BROKER
from core.kafka.security_files import SecurityFiles
from core.model.errors import TransportError
from core.runtime.backoff import Backoff
from producers.framing.held import Held
from producers.framing.hold import Dropped, Hold
from producers.framing.outage_log import HoldFigures
from producers.framing.outlet import SIDE, Headers, Outlet
from producers.framing.publisher import RecordSender
from producers.framing.sending_thread import SendingThread
from producers.ingest.queue import Overflow
from producers.metrics import ProducerCounters

_WAIT_SLICE_S: Final = 0.2
"""How often a wait checks whether it should end."""


class HoldingPublisher(Outlet):
    """Sends records, and holds them while the broker does not acknowledge them.

    Args:
        connect: Creates a client; raises TransportError while no broker answers.
        topic: The ticks topic.
        source: Name of the source: the key of its dead letters.
        hold: Hold buffer for unacknowledged records.
        bytes_in_flight_max: Maximum unacknowledged bytes per partition in the client, and in wait mode
            the maximum held per partition.
        counters: Counters of the producer.
        backoff: Delays between connection attempts.
        files: Certificates and secrets; a new client is made when they change.
        monotonic_s: Monotonic clock, s.
    """

    def __init__(
        self,
        connect: Callable[[], RecordSender],
        *,
        topic: str,
        source: str,
        hold: Hold,
        bytes_in_flight_max: int,
        counters: ProducerCounters,
        backoff: Backoff,
        files: SecurityFiles,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(topic=topic, source=source)
        self.overflow = Overflow.WAIT
        self._hold = hold
        self._bytes_in_flight_max = bytes_in_flight_max
        self._counters = counters
        self._monotonic_s = monotonic_s
        self._give_up_s = math.inf
        self._sending = SendingThread(
            connect,
            hold=hold,
            bytes_in_flight_max=bytes_in_flight_max,
            counters=counters,
            backoff=backoff,
            files=files,
            monotonic_s=monotonic_s,
        )
        self._changed = self._sending.changed

    def wait_connected(self) -> None:
        """Wait until a broker has answered, without a limit.

        Raises:
            TransportError: The wait was given up, or no client can be created.
            ConfigurationError: As `connect` raises it.
        """
        self._wait_until(lambda: self._sending.has_connected, math.inf)

    @property
    def has_connected(self) -> bool:
        """Whether a broker has ever answered."""
        return self._sending.has_connected

    def figures(self) -> HoldFigures:
        """Current figures of the hold buffer."""
        with self._changed:
            return self._sending.figures()

    @override
    def flush(self, timeout_s: float | None) -> None:
        until_s = math.inf if timeout_s is None else self._monotonic_s() + timeout_s
        self._wait_until(lambda: self._hold.records == 0, until_s)

    @override
    def give_up_in(self, seconds: float) -> None:
        """Takes no lock, so that a signal handler may call it."""
        self._give_up_s = min(self._give_up_s, self._monotonic_s() + seconds)

    @override
    def close(self) -> None:
        self._sending.close()

    def _send(
        self,
        slot: int,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        *,
        partition: int | None = None,
    ) -> None:
        with self._changed:
            self._sending.raise_failure()
            now_s = self._monotonic_s()
            held = Held(slot, topic, key, value, headers, partition, now_s)
            line = self._hold.of(slot)
            if self.overflow is Overflow.WAIT:
                full = self._bytes_in_flight_max - held.size
                if line.bytes and line.bytes > full:
                    self._wait_for_room(slot, lambda: not line.bytes or line.bytes <= full)
                held.since_s = self._monotonic_s()
            line.add(held)
            if self.overflow is Overflow.DROP:
                self._count_dropped(self._hold.trim(now_s))
            self._changed.notify_all()

    def _wait_for_room(self, slot: int, has_room: Callable[[], bool]) -> None:
        counters = self._counters.of(slot) if slot != SIDE else None
        started_s = self._monotonic_s()
        if counters is not None:
            counters.waits += 1
        try:
            self._wait_until(has_room, math.inf)
        finally:
            if counters is not None:
                counters.waited_seconds += self._monotonic_s() - started_s

    def _wait_until(self, condition: Callable[[], bool], until_s: float) -> None:
        with self._changed:
            while not condition():
                self._sending.raise_failure()
                left_s = min(until_s, self._give_up_s) - self._monotonic_s()
                if left_s <= 0:
                    raise self._unsent()
                self._changed.wait(min(left_s, _WAIT_SLICE_S))
            self._sending.raise_failure()

    def _unsent(self) -> TransportError:
        figures = self._sending.figures()
        reason = f"; {figures.error}" if figures.error else ""
        return TransportError(
            f"{figures.records:,} records ({figures.bytes:,} bytes) are unsent: the broker has not "
            "acknowledged "
            f"them for {figures.age_s:.0f} s{reason}",
            operator_action=CHECK_BROKER,
        )

    def _count_dropped(self, dropped: list[Dropped]) -> None:
        for each in dropped:
            if each.slot == SIDE:
                self._counters.dropped_dead_letters += each.records
                continue
            counters = self._counters.of(each.slot)
            counters.dropped_frames += each.records
            counters.dropped_ticks += each.ticks
            if each.stretches:
                self._counters.gaps["hold_overflow"] += each.stretches
