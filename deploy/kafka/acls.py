"""Turns the table of needs into `kafka-acls.sh` lines, under the names that settings give."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.model.errors import ConfigurationError
from core.model.forward_settings import FORWARD_GROUP_PREFIX
from core.model.settings import ForwardSettings, Settings, WorkerSettings
from core.model.suggestions import nearest
from core.model.topics import (
    ARTEFACTS_TOPIC,
    DAY_BARS_TOPIC,
    DEAD_LETTERS_TOPIC,
    EVENTS_PREFIX,
    INSTRUMENTS_TOPIC,
    MINUTE_BARS_TOPIC,
    ticks_topic,
)
from deploy.kafka.needs import COMMANDS, PUBLISHED_VALUES, Operation, Target
from deploy.kafka.topics import Topic

_FIXED_TOPICS: Final = {
    Target.INSTRUMENTS: INSTRUMENTS_TOPIC,
    Target.ARTEFACTS: ARTEFACTS_TOPIC,
    Target.MINUTE_BARS: MINUTE_BARS_TOPIC,
    Target.DAY_BARS: DAY_BARS_TOPIC,
    Target.DEAD_LETTERS: DEAD_LETTERS_TOPIC,
}
# As kafka-acls.sh wants it: a type, and a name that may hold more colons.
_PRINCIPAL: Final = re.compile(r"[A-Za-z]+:\S.*")


class ResourceKind(StrEnum):
    """What an authorizer knows resources of, as `kafka-acls.sh` has it as an option."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Pattern(StrEnum):
    """How a name is meant."""

    LITERAL = "literal"
    PREFIXED = "prefixed"


@dataclass(frozen=True, slots=True)
class Grant:
    """The same operations on some resources of one kind.

    Args:
        kind: What they are.
        pattern: Whether the names are whole, or only how names begin.
        names: What they are called.
        operations: What may be done.
    """

    kind: ResourceKind
    pattern: Pattern
    names: tuple[str, ...]
    operations: tuple[Operation, ...]


def choose_commands(named: Sequence[str]) -> list[str]:
    """Find commands of the table.

    Args:
        named: Commands, or what their names begin with, as `backfill`; none: all of them.

    Raises:
        ConfigurationError: A name that matches no command.

    Example:
        >>> choose_commands(["produce"])
        ['produce alpaca', 'produce settings-mark', 'produce artefacts-mark']
    """
    if not named:
        return list(COMMANDS)
    chosen: dict[str, None] = {}
    for name in named:
        words = name.removeprefix("rotascope ").split()
        found = [command for command in COMMANDS if words and command.split()[: len(words)] == words]
        if not found:
            raise ConfigurationError(
                f"{name} is not a command that needs rights{nearest(name, COMMANDS, list_all=True)}",
                operator_action="name a command as it is called, such as 'topics apply'",
            )
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def grants_of(command: str, topics: Sequence[Topic], settings: Settings) -> list[Grant]:
    """Say what one command needs.

    Resources with the same operations are grouped, in the order of the table.

    Args:
        command: Of `COMMANDS`.
        topics: Of the topics file, for the generation of the settings.
        settings: Name the generation, the group, and what a worker does.
    """
    together: dict[tuple[ResourceKind, Pattern, tuple[Operation, ...]], list[str]] = {}
    for need in COMMANDS[command].needs:
        if need == PUBLISHED_VALUES and not settings.worker.publish_values:
            continue
        kind, pattern, names = _resources(need.target, topics, settings)
        if names:
            together.setdefault((kind, pattern, need.operations), []).extend(names)
    return [
        Grant(kind, pattern, tuple(dict.fromkeys(names)), operations)
        for (kind, pattern, operations), names in together.items()
    ]


