"""Counters of a worker, as prometheus_client objects: one thread counts, others scrape.

Where the labels are a closed set, every series begins at 0 with the process, because `increase()` does not
see the first step of a series that begins at 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry

from consumers.metrics.last_openings import LastOpenings
from consumers.transport.seam import ChangeKind
from core.model.records import NANOSECONDS_PER_SECOND, EventState, Frequency
from core.runtime.counting import Count, Counts, Durations, Number, Part, count, durations, level
from core.runtime.reason_log import ReasonLog

if TYPE_CHECKING:
    from core.definitions.catalogue import Catalogue
    from core.events.events import Event

OVERTAKEN: Final = "overtaken"
NEW_MEMBER: Final = "new_member"
COMMIT_OUTCOMES: Final = ("committed", "failed", "aborted", "fenced", "unknown")
"""`failed` for at-least-once; the last three for transactions."""
LOOKED_UP: Final = ("committed", "aborted", OVERTAKEN)
DEAD_LETTER_REASONS: Final = (
    "unknown_instrument",
    "price",
    "future",
    "too_old",
    "no_mark",
    "wrong_source",
    "kind",
    "mark_backwards",
    "size",
    "revision_too_late",
    "unknown_source",
    "count",
    "length",
    "version",
    "crc",
    "step_raised",
)

_PREFIX: Final = "rotascope_worker_"
_OF_A_PARTITION: Final = {
    "frames": "frames_total",
    "ticks": "ticks_total",
    "received_bytes": "received_bytes_total",
    "quarantined": "poisoned_records_total",
}


class PartitionCounters:
    """Counters of one partition since it was opened; a scrape shows their sum over all partitions.

    Args:
        bound: Counters of the worker by attribute name.
    """

    quarantined = Part(int)

    def __init__(self, bound: Mapping[str, Count]) -> None:
        self.bound = bound
        self.frames = self.ticks = self.received_bytes = 0
        self._frames, self._ticks, self._bytes = (
            bound[name] for name in ("frames", "ticks", "received_bytes")
        )

    def stepped(self, ticks: int, received_bytes: int) -> None:
        """Count one frame; on the hot path, so without lookups."""
        self.frames += 1
        self.ticks += ticks
        self.received_bytes += received_bytes
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
        self.bound: dict[str, Count] = {
            name: count(f"{_PREFIX}{name}_total", registry) for name in ("rejoins", "refetches")
        }
        self._of_a_partition = {
            name: count(_PREFIX + metric, registry) for name, metric in _OF_A_PARTITION.items()
        }
        self.events: Counts[tuple[str, ...]] = Counts(count("rotascope_event_transitions_total", registry))
        """By (definition, state)."""
        self._last_transition = level("rotascope_event_last_transition_timestamp_seconds", registry)
        self._last_openings = LastOpenings(registry)
        self.bars: Counts[str] = Counts(
            count(f"{_PREFIX}bars_total", registry), known=(Frequency.MINUTE.label, Frequency.DAY.label)
        )
        """By frequency label."""
        self.value_frames: Count = count(f"{_PREFIX}value_frames_total", registry)
        self.dead_letters: Counts[str] = Counts(
            count(f"{_PREFIX}dead_letters_total", registry), known=DEAD_LETTER_REASONS
        )
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
        self.last_commit_s: float | None = None
        """Wall time of the last successful commit, s UTC."""
        self.poll_gap: Durations = durations(f"{_PREFIX}poll_gap_seconds", registry)
        self.commit_duration: Durations = durations(f"{_PREFIX}commit_duration_seconds", registry)

    def of(self, partition: int) -> PartitionCounters:
        """The counters of one partition, created on first use."""
        own = self.partitions.get(partition)
        if own is None:
            own = self.partitions[partition] = PartitionCounters(self._of_a_partition)
        return own

    def forget(self, partition: int) -> None:
        """Forget a closed partition; the totals keep its counts."""
        self.partitions.pop(partition, None)

    def know(self, catalogue: Catalogue) -> None:
        """Export every state of every definition from now on, at 0."""
        self.events.know(
            (definition.definition_id, state.label)
            for definition in catalogue.definitions
            for state in definition.states
        )

    def transition(self, event: Event) -> None:
        """Count a transition that is added to the outbox."""
        self.events.add((event.definition, event.state), exemplar={"event_id": event.event_id})
        knowable_s = event.ts_knowable_ns / NANOSECONDS_PER_SECOND
        self._last_transition.labels(event.definition, event.state).set(knowable_s)
        if event.state == EventState.OPENED.label:
            self._last_openings.opened(event.pair, event.definition, knowable_s)

    @property
    def frames(self) -> int:
        """Frames processed since the start."""
        return int(self._of_a_partition["frames"].value)

    @property
    def ticks(self) -> int:
        """Ticks in frames processed since the start."""
        return int(self._of_a_partition["ticks"].value)
