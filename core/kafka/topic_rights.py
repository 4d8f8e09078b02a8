"""Distinguishes a topic that this user may not describe from one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kafka.errors import TopicAuthorizationFailedError
from kafka.protocol.metadata import MetadataRequest


def require_visible(consumer: Any, topics: Iterable[str]) -> None:
    """Ask for topics by their names, where a list of all topics has not shown them.

    A list leaves out what the user may not describe, just as what does not exist. Asked by name, a broker
    says which of the two it is.

    Args:
        consumer: kafka-python's, connected.
        topics: What was not in the list.

    Raises:
        TopicAuthorizationFailedError: The user may not describe one of them.
    """
    named = [MetadataRequest.MetadataRequestTopic(name=topic) for topic in topics]
    if not named:
        return
    request = MetadataRequest(topics=named, allow_auto_topic_creation=False)
    answer = consumer._manager.run(consumer._manager.send, request)
    refused = [each.name for each in answer.topics if each.error_code == TopicAuthorizationFailedError.errno]
    if refused:
        raise TopicAuthorizationFailedError(", ".join(sorted(refused)))
