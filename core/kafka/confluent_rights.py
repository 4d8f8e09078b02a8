"""Which topics a user may not write to, where librdkafka reports a missing right without the topic."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from core.kafka.confluent import common_configuration
from core.model.settings import KafkaSettings


def unwritable_topics(settings: KafkaSettings, topics: Iterable[str], timeout_s: float) -> list[str]:
    """Ask the broker which of some topics this user may not write to.

    Args:
        settings: Addresses, time-outs and security.
        topics: Names.
        timeout_s: Time limit, in s.

    Returns:
        Those for which the broker says so; none if it does not answer.
    """
    admin = AdminClient(common_configuration(settings, "rotascope-rights"))
    try:
        answers = admin.describe_topics(
            TopicCollection(sorted(topics)), include_authorized_operations=True, request_timeout=timeout_s
        )
        return sorted(topic for topic, answer in answers.items() if _refused(answer, timeout_s))
    except (KafkaException, TimeoutError):
        return []


def _refused(answer: Any, timeout_s: float) -> bool:
    try:
        operations = answer.result(timeout_s).authorized_operations
    except KafkaException as error:
        return bool(error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED)
    return operations is not None and "WRITE" not in {each.name for each in operations}
