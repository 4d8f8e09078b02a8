"""The default transport: kafka-python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from consumers.kafka_python_client import (
    close_at_once,
    consumer_configuration,
    producer_configuration,
    require_crc32c,
    require_reachable,
    translated,
)
from consumers.transport import Committed, Headers, Record
from core.errors import TransportError
from core.settings import KafkaSettings


class KafkaPythonDelivery:
    """One kafka-python future, asked after a flush."""

    __slots__ = ("_future", "_topic")

    def __init__(self, future: Any, topic: str) -> None:
        self._future = future
        self._topic = topic

    def failure(self) -> str | None:
        """See `Delivery`."""
        if not self._future.is_done:
            return f"{self._topic}: no answer yet"
        if self._future.exception is not None:
            return f"{self._topic}: {self._future.exception!r}"
        return None


class KafkaPythonTransport:
    """One consumer with manual assignment and one idempotent producer.

    Args:
        settings: Addresses, sizes and time-outs.
        group_id: Under which offsets are committed.
        max_poll_records: Records a poll hands out at most; 50 instead of 500 halves throughput.
        client_id: What the broker's logs call this client.

    Raises:
        ConfigurationError: The crc32c extension is missing; kafka-python would run, 30 times slower.
        TransportError: No broker answers within `bootstrap_timeout_ms`.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        group_id: str,
        max_poll_records: int = 500,
        client_id: str = "rotascope-worker",
    ) -> None:
        require_crc32c()
        require_reachable(settings.bootstrap_servers, settings.bootstrap_timeout_ms)
        self._settings = settings
        self._client_id = client_id
        self._topic = ""
        with translated("connect to", settings.bootstrap_servers):
            self._consumer = KafkaConsumer(
                client_id=client_id,
                group_id=group_id,
                max_poll_records=max_poll_records,
                **consumer_configuration(settings),
            )
            try:
                self._consumer.bootstrap(timeout_ms=settings.bootstrap_timeout_ms)
                self._producer: Any = self._make_producer()
            except BaseException:
                self._consumer.close(autocommit=False, timeout_ms=0)
                raise

    def partitions(self, topic: str) -> int:
        """See `Transport`."""
        with translated("ask for topic", topic):
            known = self._consumer.partitions_for_topic(topic)
        if not known:
            raise TransportError(
                f"topic {topic!r} does not exist on {self._settings.bootstrap_servers}",
                operator_action="create the topics with 'rotascope topics apply', or check the address",
            )
        return len(known)

    def assign(self, topic: str, partitions: Sequence[int]) -> None:
        """See `Transport`."""
        self._topic = topic
        with translated("assign", topic):
            self._consumer.assign([TopicPartition(topic, partition) for partition in partitions])

    def poll(self, timeout_ms: int) -> dict[int, list[Record]]:
        """See `Transport`."""
        with translated("poll", self._topic):
            batches = self._consumer.poll(timeout_ms=timeout_ms)
        return {
            place.partition: [
                Record(
                    place.topic,
                    place.partition,
                    raw.offset,
                    raw.key,
                    raw.value or b"",
                    tuple(raw.headers),
                    raw.timestamp,
                )
                for raw in batch
            ]
            for place, batch in batches.items()
        }

    def seek(self, partition: int, offset: int) -> None:
        """See `Transport`."""
        self._consumer.seek(self._place(partition), offset)

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
        highwater = self._consumer.highwater(self._place(partition))
        return None if highwater is None else int(highwater)

    def begin_offset(self, partition: int) -> int:
        """See `Transport`."""
        place = self._place(partition)
        with translated("ask for the first offset of", self._topic):
            found = self._consumer.beginning_offsets([place], timeout_ms=self._settings.request_timeout_ms)
        return int(found[place])

    def end_offset(self, partition: int) -> int:
        """See `Transport`."""
        place = self._place(partition)
        with translated("ask for the last offset of", self._topic):
            found = self._consumer.end_offsets([place], timeout_ms=self._settings.request_timeout_ms)
        return int(found[place])

    def committed(self, partition: int) -> Committed | None:
        """See `Transport`."""
        with translated("ask for the committed offset of", self._topic):
            found = self._consumer.committed(
                self._place(partition), metadata=True, timeout_ms=self._settings.request_timeout_ms
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
        with translated("send to", topic):
            if self._producer is None:
                self._producer = self._make_producer()
            future = self._producer.send(
                topic, value=value, key=key, headers=list(headers), partition=partition
            )
        return KafkaPythonDelivery(future, topic)

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

    def commit(self, offsets: Mapping[int, Committed]) -> None:
        """See `Transport`."""
        with translated("commit offsets of", self._topic):
            self._consumer.commit(
                {
                    self._place(partition): OffsetAndMetadata(position.offset, position.metadata, -1)
                    for partition, position in offsets.items()
                },
                timeout_ms=self._settings.request_timeout_ms,
            )

    def close(self) -> None:
        """See `Transport`."""
        self.discard_sends()
        with suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=1_000)

    def _make_producer(self) -> Any:
        return KafkaProducer(client_id=self._client_id, **producer_configuration(self._settings))

    def _place(self, partition: int) -> Any:
        return TopicPartition(self._topic, partition)
