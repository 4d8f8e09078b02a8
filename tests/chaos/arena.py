"""What a fault has at hand, and what is written down about it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from core.kafka.records import Record
from core.model.errors import TransportError
from tests.chaos.cluster import Cluster
from tests.chaos.feed import Feed
from tests.chaos.fleet import Fleet, Owner
from tests.chaos.live_feed import LiveFeed
from tests.chaos.market_day import PARTITIONS
from tests.chaos.oracle import frozen_log
from tests.chaos.watcher import Watcher

RECOVERY_GOAL_S = 25.0
RECOVERY_DEADLINE_S = 90.0
"""After this nobody waits any more: the fault's partitions are taken for dead."""
FLEET_SIZE = 2


@dataclass
class Injection:
    """The moment at which something was broken.

    Args:
        at_s: Monotonic wall time.
        written_ns: Event time up to which the log stood then.
        partitions: What it may affect.
    """

    at_s: float
    written_ns: int
    partitions: tuple[int, ...]


@dataclass
class Arena:
    """One round's cluster, log, workers and reader.

    Args:
        cluster: Three brokers.
        feed: Writes the ticks.
        fleet: The workers.
        watcher: The reader.
        random: Seeded: decides victims and moments.
    """

    cluster: Cluster
    feed: Feed | LiveFeed
    fleet: Fleet
    watcher: Watcher
    random: random.Random
    raising: set[tuple[int, int]] = field(default_factory=set)
    """Partition and offset of records whose step was made to raise."""
    may_alter: set[int] = field(default_factory=set)
    """Partitions whose state was rebuilt without its whole past, as the fault demands."""
    kept: dict[int, list[Record]] = field(default_factory=dict)
    """Records by partition that a fault has cut off the log's beginning: the oracle needs them."""
    injection: Injection | None = None

    @property
    def live(self) -> LiveFeed:
        """The feed, of a round whose ticks come from a producer."""
        assert isinstance(self.feed, LiveFeed), "this fault needs a live round"
        return self.feed

    def forget_injection(self) -> None:
        """Nothing is broken as yet; said by a call, as a type checker would remember an assignment."""
        self.injection = None

    def broken(self, partitions: Collection[int] = range(PARTITIONS)) -> None:
        """Note that the fault happens now."""
        assert partitions, "a fault that hurts no partition proves nothing"
        self.injection = Injection(time.monotonic(), self.feed.written_ns, tuple(sorted(partitions)))

    def cut_log(self, partition: int, offset: int) -> None:
        """Let the log of a partition begin at an offset, as retention would."""
        log = frozen_log(self.cluster.bootstrap_servers)[partition]
        self.kept[partition] = [record for record in log if record.offset < offset]
        self.cluster.cut_log(partition, offset)

    def wait_until_recovered(self) -> None:
        """Wait for news of every partition that was hurt; then until each reads what is sent from then on."""
        assert self.injection is not None, "nothing was broken"
        assert self.wait_until_visible(self.injection), "never heard of again"
        ends: dict[int, int] = {}

        def read_on() -> bool:
            try:
                # A new leader may not know at once how far its log is written everywhere.
                ends.update({} if ends else self.cluster.ends())
                committed = self.cluster.committed(self.fleet.group_id)
            except TransportError:
                return False
            return all(committed.get(partition, 0) > end for partition, end in ends.items())

        wait_until(read_on, "what is sent after the recovery is read", RECOVERY_DEADLINE_S)

    def any_partition(self) -> int:
        """Choose a partition to hurt."""
        return self.random.randrange(PARTITIONS)

    def any_owner(self) -> Owner:
        """Choose a worker to hurt: one that has something to lose."""
        return self.fleet.owner_of(self.any_partition())

    def wait_until_visible(self, injection: Injection, deadline_s: float = RECOVERY_DEADLINE_S) -> bool:
        """Wait until a reader has seen news of every partition that was hurt; False: it never did."""
        deadline = time.monotonic() + deadline_s
        while not all(self.watcher.visible_ns(p) > injection.written_ns for p in injection.partitions):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        return True


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float = 60.0) -> None:
    """Wait for a condition, and say what it was when it never came."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.02)
