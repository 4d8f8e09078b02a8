"""The reading half of the confluent-kafka transport: positions, records and the group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import (
    OFFSET_INVALID,
    Consumer,
    KafkaError,
    Message,
    TopicPartition,
)
from typing_extensions import override

from consumers.transport.confluent_answers import ConfluentAnswerCount
from consumers.transport.confluent_client import group_configuration
from consumers.transport.confluent_group import ConfluentGroup
from consumers.transport.confluent_records import metadata_of, record_of
from consumers.transport.seam import RECONNECT_MS, AssignmentChange, Membership, Transport
from core.kafka.clients import addresses_of
from core.kafka.confluent_clients import close, commit, connected_consumer, fresh_client_answers, seek
from core.kafka.confluent_errors import failed, lost_place, translated
from core.kafka.confluent_refusals import ConfluentRefusals
from core.kafka.missing_topics import no_such_topic
from core.kafka.records import Committed, Record
from core.kafka.security import while_files_are_replaced
from core.model.errors import TransportError
from core.model.settings import KafkaSettings, WorkerSettings


class ConfluentReader(Transport):
    """One consumer, assigned directly or by the group. Each method: see `Transport`.

    Args:
        settings: Addresses, sizes and time-outs.
        worker: Group and membership.
        client_id: Name of this client in the broker's logs.
        connected: Whether to connect at once.

    Raises:
        ConfigurationError: An address is not `host:port`.
        TransportError: No broker answers within `bootstrap_timeout_ms`.
    """

    def __init__(
        self, settings: KafkaSettings, worker: WorkerSettings, client_id: str, *, connected: bool
    ) -> None:
        addresses_of(settings.bootstrap_servers)
        self._settings = settings
        self._worker = worker
        self._client_id = client_id
        self._request_s = settings.request_timeout_ms / 1000
        self._topic = ""
        self._assigned: tuple[int, ...] = ()
        self._subscribed = False
        self._starts: dict[int, int] = {}
        self._sought: dict[int, int] = {}
        self._group = ConfluentGroup()
        self._membership: Membership | None = None
        self._failure: TransportError | None = None
        self._answers = ConfluentAnswerCount()
        self._connected = False
        self._consumer: Consumer
        self._refusals = ConfluentRefusals(settings)
        if connected:
            self.connect(settings.bootstrap_timeout_ms)

    @override
    def connect(self, timeout_ms: int) -> None:
        if not self._connected:
            self._consumer = self._connected_consumer(timeout_ms)
            self._connected = True

    @override
    def answers(self) -> int:
        return self._answers.count

    @override
    def fresh_client_answers(self, timeout_ms: int) -> bool:
        return fresh_client_answers(self._settings, timeout_ms)

    @override
    def partitions(self, topic: str) -> int:
        with translated("ask for topic", topic):
            found = self._consumer.list_topics(topic, timeout=self._request_s).topics[topic]
        self._answers.note()
        if found.error is not None and found.error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise failed("ask for topic", topic, found.error)
        if not found.partitions:
            raise no_such_topic(topic, self._settings)
        return len(found.partitions)

    @override
    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        self._topic = topic
        self._assigned = tuple(partitions)
        self._assign()

    @override
    def subscribe(self, topic: str) -> None:
        self._topic = topic
        self._subscribed = True
        self._join()

    @override
    def assignment_changes(self) -> list[AssignmentChange]:
        return self._group.drain()

    @override
    def membership(self) -> Membership | None:
        return self._membership

    @override
    def poll(self, timeout_ms: int, *, max_records: int | None = None) -> dict[int, list[Record]]:
        # librdkafka's batch call waits until the batch is full or the time is over: one record is
        # waited for, and what is there besides is taken along.
        self._raise_failure()
        self._begin()
        messages: list[Message] = []
        more = (max_records or self._worker.poll_max_records) - 1
        try:
            with translated("poll", self._topic):
                first = self._consumer.poll(timeout_ms / 1000)
                if first is not None:
                    messages.append(first)
                    messages += self._consumer.consume(more, 0) if more else ()
        except TransportError as error:
            # The records that were received will not be returned again, so the error waits.
            if not messages:
                raise
            self._failure = error
        finally:
            # Only here: the broker would accept the metadata that a paused and expelled member reads
            # later.
            if self._subscribed:
                self._membership = self._group.membership(self._consumer)
        batches: dict[int, list[Record]] = {}
        for message in messages:
            self._sort(message, batches)
        if not batches:
            self._refusals.raise_any()
            self._raise_failure()
        return batches

    @override
    def seek(self, partition: int, offset: int) -> None:
        self._sought[partition] = offset
        if partition in self._starts:
            self._starts[partition] = offset
            self._group.sought(partition)
            return
        if self._subscribed and partition not in self._group.held:
            raise TransportError(f"cannot seek in {self._topic}: partition {partition} is not assigned")
        place = self._place(partition, offset)
        with translated("seek in", self._topic):
            seek(self._consumer, place, self._request_s)
            if self._group.sought(partition):
                self._consumer.resume([place])

    @override
    def hold(self, partition: int) -> None:
        if partition not in self._starts:
            with translated("hold", self._topic):
                self._consumer.pause([self._place(partition)])
        self._group.hold(partition)

    @override
    def position(self, partition: int) -> int:
        with translated("ask for the position in", self._topic):
            (place,) = self._consumer.position([self._place(partition)])
        # Between a seek and the first record librdkafka has none.
        position = place.offset if place.offset >= 0 else self._sought.get(partition, -1)
        if position < 0:
            raise TransportError(f"no position in partition {partition} of {self._topic}")
        return position

    @override
    def end_seen(self, partition: int) -> int | None:
        with translated("look up the end of", self._topic):
            _, end = self._consumer.get_watermark_offsets(self._place(partition), cached=True)
        return end if end >= 0 else None

    @override
    def begin_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        return self._watermarks(partition, timeout_ms)[0]

    @override
    def end_offset(self, partition: int, *, timeout_ms: int | None = None) -> int:
        return self._watermarks(partition, timeout_ms)[1]

    @override
    def committed(self, partition: int, *, timeout_ms: int | None = None) -> Committed | None:
        timeout_s = self._request_s if timeout_ms is None else timeout_ms / 1000
        with translated("ask for the committed offset of", self._topic):
            (found,) = self._consumer.committed([self._place(partition)], timeout_s)
        if found.error is not None:
            raise failed("ask for the committed offset of", self._topic, found.error)
        self._answers.note()
        return None if found.offset < 0 else Committed(found.offset, metadata_of(found))

    @override
    def commit(self, offsets: Mapping[int, Committed]) -> None:
        commit(self._consumer, self._topic, self._places(offsets), self._settings.request_timeout_ms)

    @override
    def rebuild_consumer(self) -> None:
        with while_files_are_replaced():
            fresh = self._connected_consumer(min(self._settings.bootstrap_timeout_ms, RECONNECT_MS))
        self._group.lose_all()
        lost = self._group.drain()
        self._membership, self._failure = None, None
        self._leave()
        self._group = ConfluentGroup(lost)
        self._consumer = fresh
        if self._subscribed:
            self._join()
        else:
            self._assign()

    def _connected_consumer(self, timeout_ms: int) -> Consumer:
        refusals = ConfluentRefusals(self._settings)
        own = group_configuration(self._worker) | self._answers.configuration(self._worker.broker_silence_ms)
        consumer = connected_consumer(
            self._settings, self._client_id, own, refusals, timeout_ms, topic=self._topic
        )
        self._refusals = refusals
        self._answers.note()
        return consumer

    def _assign(self) -> None:
        """Remember what to assign: librdkafka fetches at once, so that is done at the first poll."""
        self._starts = dict.fromkeys(self._assigned, 0)
        for partition in self._assigned:
            self._group.hold(partition)

    def _join(self) -> None:
        with translated("subscribe to", self._topic):
            self._group.join(self._consumer, self._topic)

    def _leave(self) -> None:
        if self._connected:
            close(self._consumer)

    def _begin(self) -> None:
        """Assign directly, now that every partition has been sought."""
        if self._starts:
            with translated("assign", self._topic):
                self._consumer.assign([self._place(*start) for start in self._starts.items()])
                self._group.pause_unsought(self._consumer, self._topic, self._starts)
            self._starts = {}

    def _sort(self, message: Message, batches: dict[int, list[Record]]) -> None:
        """Put a record where it belongs; an error waits until the records before it are stepped."""
        error = message.error()
        if self._failure is not None and not self._failure.retriable:
            return  # Behind what was passed over, a record would be taken for the next one.
        if error is None:
            record = record_of(message)
            batches.setdefault(record.partition, []).append(record)
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._failure = lost_place("poll", self._topic, error.str())
        elif error.code() != KafkaError._MAX_POLL_EXCEEDED:
            of_group = error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED  # it names no group
            what = f"{self._topic} as group {self._worker.group_id}" if of_group else self._topic
            found = failed("poll", what, error)
            self._failure = found if self._failure is None or not found.retriable else self._failure

    def _raise_failure(self) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    def _watermarks(self, partition: int, timeout_ms: int | None) -> tuple[int, int]:
        timeout_s = self._request_s if timeout_ms is None else timeout_ms / 1000
        with translated("ask for the ends of", self._topic):
            found = self._consumer.get_watermark_offsets(self._place(partition), timeout_s)
        self._answers.note()
        return found

    def _places(self, offsets: Mapping[int, Committed]) -> list[TopicPartition]:
        return [
            TopicPartition(self._topic, partition, position.offset, position.metadata)
            for partition, position in offsets.items()
        ]

    def _place(self, partition: int, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._topic, partition, offset)
