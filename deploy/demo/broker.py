"""The demo's broker: embedded in this process, or a real one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.kafka.kafka_python import EMBEDDED_API_VERSION
from core.model.errors import ConfigurationError
from core.model.settings import KafkaSettings
from core.runtime.settings import SETTINGS_VARIABLE, collect_kafka
from deploy.demo.readings import end_offsets
from deploy.kafka.cluster import apply, connect
from deploy.kafka.topics import load_topics
from deploy.local.embedded_broker import (
    EMBEDDED_FETCH_MAX_WAIT_MS,
    EMBEDDED_PARTITIONS,
    EmbeddedBroker,
)
from producers.feeds import feed_sections

DEMO_PARTITIONS: Final = EMBEDDED_PARTITIONS
"""The same number on a real broker, so that the output does not depend on the broker."""

PATIENCE_MS: Final = 300_000
"""How long to wait for a real broker that becomes unreachable."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that is ready for the demo.

    Args:
        name: Display name.
        kafka: Kafka settings of this process.
        producer_flags: Flags for `rotascope produce`.
        worker_flags: Flags for `rotascope consume`.
        tail_flags: Flags for a user's `rotascope events tail`.
    """

    name: str
    kafka: KafkaSettings
    producer_flags: tuple[str, ...]
    worker_flags: tuple[str, ...]
    tail_flags: tuple[str, ...]


@contextmanager
def embedded_broker() -> Iterator[Broker]:
    """Start a broker in this process; leaving the context discards it with its data."""
    with EmbeddedBroker([topic.name for topic in load_topics()]) as broker:
        servers = broker.bootstrap_servers
        version = ".".join(map(str, EMBEDDED_API_VERSION))
        reach = ("--bootstrap-servers", servers, "--partitions", str(DEMO_PARTITIONS))
        embedded = (*reach, "--broker-api-version", version)
        yield Broker(
            f"embedded broker at {servers}",
            KafkaSettings(
                bootstrap_servers=servers,
                api_version=EMBEDDED_API_VERSION,
                partitions=DEMO_PARTITIONS,
                fetch_max_wait_ms=EMBEDDED_FETCH_MAX_WAIT_MS,
            ),
            embedded,
            # It has no transactions, loses compacted records, and group joins take half a minute. Values of
            # eight days are more than it keeps.
            (
                *(*embedded, "--fetch-max-wait-ms", str(EMBEDDED_FETCH_MAX_WAIT_MS)),
                *("--membership", "manual", "--delivery", "at-least-once", "--snapshot-interval-ms", "0"),
                "--no-publish-values",
            ),
            ("--bootstrap-servers", servers, "--embedded"),
        )


def real_broker(bootstrap_servers: str, *, group_id: str) -> Broker:
    """Prepare a real broker: apply the topics, and refuse a log that is not empty.

    Args:
        bootstrap_servers: host:port, comma-separated.
        group_id: Consumer group of the worker.

    Raises:
        ConfigurationError: The topics have another number of partitions, or there are ticks.
        TransportError: The broker does not answer.
    """
    # The programs that the demo starts read the same file and the same environment.
    file = os.environ.get(SETTINGS_VARIABLE)
    kafka = collect_kafka(
        Path(file) if file else None,
        bootstrap_servers,
        sections=feed_sections(),
        partitions=DEMO_PARTITIONS,
        patience_ms=PATIENCE_MS,
    )
    with connect(kafka) as client:
        apply(client, load_topics(partitions=DEMO_PARTITIONS, value_shards=kafka.value_shards))
    ends = end_offsets(kafka)
    if any(ends.values()):
        # Event time in a log never moves backwards, so a recording older than its end would be late.
        raise ConfigurationError(
            f"{kafka.ticks_topic} at {bootstrap_servers} is not empty "
            f"({sum(ends.values()):,} records); the demo needs an empty log",
            operator_action="use a cluster without these topics, or delete them first with the "
            "cluster's own tools",
        )
    reach = ("--bootstrap-servers", bootstrap_servers, "--partitions", str(DEMO_PARTITIONS))
    return Broker(
        f"Kafka at {bootstrap_servers}",
        kafka,
        reach,
        (*reach, "--group-id", group_id),
        ("--bootstrap-servers", bootstrap_servers),
    )
