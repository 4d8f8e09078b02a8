"""The transport with confluent-kafka, which is librdkafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import Producer
from typing_extensions import override

from consumers.transport.confluent_client import Sending, produce
from consumers.transport.confluent_reader import ConfluentReader
from consumers.transport.confluent_transactions import ConfluentTransactions
from consumers.transport.named_transactions import NamedTransactions
from consumers.transport.seam import Membership, Outcome, OutcomeKind
from core.kafka.confluent import producer_configuration
from core.kafka.confluent_clients import discard_producer
from core.kafka.confluent_errors import translated
from core.kafka.confluent_refusals import ConfluentRefusals
from core.kafka.records import Committed, Headers, OutgoingRecord
from core.model.settings import KafkaSettings, WorkerSettings


class ConfluentTransport(ConfluentReader):
    """One consumer, and a producer: transactional or only idempotent, as it is used.

    Args:
        settings: Addresses, sizes and time-outs.
        worker: Group, membership and slot.
        client_id: Name of this client in the broker's logs.
        connected: Whether to connect at once; else `connect` must come first.

    Raises:
        ConfigurationError: An address is not `host:port`.
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
        self._producer: Producer | None = None
        self._sending_refusals = ConfluentRefusals(settings)
        self._transactions = NamedTransactions(
            worker,
            lambda transactional_id: ConfluentTransactions(
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
    ) -> Sending:
        sending = Sending(topic, len(value) + len(key or b""))
        with translated("send to", topic):
            if self._producer is None:
                self._producer = Producer(
                    producer_configuration(self._settings, self._client_id, self._sending_refusals)
                )
            produce(self._producer, sending, topic, key, value, headers, partition)
            if (refusal := sending.refusal()) is not None:
                raise refusal
        return sending

    @override
    def flush(self, timeout_ms: int) -> None:
        if self._producer is not None:
            with translated("flush to", self._settings.bootstrap_servers):
                self._producer.flush(timeout_ms / 1000)
            self._sending_refusals.raise_any()

    @override
    def discard_sends(self) -> None:
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
        # Of a consumer that is no member this says the group's name, and never anything else.
        group = membership.handle if membership is not None else self._consumer.consumer_group_metadata()
        return self._transactions.get().transact(sends, self._places(offsets), group, deadline_ms)

    @override
    def sends_to(self, topics: Sequence[str]) -> None:
        """Librdkafka asks for all new topics of a batch together as it is."""

    @override
    def rebuild_producer(self, deadline_ms: int) -> None:
        self._transactions.get().rebuild(deadline_ms)

    @override
    def close(self) -> None:
        self.discard_sends()
        self._leave()
