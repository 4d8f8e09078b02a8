"""The rights that each command needs on a cluster with an authorizer: topics, group and transactional id.

An operation is listed only where no other one implies it. In Apache Kafka's authorizer, the right to read,
write, delete or alter a resource implies Describe, and AlterConfigs implies DescribeConfigs.

tests/secured/test_rights.py takes each right away in turn on a broker with an authorizer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from producers.feeds import FEEDS


class Operation(StrEnum):
    """What may be done, as `kafka-acls.sh --operation` names it."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    ALTER = "Alter"
    ALTER_CONFIGS = "AlterConfigs"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


class Target(StrEnum):
    """What it is done to; settings and the topics file say what that is called on a cluster."""

    EVERY_TOPIC = "every topic of the topics file"
    INSTRUMENTS = "the instruments"
    ARTEFACTS = "the artefacts: base rates and rarity"
    TICKS = "the ticks of this generation"
    EARLIER_TICKS = "the ticks of the generation before"
    MINUTE_BARS = "the minute bars"
    DAY_BARS = "the daily bars"
    EVENTS = "the topics of events"
    VALUES = "the values of this generation"
    SNAPSHOTS = "the snapshots of this generation"
    DEAD_LETTERS = "the dead letters"
    WORKERS_GROUP = "the workers' consumer group"
    FORWARDERS_GROUP = "the consumer group of events forward"
    WORKERS_TRANSACTIONS = "the workers' transactional ids"


class Need(NamedTuple):
    """Operations that a command carries out.

    Args:
        target: On what.
        operations: Which.
    """

    target: Target
    operations: tuple[Operation, ...]


class Command(NamedTuple):
    """A command, and everything that it does on a cluster.

    Args:
        purpose: What it is for, in a line.
        needs: What it does.
    """

    purpose: str
    needs: tuple[Need, ...]


def _may(target: Target, *operations: Operation) -> Need:
    return Need(target, operations)


_READ, _WRITE, _DESCRIBE = Operation.READ, Operation.WRITE, Operation.DESCRIBE
_DESCRIBE_CONFIGS = Operation.DESCRIBE_CONFIGS

_BACKFILL_DAY_BARS: Final = (
    _may(Target.INSTRUMENTS, _READ, _WRITE),
    _may(Target.DAY_BARS, _READ, _WRITE),
)

PUBLISHED_VALUES: Final = _may(Target.VALUES, _WRITE)
"""What a worker needs only where it publishes values."""

_PRODUCE: Final = Command(
    "stream a vendor's trades into Kafka",
    (
        _may(Target.INSTRUMENTS, _READ, _WRITE),
        _may(Target.TICKS, _READ, _WRITE),
        _may(Target.DEAD_LETTERS, _WRITE),
    ),
)

COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {
        "topics apply": Command(
            "create topics, correct their settings",
            (_may(Target.EVERY_TOPIC, Operation.CREATE, Operation.ALTER, Operation.ALTER_CONFIGS),),
        ),
        "topics check": Command(
            "compare the cluster's topics with the file",
            (_may(Target.EVERY_TOPIC, _DESCRIBE, _DESCRIBE_CONFIGS),),
        ),
        "topics migrate": Command(
            "see how far the change to this generation has come",
            (
                _may(Target.EVERY_TOPIC, _DESCRIBE, _DESCRIBE_CONFIGS),
                _may(Target.EARLIER_TICKS, _DESCRIBE),
                _may(Target.WORKERS_GROUP, _DESCRIBE),
            ),
        ),
        **{f"produce {feed}": _PRODUCE for feed in FEEDS},
        "produce settings-mark": Command(
            "put another catalogue in force",
            (_may(Target.TICKS, _WRITE), _may(Target.DEAD_LETTERS, _DESCRIBE)),
        ),
        "produce artefacts-mark": Command(
            "publish base rates and rarity, and put them in force",
            (
                _may(Target.TICKS, _WRITE),
                _may(Target.ARTEFACTS, _READ, _WRITE),
            ),
        ),
        "study prepare": Command(
            "compute base rates and rarity; publish them and put them in force",
            (
                _may(Target.TICKS, _WRITE),
                _may(Target.ARTEFACTS, _READ, _WRITE),
            ),
        ),
        "backfill csv": Command("daily files into the daily bars", _BACKFILL_DAY_BARS),
        "backfill parquet": Command("daily files into the daily bars", _BACKFILL_DAY_BARS),
        "backfill baseline": Command(
            "daily bars into a new ticks topic",
            (
                _may(Target.INSTRUMENTS, _READ),
                _may(Target.DAY_BARS, _READ),
                _may(Target.TICKS, _READ, _WRITE),
                _may(Target.DEAD_LETTERS, _DESCRIBE),
            ),
        ),
        "backfill": Command(
            "daily files straight into the ticks",
            (
                _may(Target.INSTRUMENTS, _READ, _WRITE),
                _may(Target.TICKS, _WRITE),
                _may(Target.DEAD_LETTERS, _DESCRIBE),
            ),
        ),
        "consume": Command(
            "turn ticks into events, bars, values and metrics",
            (
                _may(Target.INSTRUMENTS, _READ),
                _may(Target.ARTEFACTS, _READ),
                _may(Target.TICKS, _READ),
                _may(Target.SNAPSHOTS, _READ, _WRITE),
                _may(Target.EVENTS, _WRITE),
                _may(Target.MINUTE_BARS, _WRITE),
                _may(Target.DAY_BARS, _WRITE),
                PUBLISHED_VALUES,
                _may(Target.DEAD_LETTERS, _WRITE),
                _may(Target.WORKERS_GROUP, _READ),
                _may(Target.WORKERS_TRANSACTIONS, _WRITE),
            ),
        ),
        "events tail": Command("print events", (_may(Target.EVENTS, _READ),)),
        "events forward": Command(
            "post events to a web address",
            (
                _may(Target.EVENTS, _READ),
                _may(Target.DEAD_LETTERS, _WRITE),
                _may(Target.FORWARDERS_GROUP, _READ),
            ),
        ),
        "ticks cat": Command("print ticks", (_may(Target.TICKS, _READ),)),
        "values cat": Command("print values", (_may(Target.VALUES, _READ),)),
    }
)
"""Every command that speaks to a cluster with rights of its own, by its name."""
