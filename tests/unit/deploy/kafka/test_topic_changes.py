from __future__ import annotations

from dataclasses import replace

import pytest

from deploy.kafka.topic_changes import TopicChangeKind, plan
from deploy.kafka.topics import Topic, load_topics

DAY_MS = 86_400_000


@pytest.fixture
def wanted() -> dict[str, Topic]:
    return {topic.name: topic for topic in load_topics()}


def test_an_empty_cluster_needs_every_topic(wanted: dict[str, Topic]) -> None:
    changes = plan(wanted.values(), {})
    assert [change.topic for change in changes] == list(wanted)
    assert {change.kind for change in changes} == {TopicChangeKind.CREATE}


def test_a_cluster_as_wanted_needs_nothing(wanted: dict[str, Topic]) -> None:
    existing = {
        name: replace(topic, replication_factor=1, config={**topic.config, "flush.ms": "1"})
        for name, topic in wanted.items()
    }
    assert plan(wanted.values(), existing) == []


def test_a_setting_that_differs_is_named_with_both_values(wanted: dict[str, Topic]) -> None:
    ticks = wanted["rotascope.ticks.v1"]
    (change,) = plan([ticks], {ticks.name: replace(ticks, config={**ticks.config, "retention.ms": "1"})})
    assert change.kind is TopicChangeKind.CONFIGURE
    assert (change.setting, change.current, change.wanted) == ("retention.ms", "1", str(8 * DAY_MS))


@pytest.mark.parametrize("count", [11, 13])
def test_another_partition_count_of_a_generation_is_refused(wanted: dict[str, Topic], count: int) -> None:
    ticks = wanted["rotascope.ticks.v1"]
    (change,) = plan([ticks], {ticks.name: replace(ticks, partitions=count)})
    assert change.kind is TopicChangeKind.REFUSE
    assert change.operator_action is not None
    assert f"--partitions {count}" in change.operator_action
    assert "rotascope topics migrate" in change.operator_action


def test_another_number_of_shards_is_refused_and_the_setting_named(wanted: dict[str, Topic]) -> None:
    values = wanted["rotascope.values.v1"]
    (change,) = plan([values], {values.name: replace(values, partitions=3)})
    assert change.kind is TopicChangeKind.REFUSE
    assert change.operator_action is not None
    assert "kafka.value_shards to 3" in change.operator_action
    assert "rotascope topics migrate" in change.operator_action


def test_what_generations_share_grows_and_never_shrinks(wanted: dict[str, Topic]) -> None:
    bars = wanted["rotascope.bars.1d"]
    (change,) = plan([bars], {bars.name: replace(bars, partitions=4)})
    assert (change.kind, change.current, change.wanted) == (TopicChangeKind.GROW, "4", "12")
    assert plan([bars], {bars.name: replace(bars, partitions=24)}) == []


def test_another_partition_count_would_also_move_the_keys_of_other_topics(wanted: dict[str, Topic]) -> None:
    events = wanted["rotascope.events.divergence"]
    (change,) = plan([events], {events.name: replace(events, partitions=6)})
    assert change.kind is TopicChangeKind.REFUSE
    assert change.operator_action is not None
    assert "keys" in change.operator_action


def test_another_replication_factor_is_for_the_clusters_own_tools() -> None:
    ticks = load_topics(replication_factor=3)[1]
    (change,) = plan([ticks], {ticks.name: replace(ticks, replication_factor=1)})
    assert (change.kind, change.setting) == (TopicChangeKind.REFUSE, "replication_factor")
