"""Three Apache Kafka brokers on this machine, and who leads what in them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from kafka import TopicPartition
from kafka.admin import OffsetSpec

from core.model.errors import TransportError
from deploy.kafka.broker import LocalKafka
from deploy.kafka.cluster import apply, connect
from deploy.kafka.topics import load_topics
from tests.chaos.disk import SmallDisk
from tests.chaos.market_day import PARTITIONS, VALUE_SHARDS

BROKERS = (1, 2, 3)
DISK_BROKER = 3
"""The one whose log lies on a small file system."""
TICKS = "rotascope.ticks.v1"
SNAPSHOTS = "rotascope.snapshots.v1"
WHOLE_TIMEOUT_S = 60.0
PREFERRED = 0
"""Kind of election: the first of a partition's replicas is to lead."""
_GROUPS, _TRANSACTIONS = "__consumer_offsets", "__transaction_state"


class Way(StrEnum):
    """How all brokers go away at once."""

    KILLED = "killed"
    STOPPED = "stopped in order"
    FROZEN = "frozen"
    """Their connections stay open, and nobody answers."""


class Transaction(NamedTuple):
    """One transactional id.

    Args:
        coordinator: The broker that coordinates it.
        state: Such as `Ongoing`, or `CompleteCommit`.
    """

    coordinator: int
    state: str


