"""What a worker counts. Plain numbers, written by one thread and read by a scrape."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

LATENCY_BOUNDS_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0)


class DurationHistogram:
    """Durations counted in buckets.

    Args:
        bounds_seconds: Upper bounds, ascending; one more bucket takes the rest.

    Example:
        >>> histogram = DurationHistogram((0.1, 1.0))
        >>> for seconds in (0.05, 0.1, 3.0):
        ...     histogram.observe(seconds)
        >>> list(histogram.buckets()), histogram.sum_seconds
        ([('0.1', 2), ('1.0', 2), ('+Inf', 3)], 3.15)
    """

    def __init__(self, bounds_seconds: tuple[float, ...] = LATENCY_BOUNDS_SECONDS) -> None:
        self._bounds = bounds_seconds
        self._counts = [0] * (len(bounds_seconds) + 1)
        self.sum_seconds = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self.sum_seconds += seconds

    def buckets(self) -> Iterator[tuple[str, int]]:
        """Upper bound as Prometheus writes it, and how many were at or below it."""
        total = 0
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            yield bound, total


@dataclass(slots=True)
class PartitionCounters:
    """What one partition counts since its worker started."""

    frames: int = 0
    ticks: int = 0
    received_bytes: int = 0
    poisoned: int = 0


@dataclass(slots=True)
class WorkerCounters:
    """What a worker counts over all its partitions."""

    partitions: dict[int, PartitionCounters] = field(default_factory=dict)
    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By (definition, state)."""
    bars: Counter[str] = field(default_factory=Counter)
    """By frequency label."""
    dead_letters: Counter[str] = field(default_factory=Counter)
    """By reason."""
    commits: Counter[str] = field(default_factory=Counter)
    """By outcome: `committed`; `aborted`, `fenced` or `unknown` of a transaction, else `failed`."""
    resolved: Counter[str] = field(default_factory=Counter)
    """Commits without an answer, by what was found: `committed`, `aborted` or `overtaken`."""
    rebalances: Counter[str] = field(default_factory=Counter)
    """By what the group did: `assigned`, `revoked`, `lost`."""
    rejoins: int = 0
    """Times the client was made anew because it did not become a stable member."""
    refetches: int = 0
    """Times the client gave nothing of a partition whose log had grown."""
    dropped_records: Counter[str] = field(default_factory=Counter)
    """Records said for a partition that went before they were committed, by why it went."""
    poll_gap: DurationHistogram = field(default_factory=DurationHistogram)
    commit_duration: DurationHistogram = field(default_factory=DurationHistogram)

    def of(self, partition: int) -> PartitionCounters:
        """The counters of one partition, made on first use."""
        return self.partitions.setdefault(partition, PartitionCounters())
