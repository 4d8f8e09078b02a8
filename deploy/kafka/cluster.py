"""Reads a cluster's topics and changes them, through kafka-python's admin client."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAuthorizationFailedError

from core.kafka.broker_errors import action_of
from core.kafka.clients import made, require_reachable
from core.kafka.connections import ConnectionRefusedForGoodError
from core.kafka.errors import transport_error
from core.kafka.kafka_python import admin_configuration
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings
from core.runtime.closing import close_quietly
from deploy.kafka.topic_changes import Change, TopicChangeKind, plan
from deploy.kafka.topics import Topic

_RIGHTS: Final = frozenset({29, 31})
"""A missing right on a topic, or on the cluster."""


@contextmanager
def connect(kafka: KafkaSettings | str, *, timeout_ms: int = 10_000) -> Iterator[KafkaAdminClient]:
    """Open an admin client; every failure of the broker inside the block becomes a TransportError.

    Args:
        kafka: How to reach the cluster; `host:port`, comma-separated, where it has no security.
        timeout_ms: How long to wait for the first broker, and for each request.

    Yields:
        The client.

    Raises:
        AccessRefusedError: Credentials or a certificate are refused.
        ConfigurationError: An address that is not `host:port`, or a file of the security.
        TransportError: No broker answers, or it refuses a request; not retriable where another try
            cannot help.
    """
    settings = KafkaSettings(bootstrap_servers=kafka) if isinstance(kafka, str) else kafka
    bootstrap_servers = settings.bootstrap_servers
    times = {"bootstrap_timeout_ms": timeout_ms, "request_timeout_ms": timeout_ms}
    configuration = admin_configuration(settings) | times | {"client_id": "rotascope-topics"}
    require_reachable(bootstrap_servers, timeout_ms, configuration.get("ssl_context"))
    client: Any = None
    try:
        client = made(KafkaAdminClient, **configuration)
        yield client
    except KafkaError as error:
        if client is not None or isinstance(error, ConnectionRefusedForGoodError):
            raise transport_error(f"Kafka at {bootstrap_servers} refused a request", error) from error
        raise TransportError(
            f"Kafka at {bootstrap_servers} does not answer: {error}",
            operator_action="check --bootstrap-servers, and that the broker is running",
        ) from error
    finally:
        if client is not None:
            close_quietly(client.close, "the admin client")


def described_topics(client: KafkaAdminClient, names: Iterable[str]) -> list[Mapping[str, Any]]:
    """Ask for topics by name: a list of all leaves out those that this user may not see.

    Args:
        client: From `connect`.
        names: The topics of interest.

    Returns:
        kafka-python's description of each topic; a missing one has no partitions.

    Raises:
        TopicAuthorizationFailedError: This user may not see one of them.
    """
    answers: list[Mapping[str, Any]] = client.describe_topics(sorted(set(names)))
    refused = [each["name"] for each in answers if each["error_code"] == TopicAuthorizationFailedError.errno]
    if refused:
        raise TopicAuthorizationFailedError(", ".join(refused))
    return answers


def existing_topics(client: KafkaAdminClient, names: Iterable[str]) -> dict[str, Topic]:
    """Read the named topics from the cluster.

    Args:
        client: From `connect`.
        names: Names of the topics; missing ones are omitted.

    Returns:
        By name, with every setting of the topic.

    Raises:
        TopicAuthorizationFailedError: This user may not see one of them, or not its settings.
    """
    described = described_topics(client, names)
    # A broker hears of a new topic's name before it hears of its partitions: until then it is not there.
    partitions = {topic["name"]: topic["partitions"] for topic in described if topic["partitions"]}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in partitions]
    if not resources:
        return {}
    configs = client.describe_configs(resources, config_filter=ConfigFilterType.ALL)["topic"]
    # kafka-python passes over the error of an answer. A topic has some forty settings, never none.
    unread = [name for name in partitions if not configs[name]]
    if unread:
        raise TopicAuthorizationFailedError(f"the settings of {', '.join(unread)} may not be read")
    return {
        name: Topic(
            name=name,
            partitions=len(own),
            replication_factor=len(own[0]["replica_nodes"]),
            config={key: str(entry["value"]) for key, entry in configs[name].items()},
        )
        for name, own in partitions.items()
    }


def check(client: KafkaAdminClient, wanted: Sequence[Topic]) -> list[Change]:
    """Return the differences between the cluster and the wanted topics; see `topics.plan`."""
    return plan(wanted, existing_topics(client, (topic.name for topic in wanted)))


def apply(client: KafkaAdminClient, wanted: Sequence[Topic], *, timeout_s: float = 30.0) -> list[Change]:
    """Make the cluster's topics match.

    1. Compare. If anything must be refused, nothing is changed.
    2. Create missing topics, and wait until each partition has a leader.
    3. Add partitions to topics shared by all generations.
    4. Change differing settings.
    5. Wait until the cluster shows the changes: the controller answers before the brokers apply them.

    Args:
        client: From `connect`.
        wanted: The wanted topics.
        timeout_s: Time limit of step 5, s.

    Returns:
        The changes made; empty if there were none.

    Raises:
        ConfigurationError: A difference needs manual action, or the broker refuses a setting.
        TransportError: The cluster does not show the changes in time.
    """
    changes = check(client, wanted)
    _refuse(change for change in changes if change.kind is TopicChangeKind.REFUSE)
    missing = {change.topic for change in changes if change.kind is TopicChangeKind.CREATE}
    _create(client, [topic for topic in wanted if topic.name in missing])
    _grow(client, [change for change in changes if change.kind is TopicChangeKind.GROW])
    _configure(client, [change for change in changes if change.kind is TopicChangeKind.CONFIGURE])
    if changes:
        _wait_until_shown(client, wanted, timeout_s)
    return changes


def _refuse(changes: Iterable[Change]) -> None:
    refused = list(changes)
    if refused:
        raise ConfigurationError(
            "nothing was changed: "
            + "; ".join(f"{c.topic} has {c.setting} {c.current}, wanted {c.wanted}" for c in refused),
            operator_action=" | ".join(dict.fromkeys(str(c.operator_action) for c in refused)),
        )


def _create(client: KafkaAdminClient, topics: Sequence[Topic]) -> None:
    if not topics:
        return
    request = {
        topic.name: {
            "num_partitions": topic.partitions,
            "replication_factor": -1 if topic.replication_factor is None else topic.replication_factor,
            "configs": dict(topic.config),
        }
        for topic in topics
    }
    # Each topic has its own result; an exception would bury it in a dump of the whole request.
    answers = client.create_topics(request, raise_errors=False)["topics"]
    created = {answer["name"] for answer in answers if answer["error_code"] == 0}
    refused = [f"{answer['name']}: {answer['error_message']}" for answer in answers if answer["error_code"]]
    if refused:
        first = next(answer["error_code"] for answer in answers if answer["error_code"])
        raise ConfigurationError(
            f"the broker refused {len(refused)} of {len(topics)} new topics; the first is {refused[0]}",
            operator_action=action_of(first)[0]
            if first in _RIGHTS
            else "settle what the broker says and run this again; what exists is left alone",
        )
    client.wait_for_topics(sorted(created))


def _grow(client: KafkaAdminClient, changes: Sequence[Change]) -> None:
    if changes:
        client.create_partitions({change.topic: int(change.wanted) for change in changes})


def _configure(client: KafkaAdminClient, changes: Iterable[Change]) -> None:
    settings: dict[str, dict[str, str]] = {}
    for change in changes:
        settings.setdefault(change.topic, {})[change.setting] = change.wanted
    if not settings:
        return
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, values) for name, values in settings.items()]
    try:
        answers: Mapping[str, str] = client.alter_configs(resources)["topic"]
    except ValueError as error:  # the client validates setting names
        raise ConfigurationError(f"the broker has no such setting: {error}") from error
    # A refused value is reported as a result, not as an exception.
    refused = [f"{name}: {answer}" for name, answer in answers.items() if answer != "OK"]
    if refused:
        raise ConfigurationError(
            f"the broker refused settings: {'; '.join(refused)}",
            operator_action="correct the values in the topics file",
        )


def _wait_until_shown(client: KafkaAdminClient, wanted: Sequence[Topic], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while remaining := _still_different(client, wanted, is_last=time.monotonic() >= deadline):
        if time.monotonic() >= deadline:
            raise TransportError(
                f"after {timeout_s:g} s {len(remaining)} differences remain; the first is {remaining[0]}",
                operator_action="check the controller's log, then run this again",
            )
        time.sleep(0.05)


def _still_different(
    client: KafkaAdminClient, wanted: Sequence[Topic], *, is_last: bool
) -> Sequence[Change | str]:
    """Return the differences; a broker gives no settings of a topic that it has only just heard of."""
    try:
        return check(client, wanted)
    except TopicAuthorizationFailedError as error:
        if is_last:
            raise
        return [str(error)]
