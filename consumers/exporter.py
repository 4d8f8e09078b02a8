"""Metrics of a worker, read from its state at the moment of the scrape."""

from __future__ import annotations

import math
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from consumers.assignment import NEW_MEMBER, OVERTAKEN
from consumers.checkpoint import Checkpointer
from consumers.counters import DurationHistogram
from consumers.health import Health
from consumers.partition import PartitionPhase, PartitionTask
from consumers.transport import ChangeKind
from consumers.worker_state import WorkerState
from core.metrics import METRICS_BY_NAME, MetricKind, Sample
from core.settings import MetricsSettings

_MS_PER_SECOND: Final = 1_000
_NS_PER_SECOND: Final = 1_000_000_000
COMMIT_OUTCOMES: Final = ("committed", "failed", "aborted", "fenced", "unknown")
"""`failed` of at-least-once; the last three of a transaction."""
LOOKED_UP: Final = ("committed", "aborted", OVERTAKEN)


class WorkerCollector(Collector):
    """Turns a worker's state into metric families; a tick costs nothing here.

    A partition that leaves takes its series with it, since nothing is remembered between two
    scrapes. While a partition restores, its engine lives in the past: its values are left out.

    Args:
        state: The worker as seen from outside.
        health: For `rotascope_worker_ready`.
        settings: Which pairs are served, and how many series at most.
        version: Of Rotascope, for `rotascope_build_info`.
        wall_seconds: Wall clock, seconds UTC.
    """

    def __init__(
        self,
        state: WorkerState,
        health: Health,
        settings: MetricsSettings,
        *,
        version: str,
        wall_seconds: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._health = health
        self._watched = frozenset(settings.watched_pairs)
        self._series_max = settings.series_max
        self._version = version
        self._wall_seconds = wall_seconds

    def collect(self) -> Iterable[Metric]:
        """Read under the gate, and build what is sent after it."""
        dropped: Counter[str] = Counter()
        ready = not self._health.why_not_ready()
        with self._state.gate.scraping():
            wanted = self._engine_samples(dropped)
            engine_samples = list(islice(wanted, self._series_max))
            samples = [
                *self._worker_samples(ready),
                *self._counter_samples(),
                *self._partition_samples(),
            ]
            histograms = {
                "rotascope_worker_poll_gap_seconds": _frozen(self._state.counters.poll_gap),
                "rotascope_worker_commit_duration_seconds": _frozen(self._state.counters.commit_duration),
            }
        # Only their number matters: stepping need not wait while they are counted.
        dropped["cap"] = sum(1 for _ in wanted)
        samples.append(Sample("rotascope_exporter_series", (), len(engine_samples)))
        samples += [
            Sample("rotascope_exporter_dropped_series", (reason,), dropped[reason])
            for reason in ("cap", "not_in_table")
        ]
        yield from _families([*samples, *engine_samples])
        for name, (buckets, total) in histograms.items():
            family = HistogramMetricFamily(name, METRICS_BY_NAME[name].help)
            family.add_metric([], buckets=buckets, sum_value=total)
            yield family

    def _engine_samples(self, dropped: Counter[str]) -> Iterator[Sample]:
        """Values of the watched pairs; those without a row in the table are counted."""
        watched = self._watched
        for task in list(self._state.tasks.values()):
            if task.phase is PartitionPhase.RESTORING:
                continue
            for sample in task.engine.samples():
                row = METRICS_BY_NAME.get(sample.name)
                if row is None:
                    dropped["not_in_table"] += 1
                elif not math.isnan(sample.value) and (
                    not watched
                    or "pair" not in row.labels
                    or sample.labels[row.labels.index("pair")] in watched
                ):
                    yield sample

    def _worker_samples(self, ready: bool) -> Iterator[Sample]:
        version = (self._version, platform.python_version())
        yield Sample("rotascope_build_info", version, 1)
        yield Sample("rotascope_worker_ready", (), ready)
        silence_s = self._health.broker_silence_s()
        if silence_s is not None:
            yield Sample("rotascope_worker_broker_silence_seconds", (), silence_s)

    def _counter_samples(self) -> Iterator[Sample]:
        counters = self._state.counters
        for partition, own in counters.partitions.items():
            if partition not in self._state.tasks:
                continue
            labels = (str(partition),)
            yield Sample("rotascope_worker_frames_total", labels, own.frames)
            yield Sample("rotascope_worker_ticks_total", labels, own.ticks)
            yield Sample("rotascope_worker_received_bytes_total", labels, own.received_bytes)
            yield Sample("rotascope_worker_poisoned_records_total", labels, own.poisoned)
        for key, count in counters.events.items():
            yield Sample("rotascope_worker_events_total", key, count)
        for frequency, count in counters.bars.items():
            yield Sample("rotascope_worker_bars_total", (frequency,), count)
        for reason, count in counters.dead_letters.items():
            yield Sample("rotascope_worker_dead_letters_total", (reason,), count)
        for outcome in COMMIT_OUTCOMES:
            yield Sample("rotascope_worker_commits_total", (outcome,), counters.commits[outcome])
        yield from self._group_samples()

    def _group_samples(self) -> Iterator[Sample]:
        counters = self._state.counters
        answered = self._state.heard_ns is not None and not self._state.broker_away
        joined = answered and self._state.joined is not False
        yield Sample("rotascope_worker_joined", (), joined)
        for found in LOOKED_UP:
            yield Sample("rotascope_worker_unknown_commits_total", (found,), counters.resolved[found])
        for change in ChangeKind:
            yield Sample("rotascope_worker_rebalances_total", (change,), counters.rebalances[change])
        for reason in (ChangeKind.REVOKED, ChangeKind.LOST, OVERTAKEN, NEW_MEMBER):
            yield Sample(
                "rotascope_worker_dropped_records_total", (reason,), counters.dropped_records[reason]
            )
        yield Sample("rotascope_worker_rejoins_total", (), counters.rejoins)
        yield Sample("rotascope_worker_refetches_total", (), counters.refetches)

    def _partition_samples(self) -> Iterator[Sample]:
        for partition in self._state.opening:
            yield Sample("rotascope_partition_state", (str(partition), "assigned"), 1)
            yield Sample("rotascope_partition_ready", (str(partition),), 0)
        for partition, task in self._state.tasks.items():
            labels = (str(partition),)
            yield Sample("rotascope_partition_state", (*labels, task.phase), 1)
            yield from _snapshot_samples(labels, task.checkpointer)
            yield Sample("rotascope_worker_outbox_records", labels, task.outbox.records)
            yield Sample("rotascope_worker_outbox_bytes", labels, task.outbox.bytes)
            yield Sample("rotascope_partition_ready", labels, task.ready)
            yield Sample("rotascope_partition_next_offset", labels, task.next_offset)
            yield Sample("rotascope_partition_restore_ratio", labels, task.restore_ratio)
            if task.end_known and not self._state.broker_away:
                yield Sample("rotascope_partition_lag_records", labels, task.lag_records)
                yield Sample("rotascope_partition_lag_seconds", labels, self._lag_seconds(task))
            behind = task.event_time_lag_seconds
            if behind is not None:
                clock_seconds = task.engine.clock_ns / _NS_PER_SECOND
                yield Sample("rotascope_partition_event_time_lag_seconds", labels, behind)
                yield Sample("rotascope_partition_clock_timestamp_seconds", labels, clock_seconds)

    def _lag_seconds(self, task: PartitionTask) -> float:
        if task.lag_records == 0 or task.last_append_ms is None:
            return 0.0
        return max(0.0, self._wall_seconds() - task.last_append_ms / _MS_PER_SECOND)


def _snapshot_samples(labels: tuple[str], snapshots: Checkpointer) -> Iterator[Sample]:
    yield Sample("rotascope_partition_snapshots_total", labels, snapshots.written)
    if snapshots.age_s is not None:
        yield Sample("rotascope_partition_snapshot_age_seconds", labels, snapshots.age_s)
        yield Sample("rotascope_partition_snapshot_bytes", labels, snapshots.last_bytes)
        yield Sample("rotascope_partition_snapshot_duration_seconds", labels, snapshots.last_duration_s)


def make_registry(collector: WorkerCollector) -> CollectorRegistry:
    """A registry of its own, with the worker's metrics and the process's CPU, memory and files."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def _families(samples: Iterable[Sample]) -> Iterator[Metric]:
    """One family a name, in order of first appearance: the text format wants them together."""
    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for name, labels, value in samples:
        family = families.get(name)
        if family is None:
            row = METRICS_BY_NAME[name]
            kind = CounterMetricFamily if row.kind is MetricKind.COUNTER else GaugeMetricFamily
            family = families[name] = kind(name, row.help, labels=row.labels)
        family.add_metric(labels, value)
    yield from families.values()


def _frozen(histogram: DurationHistogram) -> tuple[list[tuple[str, int]], float]:
    return list(histogram.buckets()), histogram.sum_seconds
