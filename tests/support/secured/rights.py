"""Gives a user exactly the rights of `kafka-acls.sh` lines, over the listener where everything is allowed.

Lines are read as the tool itself reads them. An option that it does not know is an error, so that a test
cannot pass with lines that an operator could not use.
"""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, NoReturn

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from tests.support.secured.broker import SecuredBroker
from tests.support.secured.listeners import Listener

_SHOWN_TIMEOUT_S: Final = 10.0
_ANY_HOST: Final = "*"
_RESOURCES: Final = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}
_PATTERNS: Final = {
    "literal": ACLResourcePatternType.LITERAL,
    "prefixed": ACLResourcePatternType.PREFIXED,
}
CLUSTER_NAME: Final = "kafka-cluster"


class Right(NamedTuple):
    """One operation on one resource.

    Args:
        principal: Whose.
        resource: Of which kind.
        name: Of the resource, or how its name begins.
        pattern: Which of the two.
        operation: What may be done.
    """

    principal: str
    resource: ResourceType
    name: str
    pattern: ACLResourcePatternType
    operation: ACLOperation

    def __str__(self) -> str:
        star = "*" if self.pattern is ACLResourcePatternType.PREFIXED else ""
        return f"{self.operation.name} {self.resource.name} {self.name}{star}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def read_line(line: str) -> list[Right]:
    """Read one line that an operator would run.

    Raises:
        ValueError: `kafka-acls.sh` would not take it.
    """
    program, *arguments = shlex.split(line)
    if program != "kafka-acls.sh":
        raise ValueError(f"{program} is not kafka-acls.sh")
    parser = _Parser(allow_abbrev=False)
    for option in ("--bootstrap-server", "--command-config", "--allow-principal"):
        parser.add_argument(option, required=option != "--command-config")
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--operation", action="append", required=True)
    parser.add_argument("--resource-pattern-type", choices=sorted(_PATTERNS), default="literal")
    parser.add_argument("--cluster", action="store_true")
    for option in ("--topic", "--group", "--transactional-id"):
        parser.add_argument(option, action="append", default=[])
    given = parser.parse_args(arguments)
    pattern = _PATTERNS[given.resource_pattern_type]
    resources = [
        (kind, name, pattern) for option, kind in _RESOURCES.items() for name in getattr(given, option)
    ]
    if given.cluster:
        resources.append((ResourceType.CLUSTER, CLUSTER_NAME, ACLResourcePatternType.LITERAL))
    if not resources:
        raise ValueError("no resource is named")
    return [
        Right(given.allow_principal, *resource, _operation(operation))
        for resource in resources
        for operation in given.operation
    ]


def read_lines(lines: Iterable[str]) -> list[Right]:
    """Read lines; comments and empty ones say nothing."""
    return [right for line in lines if line.strip() and not line.startswith("#") for right in read_line(line)]


def give(broker: SecuredBroker, principal: str, rights: Sequence[Right]) -> None:
    """Give somebody exactly these rights, and wait until the broker has heard of it.

    Args:
        broker: A running one.
        principal: Who loses every other right.
        rights: Of that principal.
    """
    assert {right.principal for right in rights} <= {principal}, rights
    everything = ACLFilter(
        principal,
        _ANY_HOST,
        ACLOperation.ANY,
        ACLPermissionType.ANY,
        ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
    )
    wanted = {_acl(right) for right in rights}
    client = KafkaAdminClient(bootstrap_servers=[broker.servers(Listener.ADMIN)])
    try:
        held = set(client.describe_acls(everything)[0])
        too_many = [ACLFilter(*_words(acl)) for acl in held - wanted]
        if too_many:
            client.delete_acls(too_many)
        if wanted - held:
            failed = client.create_acls(list(wanted - held))["failed"]
            assert not failed, failed
        deadline = time.monotonic() + _SHOWN_TIMEOUT_S
        while set(client.describe_acls(everything)[0]) != wanted:
            assert time.monotonic() < deadline, f"the rights of {principal} are not shown"
            time.sleep(0.01)
    finally:
        client.close()


def _acl(right: Right) -> ACL:
    where = ResourcePattern(right.resource, right.name, right.pattern)
    return ACL(right.principal, _ANY_HOST, right.operation, ACLPermissionType.ALLOW, where)


def _words(acl: ACL) -> tuple[object, ...]:
    where = acl.resource_pattern
    exactly = ResourcePatternFilter(where.resource_type, where.resource_name, where.pattern_type)
    return acl.principal, acl.host, acl.operation, acl.permission_type, exactly


def _operation(name: str) -> ACLOperation:
    """`AlterConfigs` → ALTER_CONFIGS."""
    spelt = {each.name.replace("_", ""): each for each in ACLOperation}
    if name.upper() not in spelt:
        raise ValueError(f"{name} is not an operation")
    return spelt[name.upper()]
