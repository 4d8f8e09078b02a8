"""The other transport: confluent-kafka, which is librdkafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import Producer

from consumers.transport.confluent_client import Sending, discard, produce
from consumers.transport.confluent_reader import ConfluentReader
from consumers.transport.confluent_transactions import ConfluentTransactions
from consumers.transport.named_transactions import NamedTransactions
from consumers.transport.seam import Membership, Outcome, OutcomeKind
from core.kafka.confluent import producer_configuration
from core.kafka.confluent_errors import translated
from core.kafka.confluent_refusals import ConfluentRefusals
from core.kafka.records import Committed, Headers, OutgoingRecord
from core.model.settings import KafkaSettings, WorkerSettings


class ConfluentTransport(ConfluentReader):
    """One consumer, and a producer: transactional or merely idempotent, as it is used.

    Args:
        settings: Addresses, sizes and time-outs.
        worker: Group, membership and slot.
        client_id: What the broker's logs call this client.

        connected: Whether to connect at once; else `connect` must come first.

    Raises:
        ConfigurationError: An address that is none.
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

    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        """See `Transport`."""
        super().assign(topic, partitions)
        self._transactions.of_partitions(topic, partitions)

    def subscribe(self, topic: str) -> None:
        """See `Transport`."""
        super().subscribe(topic)
        self._transactions.of_member()

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        partition: int | None = None,
    ) -> Sending:
        """See `Transport`."""
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

    def flush(self, timeout_ms: int) -> None:
        """See `Transport`."""
        if self._producer is not None:
            with translated("flush to", self._settings.bootstrap_servers):
                self._producer.flush(timeout_ms / 1000)
            self._sending_refusals.raise_any()

    def discard_sends(self) -> None:
        """See `Transport`."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            discard(producer)
        self._transactions.close()

    def transact(
        self,
        sends: Sequence[OutgoingRecord],
        offsets: Mapping[int, Committed],
        membership: Membership | None,
        deadline_ms: int,
    ) -> Outcome:
        """See `Transport`."""
        if self._subscribed and membership is None:
            return Outcome(OutcomeKind.FENCED, "not a stable member of the group")
        # Of a consumer that is no member this says the group's name, and never anything else.
        group = membership.handle if membership is not None else self._consumer.consumer_group_metadata()
        return self._transactions.get().transact(sends, self._places(offsets), group, deadline_ms)

    def sends_to(self, topics: Sequence[str]) -> None:
        """See `Transport`: librdkafka asks for all new topics of a batch together as it is."""

    def rebuild_producer(self, deadline_ms: int) -> None:
        """See `Transport`."""
        self._transactions.get().rebuild(deadline_ms)

    def close(self) -> None:
        """See `Transport`."""
        self.discard_sends()
        self._leave()
