"""Samples of each partition's place in the log; read under the gate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from consumers.metrics.health import Health
from consumers.snapshots.checkpoint import Checkpointer
from consumers.worker.partition import PartitionTask
from consumers.worker.state import WorkerState
from core.model.metrics import Sample

_MS_PER_SECOND: Final = 1_000
_NS_PER_SECOND: Final = 1_000_000_000


def partition_samples(state: WorkerState, health: Health, now_s: float) -> Iterator[Sample]:
    """Yield the state of every assigned partition.

    Args:
        state: State of the worker.
        health: Says whether a broker answers; otherwise the lag is not known.
        now_s: Wall time, s UTC.
    """
    for partition in state.opening:
        yield Sample("rotascope_partition_state", (str(partition), "assigned"), 1)
        yield Sample("rotascope_partition_ready", (str(partition),), 0)
    answered = health.is_answered
    for partition, task in state.tasks.items():
        labels = (str(partition),)
        yield Sample("rotascope_partition_state", (*labels, task.phase), 1)
        yield from _snapshot_samples(labels, task.checkpointer)
        yield Sample("rotascope_worker_outbox_records", labels, task.outbox.records)
        yield Sample("rotascope_worker_outbox_bytes", labels, task.outbox.bytes)
        yield Sample("rotascope_partition_ready", labels, task.ready)
        yield Sample("rotascope_partition_next_offset", labels, task.next_offset)
        yield Sample("rotascope_partition_restore_ratio", labels, task.restore_ratio)
        if task.end_known and answered:
            yield Sample("rotascope_partition_lag_records", labels, task.lag_records)
            yield Sample("rotascope_partition_lag_seconds", labels, _lag_seconds(task, now_s))
        behind = task.event_time_lag_seconds
        if behind is not None:
            clock_seconds = task.engine.clock_ns / _NS_PER_SECOND
            yield Sample("rotascope_partition_event_time_lag_seconds", labels, behind)
            yield Sample("rotascope_partition_clock_timestamp_seconds", labels, clock_seconds)


def _lag_seconds(task: PartitionTask, now_s: float) -> float:
    if task.lag_records == 0 or task.last_append_ms is None:
        return 0.0
    return max(0.0, now_s - task.last_append_ms / _MS_PER_SECOND)


def _snapshot_samples(labels: tuple[str], snapshots: Checkpointer) -> Iterator[Sample]:
    if snapshots.captured_s is not None:
        yield Sample("rotascope_partition_snapshot_timestamp_seconds", labels, snapshots.captured_s)
        yield Sample("rotascope_partition_snapshot_bytes", labels, snapshots.last_bytes)
        yield Sample("rotascope_partition_snapshot_duration_seconds", labels, snapshots.last_duration_s)
