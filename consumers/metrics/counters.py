"""Counters of a worker, as prometheus_client objects: one thread counts, others scrape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry

from consumers.transport.seam import ChangeKind
from core.runtime.counting import Count, Counts, Durations, Number, count, durations
from core.runtime.reason_log import ReasonLog

OVERTAKEN: Final = "overtaken"
NEW_MEMBER: Final = "new_member"
COMMIT_OUTCOMES: Final = ("committed", "failed", "aborted", "fenced", "unknown")
"""`failed` for at-least-once; the last three for transactions."""
LOOKED_UP: Final = ("committed", "aborted", OVERTAKEN)

_PREFIX: Final = "rotascope_worker_"
_OF_A_PARTITION: Final = {
    "frames": "frames_total",
    "ticks": "ticks_total",
    "received_bytes": "received_bytes_total",
    "quarantined": "poisoned_records_total",
}


class PartitionCounters:
    """Counters of one partition since it was opened.

    Args:
        bound: Its counters by attribute name.
    """

    frames = Number(int)
    ticks = Number(int)
    received_bytes = Number(int)
    quarantined = Number(int)

    def __init__(self, bound: Mapping[str, Count]) -> None:
        self.bound = bound
        self._frames, self._ticks, self._bytes = (
            bound[name] for name in ("frames", "ticks", "received_bytes")
        )

    def stepped(self, ticks: int, received_bytes: int) -> None:
        """Count one frame; on the hot path, so without lookups."""
        self._frames.inc()
        self._ticks.inc(ticks)
        self._bytes.inc(received_bytes)


class WorkerCounters:
    """Counters of a worker over all its partitions.

    Args:
        registry: Registry of the counters; a new one by default.
    """

    rejoins = Number(int)
    """Times the client was recreated because it did not become a stable member."""
    refetches = Number(int)
    """Times the client returned nothing from a partition whose log had grown."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = CollectorRegistry() if registry is None else registry
        self.partitions: dict[int, PartitionCounters] = {}
        """Counters of open partitions; not for a scrape."""
        self.frames_before = self.ticks_before = 0
        """Totals of partitions that have been closed."""
        self.bound: dict[str, Count] = {
            name: count(f"{_PREFIX}{name}_total", registry) for name in ("rejoins", "refetches")
        }
        self._of_a_partition = {
            name: count(_PREFIX + metric, registry) for name, metric in _OF_A_PARTITION.items()
        }
        self.events: Counts[tuple[str, ...]] = Counts(count(f"{_PREFIX}events_total", registry))
        """By (definition, state)."""
        self.bars: Counts[str] = Counts(count(f"{_PREFIX}bars_total", registry))
        """By frequency label."""
        self.dead_letters: Counts[str] = Counts(count(f"{_PREFIX}dead_letters_total", registry))
        """By reason."""
        self.dead_letter_log = ReasonLog("rotascope.worker")
        """Beside their counter, so that all partitions share a line per reason."""
        self.commits: Counts[str] = Counts(count(f"{_PREFIX}commits_total", registry), known=COMMIT_OUTCOMES)
        """By outcome: `committed`; `aborted`, `fenced` or `unknown` for transactions, otherwise `failed`."""
        self.resolved: Counts[str] = Counts(
            count(f"{_PREFIX}unknown_commits_total", registry), known=LOOKED_UP
        )
        """Commits without a response, by the outcome found: `committed`, `aborted` or `overtaken`."""
        self.rebalances: Counts[str] = Counts(
            count(f"{_PREFIX}rebalances_total", registry), known=tuple(ChangeKind)
        )
        """By group callback: `assigned`, `revoked`, `lost`."""
        self.dropped_records: Counts[str] = Counts(
            count(f"{_PREFIX}dropped_records_total", registry),
            known=(ChangeKind.REVOKED, ChangeKind.LOST, OVERTAKEN, NEW_MEMBER),
        )
        """Uncommitted records discarded with their partition, by reason."""
        self.poll_gap: Durations = durations(f"{_PREFIX}poll_gap_seconds", registry)
        self.commit_duration: Durations = durations(f"{_PREFIX}commit_duration_seconds", registry)

    def of(self, partition: int) -> PartitionCounters:
        """The counters of one partition, created on first use."""
        own = self.partitions.get(partition)
        if own is None:
            label = str(partition)
            bound = {name: counter.labels(label) for name, counter in self._of_a_partition.items()}
            own = self.partitions[partition] = PartitionCounters(bound)
        return own

    def forget(self, partition: int) -> None:
        """Remove the series of a closed partition; the final totals keep its counts."""
        own = self.partitions.pop(partition, None)
        if own is not None:
            self.frames_before += own.frames
            self.ticks_before += own.ticks
        for counter in self._of_a_partition.values():
            counter.remove(str(partition))

    @property
    def frames(self) -> int:
        """Frames processed since the start."""
        return self.frames_before + sum(own.frames for own in self.partitions.values())

    @property
    def ticks(self) -> int:
        """Ticks in frames processed since the start."""
        return self.ticks_before + sum(own.ticks for own in self.partitions.values())
