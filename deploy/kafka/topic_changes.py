"""How a cluster differs from the topics of the topics file.

Pure: compares the wanted with the existing state and returns a list of changes. `cluster.py`
communicates with the broker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from deploy.kafka.topics import Topic


class TopicChangeKind(StrEnum):
    """Action of `apply` for a difference."""

    CREATE = "create"
    CONFIGURE = "configure"
    GROW = "grow"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between `topics.yaml` and the cluster.

    Args:
        kind: Action of `apply`; `refuse` means that manual action is needed.
        topic: Topic name.
        setting: Differing setting: `topic`, `partitions`, `replication_factor` or a Kafka setting.
        current: The cluster's value; empty if there is none.
        wanted: The wanted value.
        operator_action: For a refusal, the manual action.
    """

    kind: TopicChangeKind
    topic: str
    setting: str
    current: str
    wanted: str
    operator_action: str | None = None


def plan(wanted: Iterable[Topic], existing: Mapping[str, Topic]) -> list[Change]:
    """List the differences between a cluster and the wanted topics.

    Settings that the file does not name are left to the cluster and never differ.

    Args:
        wanted: The wanted topics.
        existing: The cluster's topics by name.

    Returns:
        The changes, in the order of `wanted`; empty if there are none.
    """
    changes: list[Change] = []
    for topic in wanted:
        current = existing.get(topic.name)
        if current is None:
            wanted_text = f"{topic.partitions} partitions, {topic.config['cleanup.policy']}"
            changes.append(Change(TopicChangeKind.CREATE, topic.name, "topic", "", wanted_text))
        else:
            changes.extend(_differences(topic, current))
    return changes


def _differences(topic: Topic, current: Topic) -> Iterable[Change]:
    if topic.generation_bound and not topic.versioned:
        # Shared by all generations: sized for the largest, because partitions cannot be removed.
        if current.partitions < topic.partitions:
            yield Change(
                TopicChangeKind.GROW, topic.name, "partitions", str(current.partitions), str(topic.partitions)
            )
    elif current.partitions != topic.partitions:
        yield Change(
            TopicChangeKind.REFUSE,
            topic.name,
            "partitions",
            str(current.partitions),
            str(topic.partitions),
            operator_action=_repartition_action(topic, current),
        )
    if topic.replication_factor not in (None, current.replication_factor):
        yield Change(
            TopicChangeKind.REFUSE,
            topic.name,
            "replication_factor",
            str(current.replication_factor),
            str(topic.replication_factor),
            operator_action="reassign the partitions with the cluster's own tools, then run this again",
        )
    for name, value in sorted(topic.config.items()):
        if current.config.get(name) != value:
            yield Change(TopicChangeKind.CONFIGURE, topic.name, name, current.config.get(name, ""), value)


def _repartition_action(topic: Topic, current: Topic) -> str:
    if topic.generation_bound:
        return (
            f"the number of partitions is fixed per generation: run with --partitions {current.partitions}, "
            "or start a new generation; 'rotascope topics migrate' lists the steps"
        )
    if topic.sharded:
        return (
            f"the number of shards is fixed per generation: set kafka.value_shards to {current.partitions}, "
            "or start a new generation; 'rotascope topics migrate' lists the steps"
        )
    return (
        f"a different number would move keys to other partitions: set partitions: {current.partitions} "
        "in the topics file, or drain and delete the topic first"
    )
