"""What of a worker can be seen from outside, and when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from consumers.metrics.counters import WorkerCounters
from consumers.metrics.gate import StateGate
from consumers.worker.partition import PartitionTask


@dataclass(slots=True)
class WorkerState:
    """What a scrape may look at: under the gate, and nowhere else."""

    gate: StateGate = field(default_factory=StateGate)
    counters: WorkerCounters = field(default_factory=WorkerCounters)
    tasks: dict[int, PartitionTask] = field(default_factory=dict)
    opening: tuple[int, ...] = ()
    """Partitions that are ours and have no task yet."""
    joined: bool | None = None
    """Whether the group counts us in; None without a group."""
    commit_failures_in_a_row: int = 0
    last_turn_ns: int | None = None
    """Monotonic; None before the first turn."""
    heard_ns: int | None = None
    """When the loop last saw that a broker had answered; monotonic, None before the first answer."""
    broker_away: bool = False
    """Whether no broker has answered for `broker_silence_ms`."""
    fresh_answers_since_ns: int | None = None
    """While away: since when new clients of this process have been answered without exception."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """When the loop ends by itself.

    Args:
        event_time_ns: Once every partition's clock has reached this event time.
        idle_ms: Once every partition has been at the end of the log for so long.
    """

    event_time_ns: int | None = None
    idle_ms: int | None = None
