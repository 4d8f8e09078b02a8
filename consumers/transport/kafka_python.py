"""The default transport: kafka-python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from typing_extensions import override

from consumers.transport.kafka_python_client import KafkaPythonDelivery
from consumers.transport.kafka_python_reader import KafkaPythonReader
from consumers.transport.kafka_python_transactions import KafkaPythonTransactions
from consumers.transport.named_transactions import NamedTransactions
from consumers.transport.seam import Membership, Outcome, OutcomeKind
from core.kafka.clients import discard_producer, made
from core.kafka.errors import not_delivered, translated
from core.kafka.kafka_python import producer_configuration
from core.kafka.records import Committed, Headers, OutgoingRecord
from core.model.errors import TransportError
from core.model.settings import KafkaSettings, WorkerSettings
from core.runtime.deadline import DeadlineCall


class KafkaPythonTransport(KafkaPythonReader):
    """One consumer, and a producer: transactional or only idempotent, as it is used.

    Args:
        settings: Addresses, sizes and time-outs.
        worker: Group, membership and slot.
        client_id: Name of this client in the broker's logs.
        connected: Whether to connect at once; else `connect` must come first.

    Raises:
        ConfigurationError: The crc32c extension is missing, without which kafka-python runs 30 times
            slower; or an address is invalid.
        TransportError: No broker answers within `bootstrap_timeout_ms`.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        worker: WorkerSettings,
        *,
        client_id: str = "rotascope-worker",
        connected: bool = True,
    ) -> None:
        super().__init__(settings, worker, client_id, connected=connected)
        self._producer: Any = None
        self._transactions = NamedTransactions(
            worker,
            lambda transactional_id: KafkaPythonTransactions(
                settings,
                transactional_id=transactional_id,
                timeout_ms=worker.transaction_timeout_ms,
                client_id=client_id,
            ),
        )

    @override
    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        super().assign(topic, partitions)
        self._transactions.of_partitions(topic, partitions)

    @override
    def subscribe(self, topic: str) -> None:
        super().subscribe(topic)
        self._transactions.of_member()

    @override
    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        partition: int | None = None,
    ) -> KafkaPythonDelivery:
        size_bytes = len(value) + len(key or b"")
        with translated("send to", topic):
            if self._producer is None:
                self._producer = self._make_producer()
            try:
                future = self._producer.send(
                    topic, value=value, key=key, headers=list(headers), partition=partition
                )
            except MessageSizeTooLargeError as error:
                raise not_delivered(topic, error, size_bytes) from error
        return KafkaPythonDelivery(future, topic, size_bytes)

    @override
    def flush(self, timeout_ms: int) -> None:
        if self._producer is None:
            return
        try:
            with translated("flush to", self._settings.bootstrap_servers):
                self._producer.flush(timeout=timeout_ms / 1000)
        except TransportError as error:
            # A time-out is not news: each record's own delivery says what became of it.
            if not isinstance(error.__cause__, KafkaTimeoutError):
                raise

    @override
    def discard_sends(self) -> None:
        # An idempotent producer of kafka-python 3.0.12 that lets a record expire asks for a new
        # producer id and never gets it: from then on it accepts every record and sends none.
        if self._producer is not None:
            producer, self._producer = self._producer, None
            discard_producer(producer)
        self._transactions.close()

    @override
    def transact(
        self,
        sends: Sequence[OutgoingRecord],
        offsets: Mapping[int, Committed],
        membership: Membership | None,
        deadline_ms: int,
    ) -> Outcome:
        if self._subscribed and membership is None:
            return Outcome(OutcomeKind.FENCED, "not a stable member of the group")
        return self._transactions.get().transact(
            sends,
            self._places(offsets),
            self._worker.group_id if membership is None else membership.handle,
            deadline_ms,
        )

    @override
    def sends_to(self, topics: Sequence[str]) -> None:
        """A producer that is to know a topic that does not exist would ask for it ten times a second."""
        consumer = self._consumer
        call = DeadlineCall[set[str]](lambda call: set(consumer.topics()))
        with suppress(KafkaError, TimeoutError):
            found = call.within(self._settings.request_timeout_ms)
            self._transactions.get().topics = tuple(topic for topic in topics if topic in found)

    @override
    def rebuild_producer(self, deadline_ms: int) -> None:
        self._transactions.get().rebuild(deadline_ms)

    @override
    def close(self) -> None:
        self.discard_sends()
        self._leave()

    def _make_producer(self) -> Any:
        return made(KafkaProducer, client_id=self._client_id, **producer_configuration(self._settings))