def acl_line(
    grant: Grant, principal: str, *, bootstrap_servers: str, command_config: str | None = None
) -> str:
    """Write one line that an administrator can run.

    Args:
        grant: What is allowed.
        principal: To whom, as `User:rotascope`.
        bootstrap_servers: `host:port`, comma-separated.
        command_config: File with which `kafka-acls.sh` itself logs in; None for none.

    Example:
        >>> grant = Grant(ResourceKind.GROUP, Pattern.LITERAL, ("workers",), (Operation.READ,))
        >>> acl_line(grant, "User:rotascope", bootstrap_servers="kafka:9092").split(" --add ")[1]
        '--allow-principal User:rotascope --operation Read --group workers'
    """
    words = ["kafka-acls.sh", "--bootstrap-server", bootstrap_servers]
    if command_config is not None:
        words += ["--command-config", command_config]
    words += ["--add", "--allow-principal", principal]
    for operation in grant.operations:
        words += ["--operation", operation]
    if grant.pattern is not Pattern.LITERAL:
        words += ["--resource-pattern-type", grant.pattern]
    for name in grant.names:
        words += [f"--{grant.kind}", name]
    return shlex.join(words)


def require_principal(principal: str) -> None:
    """Refuse a principal that `kafka-acls.sh` would refuse.

    Raises:
        ConfigurationError: It is not TYPE:NAME.
    """
    if not _PRINCIPAL.fullmatch(principal):
        raise ConfigurationError(
            f"principal {principal!r} is not TYPE:NAME",
            operator_action="write, for instance, User:rotascope; with client certificates the name is "
            "the subject, as User:CN=rotascope,O=Example, unless ssl.principal.mapping.rules says otherwise",
        )


def _resources(
    target: Target, topics: Iterable[Topic], settings: Settings
) -> tuple[ResourceKind, Pattern, tuple[str, ...]]:
    """Under which names a cluster knows a target; none where these settings do not touch it."""
    match target:
        case Target.WORKERS_GROUP:
            return ResourceKind.GROUP, Pattern.LITERAL, (settings.worker.group_id,)
        case Target.FORWARDERS_GROUP:
            return _forwarders_group(settings.forward)
        case Target.WORKERS_TRANSACTIONS:
            return _transactional_ids(settings.worker)
        case _:
            return ResourceKind.TOPIC, Pattern.LITERAL, _topics(target, topics, settings)


def _topics(target: Target, topics: Iterable[Topic], settings: Settings) -> tuple[str, ...]:
    kafka = settings.kafka
    match target:
        case Target.EVERY_TOPIC:
            return tuple(topic.name for topic in topics)
        case Target.EVENTS:
            return tuple(topic.name for topic in topics if topic.name.startswith(EVENTS_PREFIX))
        case Target.TICKS:
            return (kafka.ticks_topic,)
        case Target.EARLIER_TICKS:
            earlier = kafka.topic_generation - 1
            return (ticks_topic(earlier),) if earlier else ()
        case Target.VALUES:
            return (kafka.values_topic,)
        case Target.SNAPSHOTS:
            return (kafka.snapshots_topic,) if settings.worker.snapshot_interval_ms else ()
        case _:
            return (_FIXED_TOPICS[target],)


def _forwarders_group(forward: ForwardSettings) -> tuple[ResourceKind, Pattern, tuple[str, ...]]:
    """Without a name of its own a group is named after the address that events are posted to."""
    if forward.group_id is not None:
        return ResourceKind.GROUP, Pattern.LITERAL, (forward.group_id,)
    return ResourceKind.GROUP, Pattern.PREFIXED, (FORWARD_GROUP_PREFIX,)


def _transactional_ids(worker: WorkerSettings) -> tuple[ResourceKind, Pattern, tuple[str, ...]]:
    """As the workers make them: the group, a slash, and the slot or the partitions."""
    kind = ResourceKind.TRANSACTIONAL_ID
    if worker.delivery != "exactly_once":
        return kind, Pattern.LITERAL, ()
    if worker.slot is not None and worker.membership != "manual":
        return kind, Pattern.LITERAL, (f"{worker.group_id}/{worker.slot}",)
    return kind, Pattern.PREFIXED, (f"{worker.group_id}/",)


def as_json(command: str, grants: Iterable[Grant], principal: str) -> Mapping[str, object]:
    """Give one command's rights for programs."""
    return {
        "command": command,
        "principal": principal,
        "grants": [
            {
                "resource": grant.kind,
                "pattern": grant.pattern,
                "names": list(grant.names),
                "operations": list(grant.operations),
            }
            for grant in grants
        ],
    }
