"""Settings of the connection to Kafka."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from core.model import topics
from core.model.kafka_security import ClientProperties, KafkaSecurity
from core.model.section import KIB, MIB, Milliseconds, SettingsSection


class KafkaSettings(SettingsSection):
    """Kafka connection and topic generation."""

    bootstrap_servers: str = Field(default="127.0.0.1:9092", description="host:port, comma-separated")
    client: Literal["kafka-python", "confluent"] = Field(
        default="kafka-python", description="the library behind the transport"
    )
    api_version: tuple[int, int] | None = Field(
        default=None, description="unset asks the broker; the demo's embedded broker needs [2, 3]"
    )
    partitions: int = Field(
        default=12, ge=1, le=1_024, description="partitions of the ticks topic; any other number is refused"
    )
    value_shards: int = Field(
        default=1,
        ge=1,
        le=1_024,
        description="partitions of the values topic, fixed for a generation; any other number is refused",
    )
    topic_generation: int = Field(default=1, ge=1, description="the number after `rotascope.ticks.v`")
    compression: Literal["none", "lz4", "gzip"] = Field(
        default="none", description="compression of sent records"
    )
    linger_ms: int = Field(default=2, ge=0, le=10_000, description="how long a batch waits for more records")
    batch_size_bytes: int = Field(default=256 * KIB, ge=1, description="bytes of a full batch")
    max_request_bytes: int = Field(
        default=2 * MIB,
        ge=64 * KIB,
        description="size of the largest request to a broker; a record that needs a larger one is refused",
    )
    fetch_max_wait_ms: Milliseconds = Field(
        default=100, description="how long the broker may delay an empty fetch response"
    )
    max_partition_fetch_bytes: int = Field(
        default=MIB,
        ge=KIB,
        description="1 to 4 MiB are equally fast; a response that takes too long is discarded as a whole",
    )
    bootstrap_timeout_ms: Milliseconds = Field(
        default=5_000,
        description="how long to look for a broker at start; a worker without --until waits without limit",
    )
    request_timeout_ms: Milliseconds = Field(default=10_000, description="timeout of one request")
    delivery_timeout_ms: Milliseconds = Field(
        default=15_000, description="time after which an unacknowledged record counts as failed"
    )
    patience_ms: Milliseconds = Field(
        default=120_000,
        description="how long a one-shot command (backfill, --until-end, demo) waits for an unreachable "
        "broker",
    )
    security: KafkaSecurity = KafkaSecurity()
    client_properties: ClientProperties = Field(
        default={}, description="further properties of the client, in the names of Kafka or librdkafka"
    )

    @property
    def ticks_topic(self) -> str:
        """The ticks topic of this generation."""
        return topics.ticks_topic(self.topic_generation)

    @property
    def snapshots_topic(self) -> str:
        """The snapshots topic of this generation."""
        return topics.snapshots_topic(self.topic_generation)

    @property
    def values_topic(self) -> str:
        """The values topic of this generation."""
        return topics.values_topic(self.topic_generation)
