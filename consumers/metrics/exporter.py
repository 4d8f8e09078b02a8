"""Exports a worker's state as metrics at scrape time."""

from __future__ import annotations

import math
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from consumers.metrics.counters import WorkerCounters
from consumers.metrics.health import Health
from consumers.snapshots.checkpoint import Checkpointer
from consumers.worker.partition import PartitionTask
from consumers.worker.phase import PartitionPhase
from consumers.worker.state import WorkerState
from core.model.metrics import METRICS_BY_NAME, MetricKind, Sample
from core.model.settings import MetricsSettings

_MS_PER_SECOND: Final = 1_000
_NS_PER_SECOND: Final = 1_000_000_000


class WorkerCollector(Collector):
    """Converts a worker's state to metric families, at no cost per tick.

    Nothing is kept between scrapes, so the series of a revoked partition disappear. While a partition
    is restoring, its engine is at a past event time, so its values are omitted. Counters are not
    read here: they are in the same registry and need no gate.

    Args:
        state: Externally visible state of the worker.
        health: For `rotascope_worker_ready`.
        settings: Pairs to serve, and the limit of series.
        version: Version of Rotascope, for `rotascope_build_info`.
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

    @property
    def counters(self) -> WorkerCounters:
        """Counters of the worker."""
        return self._state.counters

    def collect(self) -> Iterable[Metric]:
        """Read under the gate, and build the families after releasing it."""
        dropped: Counter[str] = Counter()
        ready = not self._health.why_not_ready()
        with self._state.gate.scraping():
            # Asked for under the gate: it brings an engine's values up to date.
            scraped = [
                task.engine.samples()
                for task in self._state.tasks.values()
                if task.phase is not PartitionPhase.RESTORING
            ]
            wanted = self._engine_samples(scraped, dropped)
            engine_samples = list(islice(wanted, self._series_max))
            samples = [
                *self._worker_samples(ready),
                *self._partition_samples(),
            ]
        # Only counted, so processing need not wait.
        dropped["cap"] = sum(1 for _ in wanted)
        samples.append(Sample("rotascope_exporter_series", (), len(engine_samples)))
        samples += [
            Sample("rotascope_exporter_dropped_series", (reason,), dropped[reason])
            for reason in ("cap", "not_in_table")
        ]
        yield from _families([*samples, *engine_samples])

    def _engine_samples(self, scraped: Sequence[Iterator[Sample]], dropped: Counter[str]) -> Iterator[Sample]:
        """Return the values of the selected pairs; those without a row in the table are counted."""
        watched = self._watched
        for sample in chain.from_iterable(scraped):
            row = METRICS_BY_NAME.get(sample.name)
            if row is None:
                dropped["not_in_table"] += 1
            elif not math.isnan(sample.value) and (
                not watched or "pair" not in row.labels or sample.labels[row.labels.index("pair")] in watched
            ):
                yield sample

    def _worker_samples(self, ready: bool) -> Iterator[Sample]:
        version = (self._version, platform.python_version())
        yield Sample("rotascope_build_info", version, 1)
        yield Sample("rotascope_worker_ready", (), ready)
        silence_s = self._health.broker_silence_s()
        if silence_s is not None:
            yield Sample("rotascope_worker_broker_silence_seconds", (), silence_s)
        joined = self._health.is_answered and self._state.joined is not False
        yield Sample("rotascope_worker_joined", (), joined)

    def _partition_samples(self) -> Iterator[Sample]:
        answered = self._health.is_answered
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
            if task.end_known and answered:
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
    """Return the registry of the counters, with the worker state and process CPU, memory and files."""
    registry = collector.counters.registry
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def _families(samples: Iterable[Sample]) -> Iterator[Metric]:
    """Group samples into one family per name, in order of first appearance, as the text format requires."""
    families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
    for name, labels, value in samples:
        family = families.get(name)
        if family is None:
            row = METRICS_BY_NAME[name]
            kind = CounterMetricFamily if row.kind is MetricKind.COUNTER else GaugeMetricFamily
            family = families[name] = kind(name, row.help, labels=row.labels)
        family.add_metric(labels, value)
    yield from families.values()
