"""Publishes the frames of a feed, across any number of broker outages.

A thread owns the client. It sends records in order per partition, and keeps each until the broker has
acknowledged it. If a record is not acknowledged in time, its client is abandoned: it is halted before it
can send later records, all records wait again, and a new client sends them with the same bytes. A record
may then be in the log twice; readers detect the repeat by epoch and sequence.

The mode determines what happens in a long outage:

- wait: `send` blocks while its partition has no room. A recording or a warm start loses nothing.
- drop: the hold buffer drops its oldest records and leaves gap marks (see `producers.framing.hold`).
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from kafka.errors import KafkaError

from core.kafka.broker_errors import CHECK_BROKER
from core.kafka.errors import not_delivered
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError, ConfigurationError, RotascopeError, TransportError
from producers.framing.held import OVERHEAD_BYTES, Held
from producers.framing.hold import Dropped, Hold
from producers.framing.outage_log import HoldFigures, OutageLog
from producers.framing.outlet import SIDE, Headers, Outlet
from producers.framing.publisher import RecordSender, close_sender, halt
from producers.ingest.backoff import Backoff
from producers.ingest.queue import Overflow
from producers.metrics import ProducerCounters

_WAIT_SLICE_S: Final = 0.2
"""How often a wait checks whether it should end."""

_CLOSE_S: Final = 1.0


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
        self._connect = connect
        self._hold = hold
        self._bytes_in_flight_max = bytes_in_flight_max
        self._counters = counters
        self._backoff = backoff
        self._files = files
        self._renewing = False
        self._monotonic_s = monotonic_s
        self._outage = OutageLog(structlog.get_logger())
        self._looked_s = -math.inf
        self._changed = threading.Condition()
        self._client: RecordSender | None = None
        self._generation = 0
        self._has_connected = False
        self._failure: BaseException | None = None
        self._last_error: str | None = None
        self._give_up_s = math.inf
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
        self._thread.start()

    def wait_connected(self) -> None:
        """Wait until a broker has answered, without a limit.

        Raises:
            TransportError: The wait was given up, or no client can be created.
            ConfigurationError: As `connect` raises it.
        """
        self._wait_until(lambda: self._has_connected, math.inf)

    @property
    def has_connected(self) -> bool:
        """Whether a broker has ever answered."""
        return self._has_connected

    def figures(self) -> HoldFigures:
        """Current figures of the hold buffer."""
        with self._changed:
            return self._figures()

    def flush(self, timeout_s: float | None) -> None:
        """See `Outlet`."""
        until_s = math.inf if timeout_s is None else self._monotonic_s() + timeout_s
        self._wait_until(lambda: self._hold.records == 0, until_s)

    def give_up_in(self, seconds: float) -> None:
        """See `Outlet`; takes no lock, so that a signal handler may call it."""
        self._give_up_s = min(self._give_up_s, self._monotonic_s() + seconds)

    def close(self) -> None:
        """See `Outlet`."""
        with self._changed:
            self._closing = True
            client, self._client = self._client, None
            self._generation += 1
            self._changed.notify_all()
        self._thread.join(_CLOSE_S)
        if client is not None:
            close_sender(client, _CLOSE_S)

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
            self._raise_failure()
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
                self._raise_failure()
                left_s = min(until_s, self._give_up_s) - self._monotonic_s()
                if left_s <= 0:
                    raise self._unsent()
                self._changed.wait(min(left_s, _WAIT_SLICE_S))
            self._raise_failure()

    def _unsent(self) -> TransportError:
        figures = self._figures()
        reason = f"; {figures.error}" if figures.error else ""
        return TransportError(
            f"{figures.records:,} records ({figures.bytes:,} bytes) are unsent: the broker has not "
            "acknowledged "
            f"them for {figures.age_s:.0f} s{reason}",
            operator_action=CHECK_BROKER,
        )

    def _figures(self) -> HoldFigures:
        oldest_s = self._hold.oldest_s
        return HoldFigures(
            connected=self._client is not None,
            bytes=self._hold.bytes,
            records=self._hold.records,
            age_s=0.0 if oldest_s is None else max(0.0, self._monotonic_s() - oldest_s),
            dropped_ticks=sum(each.dropped_ticks for each in self._counters.partitions.values()),
            error=self._last_error,
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

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    # From here on: runs on the thread.

    def _work(self) -> None:
        """Send until closed or failed; an internal error ends the producer, not only this thread."""
        try:
            self._send_all()
        except Exception as error:
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()

    def _send_all(self) -> None:
        while True:
            with self._changed:
                if self._closing or self._failure is not None:
                    return
                client, generation = self._client, self._generation
                self._renewing = client is not None and (self._renewing or self._files.due())
                records = [] if client is None or self._renewing else self._sendable()
                if client is not None:
                    self._look()
                    # Between two clients nothing may be in flight, or it would stand in the log twice.
                    if not (records or (self._renewing and self._is_idle())):
                        self._changed.wait(_WAIT_SLICE_S)
                        continue
            if client is None:
                self._make_client()
            elif self._renewing:
                self._renew(client)
            else:
                self._hand_over(client, generation, records)

    def _is_idle(self) -> bool:
        return not any(line.in_flight_bytes for line in self._hold.lines)

    def _connected(self) -> RecordSender:
        self._files.making()
        client = self._connect()
        self._files.taken()
        return client

    def _renew(self, old: RecordSender) -> None:
        """Go on with a new client, made from what stands in the files now; without one, with the old."""
        log = structlog.get_logger()
        try:
            client = self._connected()
        except RotascopeError as error:
            self._renewing = False  # until the next look
            log.warning("replaced certificates or secrets cannot be used yet", error=error.message)
            return
        with self._changed:
            self._renewing = False
            if not self._closing:
                self._client, client = client, old
                self._generation += 1
                log.info("certificates or secrets were replaced: sending with a new client")
        threading.Thread(target=close_sender, args=(client, _CLOSE_S), daemon=True).start()

    def _sendable(self) -> list[Held]:
        taken: list[Held] = []
        for line in self._hold.lines:
            new = list(line.take(self._bytes_in_flight_max))
            if new and line.slot != SIDE:
                self._counters.of(line.slot).in_flight_bytes = line.in_flight_bytes
            taken += new
        return taken

    def _look(self) -> None:
        """Report the state of the hold buffer; may be called every turn."""
        now_s = self._monotonic_s()
        if now_s - self._looked_s < _WAIT_SLICE_S:
            return
        self._looked_s = now_s
        self._outage.look(self._figures(), now_s)
        self._counters.broker_connected = not self._outage.is_outage
        if not self._outage.is_outage:
            self._last_error = None

    def _make_client(self) -> None:
        try:
            client = self._connected()
        except Exception as error:
            with self._changed:
                # What worked before and is refused now may be on its way to be replaced.
                hopeful = self._has_connected and isinstance(error, AccessRefusedError | ConfigurationError)
                retriable = hopeful or (isinstance(error, RotascopeError) and error.retriable)
                if not retriable:
                    self._failure = error
                    self._changed.notify_all()
                    return
                self._last_error = str(error).splitlines()[0]
                self._look()
                until_s = self._monotonic_s() + self._backoff.next_ms(slow=False) / 1000
                while not self._closing and (left_s := until_s - self._monotonic_s()) > 0:
                    self._changed.wait(left_s)
            return
        with self._changed:
            if not self._closing:
                self._client = client
                self._has_connected = True
                self._generation += 1
                self._changed.notify_all()
                return
        close_sender(client, _CLOSE_S)

    def _hand_over(self, client: RecordSender, generation: int, records: list[Held]) -> None:
        for held in records:
            if generation != self._generation:
                return  # abandoned meanwhile: all records wait again
            try:
                future = client.send(
                    held.topic, held.payload(), key=held.key, headers=held.headers, partition=held.partition
                )
            except (KafkaError, TransportError, ValueError) as error:
                self._settle(client, generation, held, error)
                return
            self._watch(future, client, generation, held)

    def _watch(self, future: Any, client: RecordSender, generation: int, held: Held) -> None:
        future.add_callback(lambda _: self._settle(client, generation, held, None))
        future.add_errback(lambda error: self._settle(client, generation, held, error))

    def _settle(self, client: RecordSender, generation: int, held: Held, error: BaseException | None) -> None:
        """Record the outcome of a send; on the client's thread, or on ours if it was refused at once."""
        with self._changed:
            if generation != self._generation:
                return  # the client was abandoned: the record waits again, or has been resent
            line = self._hold.of(held.slot)
            if error is None:
                line.acknowledge(held)
                self._backoff.note_data(math.inf)
                if held.slot != SIDE:
                    counters = self._counters.of(held.slot)
                    counters.frames += 1
                    counters.in_flight_bytes = line.in_flight_bytes
            else:
                # Here, before the client's thread sends later records.
                halt(client)
                self._give_up_client(not_delivered(held.topic, error, held.size - OVERHEAD_BYTES))
            self._changed.notify_all()

    def _give_up_client(self, error: TransportError) -> None:
        self._generation += 1
        self._counters.broker_reconnects += 1
        self._last_error = error.message
        if not (error.retriable or isinstance(error, AccessRefusedError)):
            self._failure = error
        client, self._client = self._client, None
        for line in self._hold.lines:
            uncertain = line.rewind()
            if line.slot != SIDE:
                counters = self._counters.of(line.slot)
                counters.failures += uncertain
                counters.in_flight_bytes = 0
        if client is not None:
            # Not on the client's own thread, which would deadlock.
            threading.Thread(target=close_sender, args=(client, _CLOSE_S), daemon=True).start()
