"""A Kafka broker inside this process, for the demo: librdkafka's mock cluster.

It needs only a Python package and starts at once. It is not suitable for real data: it keeps about
5 MB per partition and then silently drops the oldest records, exposes aborted transactions to
`read_committed` readers, and loses everything when the process ends. Correctness is tested, and
speed is measured, on Apache Kafka.

Client requirements: kafka-python with `api_version=EMBEDDED_API_VERSION`, manually assigned
partitions, and `fetch_max_wait_ms` of `EMBEDDED_FETCH_MAX_WAIT_MS`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final, Self

from confluent_kafka import KafkaException, Producer

from core.model.errors import ConfigurationError, TransportError
from core.model.frames import HEADER_BYTES
from core.model.records import TICK

EMBEDDED_PARTITIONS: Final = 4
"""The mock cluster creates every topic with this many; not configurable."""
EMBEDDED_FETCH_MAX_WAIT_MS: Final = 10
MAX_PARTITION_BYTES: Final = 4_000_000
"""Maximum input per partition; the mock cluster starts to drop at about 5 MB."""
RECORD_OVERHEAD_BYTES: Final = 160
"""Upper bound: record and batch headers of a frame in its own batch."""


class EmbeddedBroker:
    """One broker on a free loopback port, with its topics; discarded when the context is left.

    Args:
        topics: Names of the topics to create.
        timeout_ms: Time limit for the start.

    Raises:
        TransportError: It did not start in time.

    Example:
        >>> with EmbeddedBroker(["rotascope.ticks.v1"]) as broker:
        ...     host, port = broker.bootstrap_servers.split(":")
        >>> host
        '127.0.0.1'
    """

    def __init__(self, topics: Iterable[str], *, timeout_ms: int = 10_000) -> None:
        self._topics = tuple(topics)
        self._timeout_ms = timeout_ms
        self._cluster: Producer | None = None
        self.bootstrap_servers = ""

    def __enter__(self) -> Self:
        """Start the broker and create the topics."""
        # The cluster lives as long as the client that created it.
        cluster = self._cluster = Producer({"test.mock.num.brokers": 1, "log_level": 3})
        try:
            (broker,) = cluster.list_topics(timeout=self._timeout_ms / 1000).brokers.values()
            self.bootstrap_servers = f"{broker.host}:{broker.port}"
            for topic in self._topics:
                self._create(cluster, topic)
        except KafkaException as error:
            self._cluster = None
            raise TransportError(
                f"the embedded broker did not start: {error}",
                operator_action="try again, or pass --bootstrap-servers of a real broker",
            ) from error
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop the broker and discard its data."""
        self._cluster = None

    def _create(self, cluster: Producer, topic: str) -> None:
        """Create the topic by requesting its metadata: CreateTopics is not implemented."""
        deadline = time.monotonic() + self._timeout_ms / 1000
        while True:
            found = cluster.list_topics(topic, timeout=self._timeout_ms / 1000).topics[topic]
            if found.error is None and len(found.partitions) == EMBEDDED_PARTITIONS:
                return
            if time.monotonic() > deadline:
                raise TransportError(f"the embedded broker did not create {topic}: {found.error}")
            time.sleep(0.01)


def partition_bytes(*, ticks: int, frames: int) -> int:
    """Return the bytes that an input takes in a partition.

    Args:
        ticks: Records of TICK, marks included.
        frames: Frames that contain them; at worst one per tick.

    Example:
        >>> partition_bytes(ticks=512, frames=1)
        24768
    """
    return ticks * TICK.itemsize + frames * (HEADER_BYTES + RECORD_OVERHEAD_BYTES)


def require_input_fits(bytes_by_partition: Mapping[int, int]) -> None:
    """Refuse input whose beginning the embedded broker would drop.

    Args:
        bytes_by_partition: Partition → bytes, from `partition_bytes`.

    Raises:
        ConfigurationError: The input is too large; the message names the fullest partition.
    """
    if not bytes_by_partition:
        return
    partition, most = max(bytes_by_partition.items(), key=lambda item: item[1])
    if most > MAX_PARTITION_BYTES:
        raise ConfigurationError(
            f"the input fills partition {partition} with {most / 1e6:.1f} MB; "
            f"the embedded broker keeps {MAX_PARTITION_BYTES / 1e6:.0f} MB",
            operator_action="play fewer days or instruments, or pass --bootstrap-servers of a real broker",
        )
