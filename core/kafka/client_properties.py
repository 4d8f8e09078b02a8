"""Further properties of a Kafka client, from `[kafka.client_properties]`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

from core.kafka.owned_properties import FIXED, owner_of
from core.model.errors import ConfigurationError
from core.model.settings import KafkaSettings
from core.model.suggestions import nearest

SECTION: Final = "kafka.client_properties"


class ClientKind(Enum):
    """What a client is for: each knows properties that the others do not."""

    CONSUMER = KafkaConsumer
    PRODUCER = KafkaProducer
    ADMIN = KafkaAdminClient


_OBJECTS: Final = ("_serializer", "_deserializer", "_reporters", "_callback", "_cb", "_context", "_provider")
_NOT_IN_TOML: Final = frozenset({"kafka_client", "selector", "socket_options", "metrics_enabled"})


def kafka_python_properties(settings: KafkaSettings, kind: ClientKind) -> dict[str, Any]:
    """Give the further properties that this kind of kafka-python client knows.

    Args:
        settings: Checked by `require_known`.
        kind: Of the client that is about to be made.
    """
    words = {name.replace(".", "_"): value for name, value in settings.client_properties.items()}
    return {word: value for word, value in words.items() if word in kind.value.DEFAULT_CONFIG}


def confluent_properties(settings: KafkaSettings) -> dict[str, Any]:
    """Give further properties; librdkafka ignores those of another kind of client."""
    return dict(settings.client_properties)


def require_known(settings: KafkaSettings) -> None:
    """Refuse a property that Rotascope sets itself, or that the client does not know.

    Args:
        settings: Name the client, and the properties.

    Raises:
        ConfigurationError: With every such name, and what to write instead.
    """
    properties = settings.client_properties
    problems = [problem for name in properties if (problem := _owned(name))]
    free = {name: value for name, value in properties.items() if owner_of(name) is None}
    if settings.client == "confluent":
        problems += _unknown_to_librdkafka(free)
    else:
        problems += _unknown_to_kafka_python(free)
    if problems:
        raise ConfigurationError(
            f"{SECTION}: {'; '.join(problems)}",
            operator_action=f"correct or remove these under [{SECTION}]",
        )


def _owned(name: str) -> str | None:
    setting = owner_of(name)
    if setting is None:
        return None
    if setting == FIXED:
        return f"{name} is set by Rotascope and cannot be changed"
    return f"{name} is set by Rotascope: use {setting}"


def _unknown_to_kafka_python(properties: Iterable[str]) -> list[str]:
    known = sorted({word.replace("_", ".") for kind in ClientKind for word in _settable(kind)})
    return [
        f"kafka-python has no property {name}{nearest(name, known)}"
        for name in properties
        if name not in known
    ]


def _settable(kind: ClientKind) -> Iterable[str]:
    words: Mapping[str, Any] = kind.value.DEFAULT_CONFIG
    for word in words:
        if (
            not word.endswith(_OBJECTS)
            and word not in _NOT_IN_TOML
            and owner_of(word.replace("_", ".")) is None
        ):
            yield word


def _unknown_to_librdkafka(properties: Mapping[str, Any]) -> list[str]:
    """Let librdkafka judge, one property at a time: there is no list that every release agrees with."""
    if not properties:
        return []
    from core.kafka.librdkafka_properties import problem_of

    return [problem for name, value in properties.items() if (problem := problem_of(name, value))]
