"""The topics of Rotascope: what `topics.yaml` asks for, and how a cluster differs from it.

Pure: no broker is spoken to here (`cluster.py` does that). A desired state and an existing
state go in, a list of changes comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from core.model.errors import ConfigurationError

TOPICS_FILE = Path(__file__).resolve().parent / "topics.yaml"
DAY_MS = 86_400_000

# The broker's limit is on a batch, not on a record: our producers send batches of up to 256 KB and snapshot
# chunks of 512 KB, so one mebibyte passes everything we mean to send and stops what we do not.
MAX_MESSAGE_BYTES = 1_048_576

# Retention by the time of arrival. With the producers' own times a replay of 2013 would be old enough to be
# deleted as soon as it is written.
TIMESTAMP_TYPE = "LogAppendTime"

Compression = Literal["producer", "uncompressed", "lz4", "gzip"]
"""What a broker may do with batches: only codecs that every client reads as Rotascope installs it."""

TICKS_PREFIX = "rotascope.ticks."
TICKS_RETENTION_DAYS = 8

FIRST_GENERATION = ".v1"
"""How the names end of the topics that each generation has anew."""


class TopicSpec(BaseModel):
    """One topic, as written in `topics.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^rotascope\.[a-z0-9.-]+$", max_length=249)]
    purpose: Annotated[str, Field(min_length=1)]
    key: Annotated[str, Field(min_length=1)]
    partitions: PositiveInt | Literal["generation"]
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
            raise ValueError(f"config repeats {', '.join(managed)}, which have fields of their own")
        return self


class TopicFile(BaseModel):
    """The whole of `topics.yaml`."""

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
    """A topic with every figure decided, in the broker's own terms.

    Args:
        name: Its name.
        partitions: How many.
        replication_factor: Copies of each partition; None leaves it to the cluster.
        config: Settings under Kafka's names, values as the broker prints them.
        generation_bound: Whether its partition numbers are those of the ticks.
        versioned: Whether each generation of the ticks has one of its own.
    """

    name: str
    partitions: int
    replication_factor: int | None
    config: Mapping[str, str]
    generation_bound: bool = False
    versioned: bool = False


class ChangeKind(StrEnum):
    """What `apply` would do about a difference."""

    CREATE = "create"
    CONFIGURE = "configure"
    GROW = "grow"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between `topics.yaml` and the cluster.

    Args:
        kind: What `apply` does about it; `refuse` means that only a person can.
        topic: The topic.
        setting: What differs: `topic`, `partitions`, `replication_factor` or a Kafka setting.
        current: The cluster's value; empty where there is none.
        wanted: Our value.
        operator_action: For a refusal, what to do instead.
    """

    kind: ChangeKind
    topic: str
    setting: str
    current: str
    wanted: str
    operator_action: str | None = None


def parse_topics(text: str) -> TopicFile:
    """Parse and check the text of a `topics.yaml`.

    Args:
        text: YAML.

    Returns:
        The topics as written.

    Raises:
        ConfigurationError: It is no YAML, or an entry breaks a rule; the text names the entry.
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
    replication_factor: int | None = None,
    generation: int = 1,
) -> tuple[Topic, ...]:
    """Read a topics file and decide every figure.

    Args:
        path: The file.
        partitions: N of this generation, in place of the file's.
        replication_factor: In place of the file's.
        generation: Of the ticks: the number behind `rotascope.ticks.v`.

    Returns:
        The topics in the file's order.

    Raises:
        ConfigurationError: The file cannot be read or used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"topics file {path}: {error.strerror}") from error
    return resolve(
        parse_topics(text),
        partitions=partitions,
        replication_factor=replication_factor,
        generation=generation,
    )


def resolve(
    file: TopicFile,
    *,
    partitions: int | None = None,
    replication_factor: int | None = None,
    generation: int = 1,
) -> tuple[Topic, ...]:
    """Decide every figure of a parsed file; see `load_topics`."""
    count = file.generation_partitions if partitions is None else partitions
    copies = replication_factor
    if copies is None and file.replication_factor != "broker-default":
        copies = file.replication_factor
    return tuple(_resolve_one(spec, count, copies, generation, file.compression) for spec in file.topics)


def _resolve_one(
    spec: TopicSpec,
    generation_partitions: int,
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
        # All but one must have a record before it counts as written: one broker may fail, no record is lost.
        config["min.insync.replicas"] = str(max(1, replication_factor - 1))
    config.update({name: str(value) for name, value in spec.config.items()})
    generation_bound = spec.partitions == "generation"
    versioned = spec.name.endswith(FIRST_GENERATION)
    return Topic(
        name=spec.name.removesuffix(FIRST_GENERATION) + f".v{generation}" if versioned else spec.name,
        partitions=generation_partitions if spec.partitions == "generation" else spec.partitions,
        replication_factor=replication_factor,
        config=config,
        generation_bound=generation_bound,
        versioned=versioned,
    )


def plan(wanted: Iterable[Topic], existing: Mapping[str, Topic]) -> list[Change]:
    """List what separates a cluster from the topics wanted.

    Settings the file does not name are the cluster's own business and never a difference.

    Args:
        wanted: The topics as they should be.
        existing: The cluster's topics by name.

    Returns:
        The changes, in the order of `wanted`; empty when there is nothing to do.
    """
    changes: list[Change] = []
    for topic in wanted:
        current = existing.get(topic.name)
        if current is None:
            wanted_text = f"{topic.partitions} partitions, {topic.config['cleanup.policy']}"
            changes.append(Change(ChangeKind.CREATE, topic.name, "topic", "", wanted_text))
        else:
            changes.extend(_differences(topic, current))
    return changes


def _differences(topic: Topic, current: Topic) -> Iterable[Change]:
    if topic.generation_bound and not topic.versioned:
        # Shared by all generations: as many as the largest of them, since none can be taken away.
        if current.partitions < topic.partitions:
            yield Change(
                ChangeKind.GROW, topic.name, "partitions", str(current.partitions), str(topic.partitions)
            )
    elif current.partitions != topic.partitions:
        yield Change(
            ChangeKind.REFUSE,
            topic.name,
            "partitions",
            str(current.partitions),
            str(topic.partitions),
            operator_action=_repartition_action(topic, current),
        )
    if topic.replication_factor not in (None, current.replication_factor):
        yield Change(
            ChangeKind.REFUSE,
            topic.name,
            "replication_factor",
            str(current.replication_factor),
            str(topic.replication_factor),
            operator_action="reassign the partitions with the cluster's own tools, then run this again",
        )
    for name, value in sorted(topic.config.items()):
        if current.config.get(name) != value:
            yield Change(ChangeKind.CONFIGURE, topic.name, name, current.config.get(name, ""), value)


def _repartition_action(topic: Topic, current: Topic) -> str:
    if topic.generation_bound:
        return (
            f"N is fixed per generation: run with --partitions {current.partitions}, "
            "or begin another generation: 'rotascope topics migrate' says how"
        )
    return (
        f"another count would move keys to other partitions: write partitions: {current.partitions} "
        "in the topics file, or drain and delete the topic first"
    )
