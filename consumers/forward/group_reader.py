"""Reads the event topics as a member of a consumer group, with kafka-python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from consumers.forward.assignment import TakenPartitions
from consumers.transport.kafka_python_answers import KafkaPythonAnswerCount
from consumers.transport.kafka_python_client import group_configuration, require_crc32c
from consumers.transport.kafka_python_group import JOIN_POLL_MS, keep_join, membership_of
from core.kafka.clients import addresses_of, close_consumer, connect_consumer
from core.kafka.errors import translated
from core.kafka.kafka_python import consumer_configuration, record_of
from core.kafka.missing_topics import no_such_topic
from core.kafka.records import Record
from core.kafka.security import while_files_are_replaced
from core.kafka.topic_rights import require_visible
from core.model.errors import TransportError
from core.model.settings import KafkaSettings, WorkerSettings
from core.runtime.deadline import DeadlineCall

RECONNECT_MS: Final = 2_000
"""How long a new client may hold up the loop while it looks for a broker."""
_POSITION_MS: Final = 100
_COMMIT_MS: Final = 3_000
_END_MS: Final = 3_000


class GroupReader:
    """One consumer at a time. Records of aborted transactions are never seen.

    Args:
        settings: How to reach Kafka.
        group_id: The consumer group.
        topics: What is read; all of them must exist.
        from_beginning: Where to begin without a committed place: at the oldest record, or at the end.

    Raises:
        ConfigurationError: An address that is none, or the package crc32c is missing.
    """

    def __init__(
        self, settings: KafkaSettings, group_id: str, topics: Sequence[str], *, from_beginning: bool
    ) -> None:
        require_crc32c()
        addresses_of(settings.bootstrap_servers)
        self._settings = settings
        self._group_id = group_id
        self._topics = list(topics)
        self._reset = "earliest" if from_beginning else "latest"
        self._answers = KafkaPythonAnswerCount()
        self._taken = TakenPartitions()
        self._consumer: Any = None
        self.joined = False
        """Whether the last poll ended as a stable member of the group."""

    def connect(self, timeout_ms: int) -> None:
        """Connect, and join the group with the next polls; with a client in use, take its place.

        Raises:
            AccessRefusedError: Credentials, a certificate or a right are refused.
            TransportError: No broker answers in time, or a topic is missing; a client in use stays.
        """
        with while_files_are_replaced():
            fresh = self._connected(timeout_ms)
        try:
            self._require_topics(fresh)
            taken = TakenPartitions()
            with translated("subscribe to", ", ".join(self._topics)):
                fresh.subscribe(self._topics, listener=taken)
        except BaseException:
            close_consumer(fresh)
            raise
        old, self._consumer, self._taken = self._consumer, fresh, taken
        self.joined = False
        self._answers.attach(fresh)
        if old is not None:
            close_consumer(old)

    def close(self) -> None:
        """Leave the group; never raises."""
        if self._consumer is not None:
            close_consumer(self._consumer)

    def answers(self) -> int:
        """Number of answers of brokers so far."""
        return self._answers.count

    def poll(self, timeout_ms: int, *, paused: bool) -> list[Record]:
        """Take part in the group, and return what has come, in order within a partition.

        Args:
            timeout_ms: How long to wait for something to come.
            paused: Whether to fetch nothing; the group is served all the same.

        Raises:
            TransportError: The client's error.
        """
        consumer = self._consumer
        with translated("read in group", f"{self._group_id} from {self._settings.bootstrap_servers}"):
            self._pause(paused)
            keep_join(consumer)
            batches = consumer.poll(timeout_ms=timeout_ms)
            if not batches and not self._is_stable():
                keep_join(consumer)
                batches = consumer.poll(timeout_ms=JOIN_POLL_MS)
        self.joined = self._is_stable()
        return [record_of(raw) for part in sorted(batches) for raw in batches[part]]

    def taken(self) -> set[TopicPartition]:
        """Return the partitions that the group has taken away since the last call."""
        return self._taken.drain()

    def assigned(self) -> set[TopicPartition]:
        """Return the partitions that are ours."""
        return set(self._consumer.assignment())

    def positions(self) -> dict[TopicPartition, int]:
        """Return where each partition is read on, as far as the client knows.

        Raises:
            TransportError: The client's error.
        """
        found = {}
        with translated("ask for places of group", self._group_id):
            for part in sorted(self.assigned()):
                position = self._consumer.position(part, timeout_ms=_POSITION_MS)
                if position is None:
                    break  # the broker is away; every further question would wait, too
                found[part] = int(position)
        return found

    def deleted_before_read(self, part: TopicPartition) -> int:
        """Return how many offsets between the group's place and the oldest record are gone.

        Raises:
            TransportError: The client's error.
        """
        with translated("ask for the place of group", self._group_id):
            committed = self._consumer.committed(part, timeout_ms=_END_MS)
            if committed is None or committed < 0:
                return 0
            first = self._consumer.beginning_offsets([part], timeout_ms=_END_MS)[part]
        return max(0, int(first) - int(committed))

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store the next offset of each partition.

        Raises:
            TransportError: It is not stored; among others, while the group is being rebalanced.
        """
        places = {part: OffsetAndMetadata(offset, "", -1) for part, offset in offsets.items()}
        with translated("commit the place of group", self._group_id):
            self._consumer.commit(places, timeout_ms=_COMMIT_MS)

    def ends(self) -> dict[TopicPartition, int]:
        """Ask for the end of each of our partitions.

        Raises:
            TransportError: The client's error.
        """
        parts = sorted(self.assigned())
        if not parts:
            return {}
        with translated("ask for the ends of", "the event topics"):
            return dict(self._consumer.end_offsets(parts, timeout_ms=_END_MS))

    def _connected(self, timeout_ms: int) -> Any:
        own = {
            "client_id": "rotascope-forward",
            "group_id": self._group_id,
            "auto_offset_reset": self._reset,
        }
        worker = WorkerSettings(group_id=self._group_id)
        return connect_consumer(
            consumer_configuration(self._settings) | group_configuration(worker) | own, timeout_ms
        )

    def _require_topics(self, consumer: Any) -> None:
        """kafka-python waits for the answer without any limit, and asks for a missing topic without end."""
        call = DeadlineCall[set[str]](lambda call: _present(consumer, self._topics))
        with translated("look at", "the event topics"):
            try:
                present = call.within(self._settings.request_timeout_ms)
            except TimeoutError as error:
                raise TransportError(f"cannot look at the event topics: {error}") from error
        for topic in self._topics:
            if topic not in present:
                raise no_such_topic(topic, self._settings, retriable=True)

    def _is_stable(self) -> bool:
        return membership_of(self._consumer.group_metadata()) is not None

    def _pause(self, paused: bool) -> None:
        consumer = self._consumer
        if paused:
            consumer.pause(*(consumer.assignment() - consumer.paused()))
        elif stopped := consumer.paused():
            consumer.resume(*stopped)


def _present(consumer: Any, topics: Sequence[str]) -> set[str]:
    known = set(consumer.topics())
    require_visible(consumer, [topic for topic in topics if topic not in known])
    return known
