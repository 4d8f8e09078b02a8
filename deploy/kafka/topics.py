"""Rotascope's topics: the content of `topics.yaml`, with all values resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from core.model.errors import ConfigurationError
from core.model.kafka_settings import KafkaSettings
from core.model.topics import FIRST_GENERATION, TICKS_PREFIX

TOPICS_FILE = Path(__file__).resolve().parent / "topics.yaml"
DAY_MS = 86_400_000

# The broker limits batches, not records: our producers send batches of up to 256 KB and snapshot chunks of
# 512 KB, so one mebibyte admits all intended batches and rejects others.
MAX_MESSAGE_BYTES = 1_048_576

# Retention by append time. With producer timestamps, a replay of 2013 would be old enough to be deleted as
# soon as it is written.
TIMESTAMP_TYPE = "LogAppendTime"

Compression = Literal["producer", "uncompressed", "lz4", "gzip"]
"""Allowed compression types: only codecs that every client reads as installed by Rotascope."""

TICKS_RETENTION_DAYS = 8


class TopicSpec(BaseModel):
    """One topic, as written in `topics.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^rotascope\.[a-z0-9.-]+$", max_length=249)]
    purpose: Annotated[str, Field(min_length=1)]
    key: Annotated[str, Field(min_length=1)]
    partitions: PositiveInt | Literal["generation", "shards"]
    cleanup: Literal["delete", "compact"]
    retention_days: PositiveInt | None = None
    max_message_bytes: PositiveInt = MAX_MESSAGE_BYTES
    compression: Compression | None = None
    config: Mapping[str, str | int | float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _retention_fits(self) -> Self:
        if self.cleanup == "delete" and self.retention_days is None:
            raise ValueError("cleanup 'delete' needs retention_days")
        if self.cleanup == "compact" and self.retention_days is not None:
            raise ValueError("a compacted topic keeps the last record of each key; drop retention_days")
        if self.name.startswith(TICKS_PREFIX) and (self.retention_days or 0) < TICKS_RETENTION_DAYS:
            raise ValueError(f"ticks are kept for at least {TICKS_RETENTION_DAYS} days")
        own = {"cleanup.policy", "retention.ms", "max.message.bytes", "compression.type"}
        managed = sorted(own & set(self.config))
        if managed:
            raise ValueError(f"config repeats {', '.join(managed)}, which have their own fields")
        return self


class TopicFile(BaseModel):
    """Content of `topics.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generation_partitions: PositiveInt
    replication_factor: PositiveInt | Literal["broker-default"]
    compression: Compression = "producer"
    topics: Annotated[tuple[TopicSpec, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [topic.name for topic in self.topics]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return self


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic with all values resolved, in the broker's terms.

    Args:
        name: Topic name.
        partitions: Number of partitions.
        replication_factor: Replicas of each partition; None for the cluster's default.
        config: Settings by Kafka's names, with values as the broker prints them.
        generation_bound: Whether it is partitioned like the ticks topic.
        versioned: Whether each generation of the ticks topic has its own.
        sharded: Whether it has a partition for each shard of values.
    """

    name: str
    partitions: int
    replication_factor: int | None
    config: Mapping[str, str]
    generation_bound: bool = False
    versioned: bool = False
    sharded: bool = False


def parse_topics(text: str) -> TopicFile:
    """Parse and validate the text of a `topics.yaml`.

    Args:
        text: YAML.

    Returns:
        The topics as written.

    Raises:
        ConfigurationError: It is not YAML, or an entry violates a rule; the message names the entry.
    """
    try:
        return TopicFile.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"topics file is not YAML: {error}") from error
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'file'}: {problem['msg']}"
            for problem in error.errors()
        )
        raise ConfigurationError(
            f"topics file: {problems}", operator_action="correct the entries named above"
        ) from error


def load_topics(
    path: Path = TOPICS_FILE,
    *,
    partitions: int | None = None,
    value_shards: int | None = None,
    replication_factor: int | None = None,
    generation: int = 1,
) -> tuple[Topic, ...]:
    """Read a topics file and resolve all values.

    Args:
        path: The file.
        partitions: Number of partitions of this generation, instead of the file's.
        value_shards: Number of partitions of the values topic; None for the default of the settings.
        replication_factor: Instead of the file's.
        generation: Generation of the ticks topic: the number after `rotascope.ticks.v`.

    Returns:
        The topics in the file's order.

    Raises:
        ConfigurationError: The file is unreadable or invalid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"topics file {path}: {error.strerror}") from error
    return resolve(
        parse_topics(text),
        partitions=partitions,
        value_shards=value_shards,
        replication_factor=replication_factor,
        generation=generation,
    )


def resolve(
    file: TopicFile,
    *,
    partitions: int | None = None,
    value_shards: int | None = None,
    replication_factor: int | None = None,
    generation: int = 1,
) -> tuple[Topic, ...]:
    """Resolve all values of a parsed file; see `load_topics`."""
    count = file.generation_partitions if partitions is None else partitions
    copies = replication_factor
    if copies is None and file.replication_factor != "broker-default":
        copies = file.replication_factor
    shards = KafkaSettings().value_shards if value_shards is None else value_shards
    numbers = {"generation": count, "shards": shards}
    return tuple(_resolve_one(spec, numbers, copies, generation, file.compression) for spec in file.topics)


def _resolve_one(
    spec: TopicSpec,
    numbers: Mapping[str, int],
    replication_factor: int | None,
    generation: int,
    compression: Compression,
) -> Topic:
    config = {
        "cleanup.policy": spec.cleanup,
        "compression.type": spec.compression or compression,
        "max.message.bytes": str(spec.max_message_bytes),
        "message.timestamp.type": TIMESTAMP_TYPE,
    }
    if spec.retention_days is not None:
        config["retention.ms"] = str(spec.retention_days * DAY_MS)
    if replication_factor is not None:
        # All replicas but one must have a record before it is acknowledged: one broker may fail without loss.
        config["min.insync.replicas"] = str(max(1, replication_factor - 1))
    config.update({name: str(value) for name, value in spec.config.items()})
    generation_bound = spec.partitions == "generation"
    versioned = spec.name.endswith(FIRST_GENERATION)
    return Topic(
        name=spec.name.removesuffix(FIRST_GENERATION) + f".v{generation}" if versioned else spec.name,
        partitions=numbers[spec.partitions] if isinstance(spec.partitions, str) else spec.partitions,
        replication_factor=replication_factor,
        config=config,
        generation_bound=generation_bound,
        versioned=versioned,
        sharded=spec.partitions == "shards",
    )
