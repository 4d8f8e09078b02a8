"""The thread that sends the records of a hold buffer, and owns the client.

It sends records in order per partition, and keeps each in the hold buffer until the broker has
acknowledged it. If a record is not acknowledged in time, its client is abandoned: it is halted before it
can send later records, all records wait again, and a new client sends them with the same bytes. A record
may then be in the log twice; readers detect the repeat by epoch and sequence.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Final

import structlog
from kafka.errors import KafkaError

from core.kafka.errors import not_delivered
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError, ConfigurationError, RotascopeError, TransportError
from core.runtime.backoff import Backoff
from producers.framing.held import OVERHEAD_BYTES, Held
from producers.framing.hold import Hold
from producers.framing.outage_log import HoldFigures, OutageLog
from producers.framing.outlet import SIDE
from producers.framing.publisher import RecordSender, close_sender, halt
from producers.metrics import ProducerCounters

_WAIT_SLICE_S: Final = 0.2
"""Longest wait for new records; also how often the state of the hold buffer is reported."""

_CLOSE_S: Final = 1.0


class SendingThread:
    """Sends what the hold buffer contains, until closed or failed; starts at once.

    Args:
        connect: Creates a client; raises TransportError while no broker answers.
        hold: Hold buffer for unacknowledged records; used under `changed` only.
        bytes_in_flight_max: Maximum unacknowledged bytes per partition in the client.
        counters: Counters of the producer.
        backoff: Delays between connection attempts.
        files: Certificates and secrets; a new client is made when they change.
        monotonic_s: Monotonic clock, s.
    """

    def __init__(
        self,
        connect: Callable[[], RecordSender],
        *,
        hold: Hold,
        bytes_in_flight_max: int,
        counters: ProducerCounters,
        backoff: Backoff,
        files: SecurityFiles,
        monotonic_s: Callable[[], float],
    ) -> None:
        self.changed = threading.Condition()
        """Guards the hold buffer; notified when it, the client or the failure changes."""
        self.has_connected = False
        """Whether a broker has ever answered."""
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
        self._client: RecordSender | None = None
        self._generation = 0
        self._failure: BaseException | None = None
        self._last_error: str | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
        self._thread.start()

    def raise_failure(self) -> None:
        """Raise what ended the thread, if anything did; call it under `changed`."""
        if self._failure is not None:
            raise self._failure

    def figures(self) -> HoldFigures:
        """Return the current figures of the hold buffer; call it under `changed`."""
        oldest_s = self._hold.oldest_s
        return HoldFigures(
            connected=self._client is not None,
            bytes=self._hold.bytes,
            records=self._hold.records,
            age_s=0.0 if oldest_s is None else max(0.0, self._monotonic_s() - oldest_s),
            dropped_ticks=sum(each.dropped_ticks for each in self._counters.partitions.values()),
            error=self._last_error,
        )

    def close(self) -> None:
        """End the thread and release the client; sends nothing more."""
        with self.changed:
            self._closing = True
            client, self._client = self._client, None
            self._generation += 1
            self.changed.notify_all()
        self._thread.join(_CLOSE_S)
        if client is not None:
            close_sender(client, _CLOSE_S)

    def _work(self) -> None:
        """Send until closed or failed; an internal error ends the producer, not only this thread."""
        try:
            self._send_all()
        except Exception as error:
            with self.changed:
                self._failure = self._failure or error
                self.changed.notify_all()

    def _send_all(self) -> None:
        while True:
            with self.changed:
                if self._closing or self._failure is not None:
                    return
                client, generation = self._client, self._generation
                self._renewing = client is not None and (self._renewing or self._files.due())
                records = [] if client is None or self._renewing else self._sendable()
                if client is not None:
                    self._look()
                    # Between two clients nothing may be in flight, or it would stand in the log twice.
                    if not (records or (self._renewing and self._is_idle())):
                        self.changed.wait(_WAIT_SLICE_S)
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
        with self.changed:
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
        self._outage.look(self.figures(), now_s)
        self._counters.broker_connected = not self._outage.is_outage
        if not self._outage.is_outage:
            self._last_error = None

    def _make_client(self) -> None:
        try:
            client = self._connected()
        except Exception as error:
            with self.changed:
                # What worked before and is refused now may be on its way to be replaced.
                hopeful = self.has_connected and isinstance(error, AccessRefusedError | ConfigurationError)
                retriable = hopeful or (isinstance(error, RotascopeError) and error.retriable)
                if not retriable:
                    self._failure = error
                    self.changed.notify_all()
                    return
                self._last_error = str(error).splitlines()[0]
                self._look()
                until_s = self._monotonic_s() + self._backoff.next_ms(slow=False) / 1000
                while not self._closing and (left_s := until_s - self._monotonic_s()) > 0:
                    self.changed.wait(left_s)
            return
        with self.changed:
            if not self._closing:
                self._client = client
                self.has_connected = True
                self._generation += 1
                self.changed.notify_all()
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
        with self.changed:
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
            self.changed.notify_all()

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