class Cluster:
    """Replication factor 3, two in-sync replicas at least: one broker may fail and nothing is lost.

    Args:
        directory: Where the brokers keep data and logs.
    """

    def __init__(self, directory: Path) -> None:
        self.kafka = LocalKafka(directory, brokers=len(BROKERS))
        # Where the first attempt to start puts its log; after a second one it would lie on the usual disk.
        self._disk = SmallDisk(directory / "cluster-1" / f"broker-{DISK_BROKER}" / "data")

    def __enter__(self) -> Self:
        try:
            self.kafka.start()
        except BaseException:
            self._disk.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kafka.stop()
        self._disk.release()

    @property
    def bootstrap_servers(self) -> str:
        """All three addresses."""
        return self.kafka.bootstrap_servers

    def revive(self) -> None:
        """Let every broker run, whatever an earlier round has left behind."""
        for broker in BROKERS:
            with suppress(TransportError, ProcessLookupError):
                self.kafka.resume(broker)
        self.kafka.start()

    def take_away(self, way: Way) -> None:
        """Let no broker answer any more; `revive` brings them back."""
        match way:
            case Way.KILLED:
                for broker in BROKERS:
                    self.kafka.kill(broker)
            case Way.STOPPED:
                self.kafka.stop()
            case Way.FROZEN:
                for broker in BROKERS:
                    self.kafka.pause(broker)

    def reset_topics(self) -> None:
        """Give the cluster Rotascope's topics anew, empty."""
        deadline = time.monotonic() + WHOLE_TIMEOUT_S
        with connect(self.bootstrap_servers) as client:
            names = [name for name in client.list_topics() if name.startswith("rotascope.")]
            if names:
                client.delete_topics(names, raise_errors=False)
            while any(name in names for name in client.list_topics()):
                assert time.monotonic() < deadline, "the topics of the last round do not go away"
                time.sleep(0.05)
            wanted = load_topics(
                partitions=PARTITIONS, value_shards=VALUE_SHARDS, replication_factor=len(BROKERS)
            )
            apply(client, wanted)

    @contextmanager
    def full_disk(self) -> Iterator[int]:
        """Leave one broker no room to write; gives its number."""
        with self._disk.full(self.kafka.process_id(DISK_BROKER)):
            yield DISK_BROKER

    def wait_until_ended(self, broker: int) -> None:
        """Wait until a broker has given up."""
        process = Path(f"/proc/{self.kafka.process_id(broker)}/stat")
        deadline = time.monotonic() + WHOLE_TIMEOUT_S
        while process.exists() and ") Z" not in process.read_text():
            assert time.monotonic() < deadline, f"broker {broker} still runs, with no room to write"
            time.sleep(0.05)

    def leader(self, topic: str, partition: int) -> int:
        """The broker that leads a partition now."""
        return self._leaders(topic)[partition]

    def let_lead(self, broker: int, topic: str, partitions: Iterable[int]) -> None:
        """Make one broker the leader of partitions; returns when it is."""
        numbers = sorted(partitions)
        others = [each for each in BROKERS if each != broker]
        deadline = time.monotonic() + WHOLE_TIMEOUT_S
        with connect(self.bootstrap_servers) as client:
            replicas = {TopicPartition(topic, number): [broker, *others] for number in numbers}
            client.alter_partition_reassignments(replicas)
            while any(self._leaders(topic)[number] != broker for number in numbers):
                assert time.monotonic() < deadline, f"broker {broker} does not lead {topic} {numbers}"
                # Refused until the order of the replicas is known everywhere.
                client.elect_leaders(PREFERRED, {topic: numbers}, raise_errors=False)
                time.sleep(0.1)

    def group_coordinator(self, group_id: str) -> int:
        """The broker that coordinates a consumer group."""
        leaders = self._leaders(_GROUPS)
        return leaders[coordinating_partition(group_id, len(leaders))]

    def transactions(self) -> dict[str, Transaction]:
        """Every transactional id, as its coordinator has it."""
        with connect(self.bootstrap_servers) as client:
            listed = client.list_transactions()
        return {
            each.transactional_id: Transaction(broker, str(each.state.value))
            for broker, every in listed.items()
            for each in every
        }

    def transaction_of(self, slot_name: str) -> Transaction:
        """The transaction of the worker whose transactional id ends so; waits until its coordinator tells."""
        deadline = time.monotonic() + WHOLE_TIMEOUT_S
        while True:
            found = [each for name, each in self.transactions().items() if name.endswith(slot_name)]
            if len(found) == 1:
                return found[0]
            assert time.monotonic() < deadline, f"{len(found)} transactions are called {slot_name}"
            time.sleep(0.1)

    def committed_metadata(self, group_id: str, partition: int) -> str:
        """What stands beside the committed offset of a partition of the ticks; "" before the first."""
        place = TopicPartition(TICKS, partition)
        with connect(self.bootstrap_servers) as client:
            found = client.list_group_offsets({group_id: [place]})
        return str(found[group_id][place].metadata or "")

    def ends(self) -> dict[int, int]:
        """Partition of the ticks → the offset that its next record gets."""
        wanted = {TopicPartition(TICKS, partition): OffsetSpec.LATEST for partition in range(PARTITIONS)}
        with connect(self.bootstrap_servers) as client:
            found = client.list_partition_offsets(wanted)
        return {place.partition: int(each.offset) for place, each in found.items()}

    def committed(self, group_id: str) -> dict[int, int]:
        """Partition of the ticks → the offset that a group has committed; 0 before the first."""
        places = [TopicPartition(TICKS, partition) for partition in range(PARTITIONS)]
        with connect(self.bootstrap_servers) as client:
            found = client.list_group_offsets({group_id: places})[group_id]
        return {place.partition: max(0, int(each.offset)) for place, each in found.items()}

    def cut_log(self, partition: int, offset: int) -> None:
        """Delete the records of the ticks before an offset."""
        with connect(self.bootstrap_servers) as client:
            client.delete_records({TopicPartition(TICKS, partition): offset})

    def group_state(self, group_id: str) -> str:
        """Such as `Stable`, or `PreparingRebalance`."""
        with connect(self.bootstrap_servers) as client:
            return str(client.describe_groups([group_id])[group_id]["group_state"])

    def wait_until_whole(self) -> None:
        """Wait until every partition of ours has all its replicas in sync again."""
        deadline = time.monotonic() + WHOLE_TIMEOUT_S
        while missing := self._out_of_sync():
            assert time.monotonic() < deadline, f"replicas do not come back into sync: {missing[:3]}"
            time.sleep(0.2)

    def _out_of_sync(self) -> list[str]:
        try:
            with connect(self.bootstrap_servers) as client:
                names = [name for name in client.list_topics() if name.startswith("rotascope.")]
                # What only the brokers may write says whether transactions and groups are safe again.
                names += [name for name in (_GROUPS, _TRANSACTIONS) if name in client.list_topics()]
                described = client.describe_topics(names)
        except TransportError as error:
            return [str(error)]
        return [
            f"{topic['name']}/{part['partition_index']}"
            for topic in described
            for part in topic["partitions"]
            if len(part["isr_nodes"]) < len(BROKERS)
        ]

    def _leaders(self, topic: str) -> dict[int, int]:
        with connect(self.bootstrap_servers) as client:
            (described,) = client.describe_topics([topic])
        return {part["partition_index"]: part["leader_id"] for part in described["partitions"]}


def coordinating_partition(name: str, partitions: int) -> int:
    """Tell the partition whose leader coordinates a group, as the brokers find it.

    Args:
        name: Of the group.
        partitions: Of the brokers' own topic.

    Source:
        Java's `String.hashCode`, a signed number of 32 bits, and its absolute value.
    """
    value = 0
    for character in name:
        value = (31 * value + ord(character)) & 0xFFFF_FFFF
    signed = value - (1 << 32) if value >> 31 else value
    return abs(signed) % partitions
