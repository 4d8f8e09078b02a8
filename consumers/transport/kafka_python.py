"""The default transport: kafka-python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import (
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
)
from kafka.structs import OffsetAndMetadata

from consumers.transport.kafka_python_answers import AnswerCount
from consumers.transport.kafka_python_client import (
    KafkaPythonDelivery,
    close_at_once,
    connected_consumer,
    fresh_client_answers,
    leave,
    record_of,
    require_crc32c,
)
from consumers.transport.kafka_python_group import JOIN_POLL_MS, AssignmentLog, keep_join, membership_of
from consumers.transport.kafka_python_transactions import KafkaPythonTransactions
from consumers.transport.named_transactions import NamedTransactions
from consumers.transport.seam import (
    RECONNECT_MS,
    AssignmentChange,
    Membership,
    Outcome,
    OutcomeKind,
)
from core.kafka.clients import addresses_of, made
from core.kafka.errors import not_delivered, translated
from core.kafka.kafka_python import producer_configuration
from core.kafka.missing_topics import no_such_topic
from core.kafka.records import Committed, Headers, OutgoingRecord, Record
from core.kafka.security import while_files_are_replaced
from core.kafka.topic_rights import require_visible
from core.model.errors import TransportError
from core.model.settings import KafkaSettings, WorkerSettings
from core.runtime.deadline import DeadlineCall


class KafkaPythonTransport:
    """One consumer, and a producer: transactional or merely idempotent, as it is used.

    Args:
        settings: Addresses, sizes and time-outs.
        worker: Group, membership and slot.
        client_id: What the broker's logs call this client.

        connected: Whether to connect at once; else `connect` must come first.

    Raises:
        ConfigurationError: The crc32c extension is missing: kafka-python would run, 30 times slower. Or
            an address that is none.
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
        require_crc32c()
        addresses_of(settings.bootstrap_servers)
        self._settings = settings
        self._worker = worker
        self._client_id = client_id
        self._topic = ""
        self._assigned: tuple[int, ...] = ()
        self._subscribed = False
        self._membership: Membership | None = None
        self._log = AssignmentLog(lambda place: None)
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
        self._answers = AnswerCount()
        self._consumer: Any = None
        if connected:
            self.connect(settings.bootstrap_timeout_ms)

    def connect(self, timeout_ms: int) -> None:
        """See `Transport`."""
        if self._consumer is None:
            self._consumer = self._connected(timeout_ms)

    def answers(self) -> int:
        """See `Transport`."""
        return self._answers.count

    def fresh_client_answers(self, timeout_ms: int) -> bool:
        """See `Transport`."""
        return fresh_client_answers(self._settings, timeout_ms)

    def partitions(self, topic: str) -> int:
        """See `Transport`.

        kafka-python waits for the answer without any limit.
        """
        consumer = self._consumer
        call = DeadlineCall[Any](lambda call: _known_partitions(consumer, topic))
        with translated("ask for topic", topic):
            try:
                known = call.within(self._settings.request_timeout_ms)
            except TimeoutError as error:
                raise TransportError(f"cannot ask for topic {topic}: {error}") from error
        if not known:
            raise no_such_topic(topic, self._settings)
        return len(known)

    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        """See `Transport`."""
        self._topic = topic
        self._assigned = tuple(partitions)
        self._assign()
        self._transactions.of_partitions(topic, partitions)

    def subscribe(self, topic: str) -> None:
        """See `Transport`."""
        self._topic = topic
        self._subscribed = True
        self._log = AssignmentLog(self._hold_new)
        self._join()
        self._transactions.of_member()

    def assignment_changes(self) -> list[AssignmentChange]:
        """See `Transport`."""
        return self._log.drain()

    def membership(self) -> Membership | None:
        """See `Transport`."""
        return self._membership

    def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
        """See `Transport`."""
        try:
            with translated("poll", self._topic):
                if self._subscribed:
                    keep_join(self._consumer)
                batches = self._consumer.poll(timeout_ms=timeout_ms, max_records=max_records)
                if self._subscribed and not batches and self._may_be_joining():
                    keep_join(self._consumer)
                    batches = self._consumer.poll(timeout_ms=JOIN_POLL_MS, max_records=max_records)
        finally:
            # Here and nowhere else: a member that was stopped and thrown out learns of it between
            # two polls, and what it would read then is accepted by the broker.
            if self._subscribed:
                self._membership = membership_of(self._consumer.group_metadata())
        return {place.partition: [record_of(place, raw) for raw in batch] for place, batch in batches.items()}

    def seek(self, partition: int, offset: int) -> None:
        """See `Transport`."""
        place = self._place(partition)
        with translated("seek in", self._topic):
            if place not in self._consumer.assignment():
                raise IllegalStateError(f"partition {partition} is not assigned")
            self._consumer.seek(place, offset)
            self._consumer.resume(place)

    def hold(self, partition: int) -> None:
        """See `Transport`."""
        place = self._place(partition)
        if place in self._consumer.assignment():
            self._consumer.pause(place)

    def position(self, partition: int) -> int:
        """See `Transport`."""
        with translated("ask for the position in", self._topic):
            position = self._consumer.position(
                self._place(partition), timeout_ms=self._settings.request_timeout_ms
            )
        if position is None:
            raise TransportError(f"no position in partition {partition} of {self._topic}")
        return int(position)

    def end_seen(self, partition: int) -> int | None:
        """See `Transport`."""
        try:
            highwater = self._consumer.highwater(self._place(partition))
        except IllegalStateError:
            return None
        return None if highwater is None else int(highwater)

    def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        """See `Transport`."""
        place = self._place(partition)
        with translated("ask for the first offset of", self._topic):
            found = self._consumer.beginning_offsets([place], timeout_ms=self._patience_ms(timeout_ms))
        return int(found[place])

    def end_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        """See `Transport`."""
        place = self._place(partition)
        with translated("ask for the last offset of", self._topic):
            found = self._consumer.end_offsets([place], timeout_ms=self._patience_ms(timeout_ms))
        return int(found[place])

    def committed(self, partition: int, *, timeout_ms: int | None = None) -> Committed | None:
        """See `Transport`."""
        with translated("ask for the committed offset of", self._topic):
            found = self._consumer.committed(
                self._place(partition), metadata=True, timeout_ms=self._patience_ms(timeout_ms)
            )
        # A group without a commit is answered with offset -1 by some brokers.
        if found is None or found.offset < 0:
            return None
        return Committed(int(found.offset), found.metadata or "")

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        partition: int | None = None,
    ) -> KafkaPythonDelivery:
        """See `Transport`."""
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

    def flush(self, timeout_ms: int) -> None:
        """See `Transport`."""
        if self._producer is None:
            return
        try:
            with translated("flush to", self._settings.bootstrap_servers):
                self._producer.flush(timeout=timeout_ms / 1000)
        except TransportError as error:
            # A time-out is not news: each record's own delivery says what became of it.
            if not isinstance(error.__cause__, KafkaTimeoutError):
                raise

    def discard_sends(self) -> None:
        """See `Transport`.

        An idempotent producer of kafka-python 3.0.12 that lets a record expire asks for a new
        producer id and never gets it: from then on it accepts every record and sends none.
        """
        if self._producer is not None:
            producer, self._producer = self._producer, None
            close_at_once(producer)
        self._transactions.close()

    def commit(self, offsets: Mapping[int, Committed]) -> None:
        """See `Transport`."""
        with translated("commit offsets of", self._topic):
            self._consumer.commit(self._places(offsets), timeout_ms=self._settings.request_timeout_ms)

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
        return self._transactions.get().transact(
            sends,
            self._places(offsets),
            self._worker.group_id if membership is None else membership.handle,
            deadline_ms,
        )

    def sends_to(self, topics: Sequence[str]) -> None:
        """See `Transport`.

        A producer that is to know a topic that does not exist would ask for it ten times a second.
        """
        consumer = self._consumer
        call = DeadlineCall[set[str]](lambda call: set(consumer.topics()))
        with suppress(KafkaError, TimeoutError):
            found = call.within(self._settings.request_timeout_ms)
            self._transactions.get().topics = tuple(topic for topic in topics if topic in found)

    def rebuild_producer(self, deadline_ms: int) -> None:
        """See `Transport`."""
        self._transactions.get().rebuild(deadline_ms)

    def rebuild_consumer(self) -> None:
        """See `Transport`."""
        with while_files_are_replaced():
            fresh = self._connected(min(self._settings.bootstrap_timeout_ms, RECONNECT_MS))
        self._log.lose_all()
        lost = self._log.drain()
        self._membership = None
        self._log = AssignmentLog(self._hold_new)
        self._log.begin_with(lost)
        leave(self._consumer)
        self._consumer = fresh
        if self._subscribed:
            self._join()
        else:
            self._assign()

    def close(self) -> None:
        """See `Transport`."""
        self.discard_sends()
        if self._consumer is not None:
            leave(self._consumer)

    def _connected(self, timeout_ms: int) -> Any:
        consumer = connected_consumer(self._settings, self._worker, self._client_id, timeout_ms)
        self._answers.attach(consumer)
        return consumer

    def _assign(self) -> None:
        places = [self._place(partition) for partition in self._assigned]
        with translated("assign", self._topic):
            self._consumer.assign(places)
            for place in places:
                self._hold_new(place)

    def _join(self) -> None:
        with translated("subscribe to", self._topic):
            self._consumer.subscribe([self._topic], listener=self._log)

    def _make_producer(self) -> Any:
        return made(KafkaProducer, client_id=self._client_id, **producer_configuration(self._settings))

    def _may_be_joining(self) -> bool:
        # Without a partition the member has joined, but the topic may have become known only then,
        # and the join that follows has not begun.
        return membership_of(self._consumer.group_metadata()) is None or not self._consumer.assignment()

    def _hold_new(self, place: Any) -> None:
        """Give a new partition a position, or the client looks for one itself; and no records."""
        self._consumer.seek(place, 0)
        self._consumer.pause(place)

    def _patience_ms(self, timeout_ms: int | None) -> int:
        return self._settings.request_timeout_ms if timeout_ms is None else timeout_ms

    def _places(self, offsets: Mapping[int, Committed]) -> dict[Any, Any]:
        return {self._place(partition): OffsetAndMetadata(*each, -1) for partition, each in offsets.items()}

    def _place(self, partition: int) -> Any:
        return TopicPartition(self._topic, partition)


def _known_partitions(consumer: Any, topic: str) -> Any:
    known = consumer.partitions_for_topic(topic)
    if not known:
        require_visible(consumer, [topic])
    return known
