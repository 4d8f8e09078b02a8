"""confluent-kafka (librdkafka) behind the producers' seam, beside kafka-python."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from core.kafka.broker_errors import CHECK_BROKER
from core.kafka.clients import require_reachable
from core.kafka.confluent import producer_configuration
from core.kafka.confluent_errors import failed, not_delivered, translated
from core.kafka.confluent_first import require_first_answer
from core.kafka.confluent_refusals import ConfluentRefusals
from core.kafka.missing_topics import no_such_topic
from core.kafka.tls import tls_context
from core.model.errors import TransportError
from core.model.settings import KafkaSettings

_ANY_PARTITION: Final = -1
_POLL_S: Final = 0.05
_CAUSE_S: Final = 1.0
_NEVER_S: Final = -1.0
_GIVEN_UP: Final = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)


class Sent:
    """The fate of one record, told to whoever asked, on a thread of the sender.

    Args:
        topic: Where it goes.
        size_bytes: Of key and value.
        since_s: When it was queued, monotonic.
        reported: Takes the record once its delivery report is there; `settle` reads the report.
    """

    def __init__(self, topic: str, size_bytes: int, since_s: float, reported: deque[Sent]) -> None:
        self.since_s = since_s
        self._topic = topic
        self._size_bytes = size_bytes
        self._reported = reported
        self._report: KafkaError | None = None
        self._lock = threading.Lock()
        self._done = False
        self._error: TransportError | None = None
        self._callbacks: list[Callable[[], None]] = []

    def add_callback(self, callback: Callable[[Any], object]) -> None:
        """Call back once the broker has acknowledged it."""
        self._add(lambda: callback(None) if self._error is None else None)

    def add_errback(self, errback: Callable[[BaseException], object]) -> None:
        """Call back with the error, once it is known that it was not delivered."""
        self._add(lambda: None if self._error is None else errback(self._error))

    @property
    def is_done(self) -> bool:
        """Whether its fate is known."""
        return self._done

    @property
    def error(self) -> TransportError | None:
        """Why it was not delivered, once that is known."""
        return self._error

    def done(self, error: KafkaError | None, _message: object) -> None:
        """Take the delivery report; nothing else may be done here.

        The wrapper calls this with librdkafka's fatal error still pending in the interpreter, where one
        came just before. The first call of a C function then takes effect and raises SystemError.
        """
        self._report = error
        self._reported.append(self)

    def settle(self) -> None:
        """Call back with what the delivery report says."""
        with self._lock:
            self._error = None if self._report is None else self._failure(self._report)
            self._done = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def _failure(self, error: KafkaError) -> TransportError:
        if error.code() not in _GIVEN_UP:
            return not_delivered(self._topic, error, self._size_bytes)
        waited_s = time.monotonic() - self.since_s
        return TransportError(
            f"a record of {self._size_bytes:,} bytes was not delivered to {self._topic} in {waited_s:.1f} s",
            operator_action=CHECK_BROKER,
        )

    def _add(self, callback: Callable[[], object]) -> None:
        with self._lock:
            if not self._done:
                self._callbacks.append(lambda: (callback(), None)[1])
                return
        callback()


class ConfluentSender:
    """Sends records in the order of each partition, and stops for good at the first that is not delivered.

    librdkafka gives up one record after the other, and may send the next one meanwhile: it would overtake
    those that a new client sends again. So the time-out is kept here, and then nothing more is sent at all.

    Args:
        settings: Addresses, sizes, time-outs and security.
        client_id: What the broker's logs call it.

    Raises:
        AccessRefusedError: Credentials or a certificate are refused.
        ConfigurationError: An address that is none, or a file of the security.
        TransportError: No broker answers.
    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        timeout_ms = settings.bootstrap_timeout_ms
        self._settings = settings
        self._refusals = ConfluentRefusals(settings)
        require_reachable(settings.bootstrap_servers, timeout_ms, tls_context(settings.security))
        # A record that a broker refuses ends the client, too; its own time-out would not (0 is none).
        own = {"enable.gapless.guarantee": True, "delivery.timeout.ms": 0}
        with translated("connect to", settings.bootstrap_servers):
            self._producer = Producer(producer_configuration(settings, client_id, self._refusals) | own)
            require_first_answer(self._producer, settings, self._refusals, timeout_ms)
        self._delivery_s = settings.delivery_timeout_ms / 1000
        self._waiting: deque[Sent] = deque()
        self._reported: deque[Sent] = deque()
        self._failure: TransportError | None = None
        self._failed = threading.Event()
        self._gate = threading.Lock()
        self._halted = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="rotascope-sender", daemon=True)
        self._thread.start()

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        partition: int | None = None,
    ) -> Sent:
        """Queue one record.

        Raises:
            TransportError: The client takes none any more.
        """
        size_bytes = len(value) + len(key or b"")
        sent = Sent(topic, size_bytes, time.monotonic(), self._reported)
        with self._gate:
            if self._halted:
                raise TransportError(f"a record was not delivered to {topic}: the client has been given up")
            try:
                self._producer.produce(
                    topic,
                    value=value,
                    key=key,
                    headers=list(headers or ()),
                    partition=_ANY_PARTITION if partition is None else partition,
                    on_delivery=sent.done,
                )
            except KafkaException as raised:
                refused = raised
            except BufferError as error:
                raise TransportError(f"the client has no room for a record to {topic}") from error
            else:
                self._waiting.append(sent)
                return sent
        raise self._why_refused(topic, refused.args[0], size_bytes) from refused

    def flush(self, timeout: float | None = None) -> None:
        """Wait for everything queued, or until the time is over; each record has its own report."""
        # A record that a broker refuses is fatal for this client, and surfaces in whichever call comes next.
        with suppress(KafkaException, SystemError):
            self._producer.flush(_NEVER_S if timeout is None else timeout)
        self._settle()

    def partitions_for(self, topic: str) -> set[int]:
        """Ask for the partitions of a topic.

        Raises:
            TransportError: It is not there, or the broker does not say.
        """
        with translated("ask for topic", topic):
            timeout_s = self._settings.request_timeout_ms / 1000
            found = self._producer.list_topics(topic, timeout=timeout_s).topics[topic]
        if found.error is not None and found.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise failed("ask for topic", topic, found.error)
        if not found.partitions:
            raise no_such_topic(topic, self._settings, retriable=True)
        return set(found.partitions)

    def halt(self) -> None:
        """Send nothing more: what has not been sent fails. From any thread, callbacks included."""
        with self._gate:
            self._halted = True
            with suppress(KafkaException, SystemError):
                self._producer.purge(blocking=False)

    def close(self, timeout: float | None = None) -> None:
        """Release sockets and threads; what has not been sent fails."""
        self.halt()
        self._closed.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def _serve(self) -> None:
        """Let librdkafka call back."""
        while not self._closed.is_set():
            with suppress(KafkaException, SystemError):
                self._producer.poll(_POLL_S)
            self._settle()
            while self._waiting and self._waiting[0].is_done:
                self._waiting.popleft()
            if self._waiting and time.monotonic() - self._waiting[0].since_s > self._delivery_s:
                self.halt()
        with suppress(KafkaException, SystemError):
            self._producer.poll(0)
        self._settle()

    def _why_refused(self, topic: str, error: KafkaError, size_bytes: int) -> TransportError:
        """Find the reason why a record is not taken; outside the gate, which callbacks may need.

        After a fatal error librdkafka says no more than that there was one: the delivery report of the
        record that caused it has the reason.
        """
        if error.code() == KafkaError._FATAL and self._failed.wait(_CAUSE_S) and self._failure is not None:
            return self._failure
        return not_delivered(topic, error, size_bytes)

    def _settle(self) -> None:
        """Tell the fate of each record whose report has come; any number of threads may do so."""
        while self._reported:
            try:
                sent = self._reported.popleft()
            except IndexError:  # another thread has taken it
                return
            sent.settle()
            if sent.error is not None and not self._failed.is_set():
                self._failure = sent.error
                self._failed.set()
