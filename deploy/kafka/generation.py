"""Migration to a new generation of the ticks topic: the steps and their status on a cluster.

The number of partitions is fixed for a generation, so changing it needs a new generation with its own
topics, which starts at the end of a session from the daily bars. The status is read from the cluster
where possible; otherwise the operator must confirm it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError
from kafka.structs import OffsetAndMetadata

from core.model.errors import ConfigurationError
from core.model.topics import DAY_BARS_TOPIC, ticks_topic
from deploy.kafka.cluster import check, described_topics
from deploy.kafka.topic_changes import TopicChangeKind
from deploy.kafka.topics import Topic

_FIRST_GROUP_S = 20.0
_NO_COORDINATOR_YET = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)


class StepState(StrEnum):
    """Status of a step."""

    DONE = "done"
    TO_DO = "to do"
    ASK = "confirm manually"
    """Not visible on the cluster."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a migration.

    Args:
        what: Description.
        state: Status according to the cluster.
        detail: Observed figures.
        command: Command that performs it; empty if there is none.
    """

    what: str
    state: StepState
    detail: str = ""
    command: str = ""


class Log(NamedTuple):
    """Offsets of the partitions of one ticks topic.

    Args:
        ends: Partition → end offset; empty if the topic does not exist.
        committed: Partition → offset committed by the group.
    """

    ends: Mapping[int, int]
    committed: Mapping[int, int]

    @property
    def behind(self) -> int:
        """Number of records that the group has not committed."""
        return sum(end - self.committed.get(partition, 0) for partition, end in self.ends.items())


class ClusterView(NamedTuple):
    """State of a migration on a cluster.

    Args:
        missing: Topics of the new generation that `apply` would create or change.
        old: The ticks topic of the previous generation.
        new: The ticks topic of the new generation.
        day_bars: Number of records in the topic of daily bars, before compaction.
    """

    missing: Sequence[str]
    old: Log
    new: Log
    day_bars: int


def look(client: KafkaAdminClient, wanted: Sequence[Topic], generation: int, group_id: str) -> ClusterView:
    """Read the state of a migration from a cluster.

    Args:
        client: From `cluster.connect`.
        wanted: The topics of the new generation.
        generation: The new generation, at least 2.
        group_id: Consumer group of the workers.

    Raises:
        ConfigurationError: A topic has a difference that needs manual action.
        TransportError: The broker refuses a request.
    """
    changes = check(client, wanted)
    for change in changes:
        if change.kind is TopicChangeKind.REFUSE:
            raise ConfigurationError(
                f"{change.topic} has {change.setting} {change.current}, wanted {change.wanted}",
                operator_action=change.operator_action,
            )
    of_interest = (DAY_BARS_TOPIC, ticks_topic(generation - 1), ticks_topic(generation))
    present = {each["name"] for each in described_topics(client, of_interest) if each["partitions"]}
    committed = _committed(client, group_id)

    def log(topic: str) -> Log:
        stored = {part.partition: int(each.offset) for part, each in committed.items() if part.topic == topic}
        return Log(_offsets(client, topic, OffsetSpec.LATEST) if topic in present else {}, stored)

    bars = 0
    if DAY_BARS_TOPIC in present:
        begins = _offsets(client, DAY_BARS_TOPIC, OffsetSpec.EARLIEST)
        bars = sum(_offsets(client, DAY_BARS_TOPIC, OffsetSpec.LATEST).values()) - sum(begins.values())
    missing = list(dict.fromkeys(change.topic for change in changes))
    return ClusterView(missing, log(ticks_topic(generation - 1)), log(ticks_topic(generation)), bars)


def steps(view: ClusterView, generation: int, partitions: int) -> list[Step]:
    """List the steps in order, with their status.

    Args:
        view: State of the cluster.
        generation: The new generation.
        partitions: Number of partitions of the new generation.
    """
    old, new = ticks_topic(generation - 1), ticks_topic(generation)
    chosen = f"ROTASCOPE_KAFKA__TOPIC_GENERATION={generation}"
    count = f"--partitions {partitions}"
    return [
        Step(
            f"topics of generation {generation}",
            _state(not view.missing),
            f"missing or too small: {', '.join(view.missing)}" if view.missing else "match the file",
            f"rotascope topics apply --generation {generation} {count}",
        ),
        Step(
            "after a session's close, stop the producers",
            StepState.ASK,
            f"{old} holds {sum(view.old.ends.values()):,} records"
            if view.old.ends
            else f"{old} does not exist",
        ),
        Step(
            f"wait until workers have processed all of {old}, then stop them",
            _state(view.old.behind == 0),
            f"{view.old.behind:,} records are not committed",
        ),
        Step(
            "daily bars exist",
            _state(view.day_bars > 0),
            f"{view.day_bars:,} records",
            "rotascope backfill csv SYMBOL=FILE",
        ),
        Step(
            f"{new} starts with the daily bars",
            _state(bool(view.new.ends) and all(view.new.ends.values())),
            f"{sum(view.new.ends.values()):,} records",
            f"rotascope backfill baseline --topic-generation {generation} {count}",
        ),
        Step(
            "workers run on it",
            _state(bool(view.new.committed)),
            f"{len(view.new.committed)} partitions have a committed offset",
            f"{chosen} rotascope consume {count}",
        ),
        Step(
            "producers run on it",
            StepState.ASK,
            "before the next session's open",
            f"{chosen} rotascope produce FEED {count}",
        ),
        Step(
            f"delete {old} and its snapshots and values",
            _state(not view.old.ends),
            "once they are no longer needed",
        ),
    ]


def _state(done: bool) -> StepState:
    return StepState.DONE if done else StepState.TO_DO


def _committed(client: KafkaAdminClient, group_id: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """Return a group's committed offsets; a new cluster first creates its offsets topic."""
    deadline = time.monotonic() + _FIRST_GROUP_S
    while True:
        try:
            return dict(client.list_group_offsets({group_id: None}).get(group_id, {}))
        except _NO_COORDINATOR_YET:
            if time.monotonic() >= deadline:
                raise
        time.sleep(0.1)


def _offsets(client: KafkaAdminClient, topic: str, where: OffsetSpec) -> dict[int, int]:
    (described,) = client.describe_topics([topic])
    wanted = {TopicPartition(topic, each["partition_index"]): where for each in described["partitions"]}
    return {
        part.partition: int(found.offset) for part, found in client.list_partition_offsets(wanted).items()
    }


def next_step(found: Iterable[Step]) -> Step | None:
    """Return the first pending step."""
    return next((step for step in found if step.state is StepState.TO_DO), None)
