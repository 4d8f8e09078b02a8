"""What the cluster says of its topics, from answers as brokers give them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from kafka.errors import TopicAuthorizationFailedError

from deploy.kafka.cluster import apply, existing_topics
from deploy.kafka.topics import Topic

_UNKNOWN, _HIDDEN = 3, 29
"""The broker's error numbers."""


class Answers:
    """An admin client with prepared answers.

    Args:
        partitions: By topic, as many replicas a partition.
        hidden: Topics that the user may not see.
        closed: Topics whose settings the user may not read.
    """

    def __init__(
        self, partitions: dict[str, list[int]], hidden: Collection[str] = (), closed: Collection[str] = ()
    ) -> None:
        self._partitions = partitions
        self._hidden = hidden
        self._closed = closed

    def describe_topics(self, names: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "error_code": _HIDDEN
                if name in self._hidden
                else 0
                if name in self._partitions
                else _UNKNOWN,
                "partitions": [{"replica_nodes": [*range(n)]} for n in self._partitions.get(name, ())],
            }
            for name in names
        ]

    def describe_configs(self, resources: list[Any], **options: Any) -> dict[str, Any]:
        settings = {"cleanup.policy": {"value": "delete"}}
        return {"topic": {each.name: {} if each.name in self._closed else settings for each in resources}}


def test_partitions_replicas_and_settings_are_read() -> None:
    found = existing_topics(Answers({"ticks": [3, 3], "other": [1]}), ["ticks", "bars"])
    assert list(found) == ["ticks"]
    assert (found["ticks"].partitions, found["ticks"].replication_factor) == (2, 3)
    assert found["ticks"].config == {"cleanup.policy": "delete"}


@pytest.mark.parametrize("others", [{}, {"bars": [1]}])
def test_a_topic_whose_partitions_are_not_known_yet_is_not_there(others: dict[str, list[int]]) -> None:
    """Right after a topic was made a broker may list it without partitions: that was an IndexError."""
    found = existing_topics(Answers({"ticks": [], **others}), ["ticks", "bars"])
    assert set(found) == set(others)


def test_a_topic_that_the_user_may_not_see_is_not_taken_for_a_missing_one() -> None:
    """A list of topics leaves it out: `topics check` said that it must be created."""
    with pytest.raises(TopicAuthorizationFailedError, match="bars"):
        existing_topics(Answers({"ticks": [1]}, hidden=["bars"]), ["ticks", "bars"])


def test_settings_that_the_user_may_not_read_are_not_taken_for_wrong_ones() -> None:
    """kafka-python gives none for them: `topics check` said that each must be set."""
    with pytest.raises(TopicAuthorizationFailedError, match="bars"):
        existing_topics(Answers({"ticks": [1], "bars": [1]}, closed=["bars"]), ["ticks", "bars"])


class NewTopics(Answers):
    """A broker that names a new topic before it has its settings.

    Args:
        unready: How many answers have none.
    """

    def __init__(self, unready: int) -> None:
        super().__init__({})
        self._unready = unready

    def create_topics(self, request: dict[str, Any], **options: Any) -> dict[str, Any]:
        self._partitions = {"ticks": [1, 1]}
        return {"topics": [{"name": name, "error_code": 0} for name in request]}

    def wait_for_topics(self, names: list[str]) -> None:
        """They are there at once."""

    def describe_configs(self, resources: list[Any], **options: Any) -> dict[str, Any]:
        self._unready -= 1
        self._closed = ["ticks"] if self._unready >= 0 else []
        return super().describe_configs(resources, **options)


TICKS = Topic(name="ticks", partitions=2, replication_factor=1, config={"cleanup.policy": "delete"})


def test_settings_of_a_new_topic_may_be_late() -> None:
    """Taken for a missing right, it ended `topics apply`."""
    changes = apply(NewTopics(unready=3), [TICKS])
    assert [change.topic for change in changes] == ["ticks"]


def test_settings_that_stay_unreadable_are_a_missing_right() -> None:
    with pytest.raises(TopicAuthorizationFailedError, match="ticks"):
        apply(NewTopics(unready=10**6), [TICKS], timeout_s=0.1)
