"""Externally visible state of a worker, and its end condition."""

from __future__ import annotations

from dataclasses import dataclass, field

from consumers.metrics.counters import WorkerCounters
from consumers.metrics.gate import StateGate
from consumers.worker.partition import PartitionTask


@dataclass(slots=True)
class WorkerState:
    """State that a scrape may read, only under the gate."""

    gate: StateGate = field(default_factory=StateGate)
    counters: WorkerCounters = field(default_factory=WorkerCounters)
    tasks: dict[int, PartitionTask] = field(default_factory=dict)
    opening: tuple[int, ...] = ()
    """Assigned partitions without a task yet."""
    joined: bool | None = None
    """Whether this is a stable member of the group; None without a group."""
    commit_failures_in_a_row: int = 0
    last_turn_ns: int | None = None
    """Monotonic, ns; None before the first turn."""
    answered_ns: int | None = None
    """When the loop last saw a broker response; monotonic, ns; None before the first."""
    broker_away: bool = False
    """Whether no broker has answered for `broker_silence_ms`."""
    fresh_answers_since_ns: int | None = None
    """During an outage: since when every new client of this process has had a response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """End condition of the loop.

    Args:
        event_time_ns: Stop once every partition's clock has reached this event time.
        idle_ms: Stop once every partition has been at the end of the log for this long.
    """

    event_time_ns: int | None = None
    idle_ms: int | None = None
