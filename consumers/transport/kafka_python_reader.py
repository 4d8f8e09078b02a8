"""The reading half of the kafka-python transport: positions, records and the group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import TopicPartition
from kafka.errors import IllegalStateError
from kafka.structs import OffsetAndMetadata
from typing_extensions import override

from consumers.transport.kafka_python_answers import KafkaPythonAnswerCount
from consumers.transport.kafka_python_client import connected_consumer, require_crc32c
from consumers.transport.kafka_python_group import JOIN_POLL_MS, AssignmentLog, keep_join, membership_of
from consumers.transport.seam import RECONNECT_MS, AssignmentChange, Membership, Transport
from core.kafka.clients import addresses_of, close_consumer, fresh_client_answers
from core.kafka.errors import translated
from core.kafka.kafka_python import record_of
from core.kafka.missing_topics import no_such_topic
from core.kafka.records import Committed, Record
from core.kafka.security import while_files_are_replaced
from core.kafka.topic_rights import require_visible
from core.model.errors import TransportError
from core.model.settings import KafkaSettings, WorkerSettings
from core.runtime.deadline import DeadlineCall


class KafkaPythonReader(Transport):
    """One consumer, assigned directly or by the group. Each method: see `Transport`.

    Args:
        settings: Addresses, sizes and time-outs.
        worker: Group and membership.
        client_id: Name of this client in the broker's logs.
        connected: Whether to connect at once.

    Raises:
        ConfigurationError: The crc32c extension is missing, without which kafka-python runs 30 times
            slower; or an address is invalid.
        TransportError: No broker answers within `bootstrap_timeout_ms`.
    """

    def __init__(
        self, settings: KafkaSettings, worker: WorkerSettings, client_id: str, *, connected: bool
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
        self._answers = KafkaPythonAnswerCount()
        self._consumer: Any = None
        if connected:
            self.connect(settings.bootstrap_timeout_ms)

    @override
    def connect(self, timeout_ms: int) -> None:
        if self._consumer is None:
            self._consumer = self._connected(timeout_ms)

    @override
    def answers(self) -> int:
        return self._answers.count

    @override
    def fresh_client_answers(self, timeout_ms: int) -> bool:
        return fresh_client_answers(self._settings, timeout_ms)

    @override
    def partitions(self, topic: str) -> int:
        """Kafka-python waits for the answer without any limit."""
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

    @override
    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        self._topic = topic
        self._assigned = tuple(partitions)
        self._assign()

    @override
    def subscribe(self, topic: str) -> None:
        self._topic = topic
        self._subscribed = True
        self._log = AssignmentLog(self._hold_new)
        self._join()

    @override
    def assignment_changes(self) -> list[AssignmentChange]:
        return self._log.drain()

    @override
    def membership(self) -> Membership | None:
        return self._membership

    @override
    def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
        try:
            with translated("poll", self._topic):
                if self._subscribed:
                    keep_join(self._consumer)
                batches = self._consumer.poll(timeout_ms=timeout_ms, max_records=max_records)
                if self._subscribed and not batches and self._may_be_joining():
                    keep_join(self._consumer)
                    batches = self._consumer.poll(timeout_ms=JOIN_POLL_MS, max_records=max_records)
        finally:
            # Only here: a member that was paused and expelled learns of it between two polls, and the
            # broker would accept the metadata that it reads then.
            if self._subscribed:
                self._membership = membership_of(self._consumer.group_metadata())
        return {place.partition: [record_of(raw) for raw in batch] for place, batch in batches.items()}

    @override
    def seek(self, partition: int, offset: int) -> None:
        place = self._place(partition)
        with translated("seek in", self._topic):
            if place not in self._consumer.assignment():
                raise IllegalStateError(f"partition {partition} is not assigned")
            self._consumer.seek(place, offset)
            self._consumer.resume(place)

    @override
    def hold(self, partition: int) -> None:
        place = self._place(partition)
        if place in self._consumer.assignment():
            self._consumer.pause(place)

    @override
    def position(self, partition: int) -> int:
        with translated("ask for the position in", self._topic):
            position = self._consumer.position(
                self._place(partition), timeout_ms=self._settings.request_timeout_ms
            )
        if position is None:
            raise TransportError(f"no position in partition {partition} of {self._topic}")
        return int(position)

    @override
    def end_seen(self, partition: int) -> int | None:
        try:
            highwater = self._consumer.highwater(self._place(partition))
        except IllegalStateError:
            return None
        return None if highwater is None else int(highwater)

    @override
    def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        place = self._place(partition)
        with translated("ask for the first offset of", self._topic):
            found = self._consumer.beginning_offsets([place], timeout_ms=self._patience_ms(timeout_ms))
        return int(found[place])

    @override
    def end_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        place = self._place(partition)
        with translated("ask for the last offset of", self._topic):
            found = self._consumer.end_offsets([place], timeout_ms=self._patience_ms(timeout_ms))
        return int(found[place])

    @override
    def committed(self, partition: int, *, timeout_ms: int | None = None) -> Committed | None:
        with translated("ask for the committed offset of", self._topic):
            found = self._consumer.committed(
                self._place(partition), metadata=True, timeout_ms=self._patience_ms(timeout_ms)
            )
        # A group without a commit is answered with offset -1 by some brokers.
        if found is None or found.offset < 0:
            return None
        return Committed(int(found.offset), found.metadata or "")

    @override
    def commit(self, offsets: Mapping[int, Committed]) -> None:
        with translated("commit offsets of", self._topic):
            self._consumer.commit(self._places(offsets), timeout_ms=self._settings.request_timeout_ms)

    @override
    def rebuild_consumer(self) -> None:
        with while_files_are_replaced():
            fresh = self._connected(min(self._settings.bootstrap_timeout_ms, RECONNECT_MS))
        self._log.lose_all()
        lost = self._log.drain()
        self._membership = None
        self._log = AssignmentLog(self._hold_new)
        self._log.begin_with(lost)
        close_consumer(self._consumer)
        self._consumer = fresh
        if self._subscribed:
            self._join()
        else:
            self._assign()

    def _leave(self) -> None:
        if self._consumer is not None:
            close_consumer(self._consumer)

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
