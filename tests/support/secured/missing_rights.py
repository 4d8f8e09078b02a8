"""A command that lacks one of its rights, on a cluster where it has something to do that needs this right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from kafka import KafkaProducer

from core.model.forward_settings import FORWARD_GROUP_PREFIX
from core.model.topics import (
    ARTEFACTS_TOPIC,
    DAY_BARS_TOPIC,
    DEAD_LETTERS_TOPIC,
    EVENTS_PREFIX,
    INSTRUMENTS_TOPIC,
    MINUTE_BARS_TOPIC,
    snapshots_topic,
    values_topic,
)
from deploy.kafka.needs import COMMANDS, Operation, Target
from tests.support.secured.listeners import Listener
from tests.support.secured.operator import (
    PARTITIONS,
    TICKS,
    ClusterOperator,
    admin,
    delete_topics,
    make_topics,
    restore_topics,
)
from tests.support.secured.product import ProductAccess
from tests.support.secured.refusals import EXIT_INPUT, require_one_error
from tests.support.secured.rights import Right
from tests.support.secured.rounds import require_no_secret
from tests.support.secured_broker import Secured

_NAMES: Final = {
    Target.INSTRUMENTS: INSTRUMENTS_TOPIC,
    Target.ARTEFACTS: ARTEFACTS_TOPIC,
    Target.TICKS: TICKS,
    Target.EARLIER_TICKS: TICKS,
    Target.MINUTE_BARS: MINUTE_BARS_TOPIC,
    Target.DAY_BARS: DAY_BARS_TOPIC,
    Target.VALUES: values_topic(1),
    Target.SNAPSHOTS: snapshots_topic(1),
    Target.DEAD_LETTERS: DEAD_LETTERS_TOPIC,
    # One stands for all: the recorded days have events of it.
    Target.EVENTS: EVENTS_PREFIX + "relative-strength",
    Target.EVERY_TOPIC: INSTRUMENTS_TOPIC,
}
_CORRECTED: Final = {
    Operation.ALTER: MINUTE_BARS_TOPIC,
    Operation.ALTER_CONFIGS: DEAD_LETTERS_TOPIC,
}
"""What `topics apply` has to correct, by what it needs for that."""


class Lack(NamedTuple):
    """A right that a command does not have.

    Args:
        command: Of the table of needs.
        operation: What it may not do.
        target: To what.
    """

    command: str
    operation: Operation
    target: Target

    def __str__(self) -> str:
        return f"{self.command}: no {self.operation} on {self.target}"

    @property
    def is_whole(self) -> bool:
        """Whether the command may do nothing else with the target."""
        return all(
            need.operations == (self.operation,)
            for need in COMMANDS[self.command].needs
            if need.target is self.target
        )

    def name(self, group: str) -> str:
        """What the resource is called, or how its name begins.

        Args:
            group: Of the workers.
        """
        if self.target is Target.WORKERS_GROUP:
            return group
        if self.target is Target.FORWARDERS_GROUP:
            return FORWARD_GROUP_PREFIX
        if self.target is Target.WORKERS_TRANSACTIONS:
            return f"{group}/"
        if self.command == "topics apply":
            return _CORRECTED.get(self.operation, _NAMES[self.target])
        return _NAMES[self.target]


def lacks(commands: Iterable[str] = COMMANDS) -> Iterator[Lack]:
    """Give every right of the table in turn."""
    for command in commands:
        for need in COMMANDS[command].needs:
            for operation in need.operations:
                yield Lack(command, operation, need.target)


class Cluster:
    """Brings the cluster to where a command has something to do, over the listener where all is allowed.

    Args:
        secured: The broker.
        directory: For settings and files.
        vendor: Address of a server that plays the demo's days.
    """

    def __init__(self, secured: Secured, directory: Path, vendor: str) -> None:
        self.secured = secured
        self.vendor = vendor
        self._directory = directory
        self._has_a_log = False

    def prepare(self, access: ProductAccess, lack: Lack, group: str) -> None:
        """Make topics, and records where the command needs some to use the right.

        Args:
            access: Who runs the command.
            lack: The command and the right.
            group: Of the workers: one reads a snapshot only after an earlier worker of its group.
        """
        if lack.command == "consume" and lack.operation is Operation.WRITE and self._has_a_log:
            # A worker would go on from what an earlier one has left, and have nothing to write.
            restore_topics(self.secured, _NAMES[Target.SNAPSHOTS])
            return
        self._has_a_log = False
        if lack.command == "topics apply":
            self._spoil_topics()
            return
        make_topics(self.secured)
        if lack.operation is Operation.READ and not lack.is_whole:
            # Who may write a topic may look at it, too: only a record in it is refused.
            self._run(access, "backfill csv", "backfill baseline")
            if lack.target is Target.ARTEFACTS:
                self._run(access, "produce artefacts-mark")
            if lack.target is Target.SNAPSHOTS:
                self._run(access, "consume", group=group)
        elif lack.command == "events forward" and lack.target is Target.DEAD_LETTERS:
            self._add_what_is_no_event()
        elif lack.command == "backfill baseline":
            self._run(access, "backfill csv")
        elif lack.command == "consume" and lack.operation is Operation.WRITE:
            self._run(access, "backfill csv", "backfill baseline", "produce alpaca")
            self._add_what_is_no_frame()
            self._has_a_log = True

    def _spoil_topics(self) -> None:
        """One topic with too few partitions, one with a wrong setting, the others missing."""
        delete_topics(self.secured)
        with admin(self.secured) as client:
            client.create_topics(
                {
                    _CORRECTED[Operation.ALTER]: {"num_partitions": 1},
                    _CORRECTED[Operation.ALTER_CONFIGS]: {
                        "num_partitions": 1,
                        "configs": {"retention.ms": "1000"},
                    },
                },
                wait_for_metadata=True,
            )

    def _add_what_is_no_frame(self) -> None:
        """Let a worker write a dead letter."""
        producer = KafkaProducer(bootstrap_servers=[self.secured.broker.servers(Listener.ADMIN)])
        for partition in range(PARTITIONS):
            producer.send(TICKS, b"no frame", partition=partition)
        producer.close()

    def _add_what_is_no_event(self) -> None:
        """Let a forwarder write a dead letter."""
        producer = KafkaProducer(bootstrap_servers=[self.secured.broker.servers(Listener.ADMIN)])
        producer.send(_NAMES[Target.EVENTS], b"no event", partition=0)
        producer.close()

    def _run(self, access: ProductAccess, *commands: str, group: str = "admin") -> None:
        everything = replace(access, listener=Listener.ADMIN)
        operator = ClusterOperator(self.secured, everything, self._directory / group, vendor=self.vendor)
        for command in commands:
            ended = operator.run(command)
            assert ended.code == 0, f"{command}: {ended.everything}"


@contextmanager
def allowed_all_but(operator: ClusterOperator, lack: Lack) -> Iterator[None]:
    """Give the printed rights of a command but for one; in the end none."""
    name = lack.name(operator.group)

    def taken(right: Right) -> bool:
        return right.name == name and right.operation.name.replace("_", "") == lack.operation.upper()

    assert any(map(taken, operator.printed_rights(lack.command))), f"no such right is printed: {lack}"
    try:
        operator.allow(lack.command, but=taken)
        yield
    finally:
        operator.allow_nothing()


def run_lacking(cluster: Cluster, access: ProductAccess, lack: Lack, directory: Path) -> None:
    """Run a command without one of its rights, and look at how it ends.

    Args:
        cluster: The cluster.
        access: Who runs it.
        lack: The command and the right.
        directory: For settings and files.
    """
    cluster.prepare(access, lack, directory.name)
    operator = ClusterOperator(cluster.secured, access, directory, vendor=cluster.vendor)
    with allowed_all_but(operator, lack):
        ended = operator.run(lack.command)
    assert ended.code == EXIT_INPUT, ended.everything
    require_one_error(ended, lack.name(operator.group).rstrip("/"))
    require_no_secret(ended)
