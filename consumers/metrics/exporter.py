"""Exports a worker's state as metrics at scrape time."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from consumers.metrics.counters import WorkerCounters
from consumers.metrics.health import Health
from consumers.metrics.pair_samples import market_samples
from consumers.metrics.partition_samples import partition_samples
from consumers.metrics.selection import DROPPED_REASONS, Selection, select
from consumers.metrics.state_copy import EngineCopy, copy_engines
from consumers.metrics.totals import ProcessTotals
from consumers.worker.state import WorkerState
from core.engine.samples import definition_samples, record_samples
from core.model.metrics import METRICS_BY_NAME, MetricKind, Sample
from core.model.settings import MetricsSettings

_NS_PER_SECOND: Final = 1_000_000_000
_SNAPSHOTS: Final = "rotascope_worker_snapshots_total"


class WorkerCollector(Collector):
    """Converts a worker's state to metric families, at no cost per tick.

    The loop waits only while arrays are copied (`state_copy`); pairs are chosen and text is written from
    the copies, in the thread of the scrape. Series of a revoked partition disappear, because nothing but
    totals is kept between scrapes. While a partition is restoring, its engine is at a past event time, so
    its values are omitted. Counters are not read here: they are in the same registry.

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
        self._settings = settings
        self._version = version
        self._wall_seconds = wall_seconds
        self._totals = ProcessTotals()
        self._totals.add(self, [Sample(_SNAPSHOTS, (), 0)])
        self._one_at_a_time = threading.Lock()
        self._said_dropped = False

    @property
    def counters(self) -> WorkerCounters:
        """Counters of the worker."""
        return self._state.counters

    def collect(self) -> Iterable[Metric]:
        """Return the families of one moment; a second scrape waits for the first, not the loop."""
        with self._one_at_a_time:
            samples = list(self._samples())
        yield from _families(samples)

    def _samples(self) -> Iterator[Sample]:
        now_s = self._wall_seconds()
        ready = not self._health.why_not_ready()
        with self._state.gate.scraping():
            own = [*self._worker_samples(ready, now_s), *partition_samples(self._state, self._health, now_s)]
        copies, stall_s = copy_engines(self._state)
        yield from own
        self._count(copies)
        yield from self._totals.samples()
        partitions = [copy.exposed for copy in copies if not copy.restoring]
        selection = select(partitions, self._settings)
        self._say_dropped(selection)
        yield from market_samples(partitions, selection, int(now_s * _NS_PER_SECOND))
        yield Sample("rotascope_worker_pairs", (), selection.pairs)
        yield Sample("rotascope_worker_series", (), selection.series)
        yield Sample("rotascope_worker_scrape_stall_seconds", (), stall_s)
        for reason in DROPPED_REASONS:
            yield Sample("rotascope_worker_dropped_pairs", (reason,), selection.dropped[reason])

    def _worker_samples(self, ready: bool, now_s: float) -> Iterator[Sample]:
        version = (self._version, platform.python_version())
        yield Sample("rotascope_build_info", version, 1)
        yield Sample("rotascope_worker_ready", (), ready)
        silence_s = self._health.broker_silence_s()
        if silence_s is not None:
            yield Sample("rotascope_worker_broker_answer_timestamp_seconds", (), now_s - silence_s)
        joined = self._health.is_answered and self._state.joined is not False
        yield Sample("rotascope_worker_joined", (), joined)
        if self.counters.last_commit_s is not None:
            yield Sample("rotascope_worker_last_commit_timestamp_seconds", (), self.counters.last_commit_s)

    def _count(self, copies: Iterable[EngineCopy]) -> None:
        """Add what engines have counted since the last scrape; a replay repeats transitions, not records."""
        for copy in copies:
            self._totals.add(copy.engine, record_samples(copy.exposed))
            count = self._totals.skip if copy.restoring else self._totals.add
            count(copy.engine, definition_samples(copy.exposed))
            self._totals.add(copy.checkpointer, [Sample(_SNAPSHOTS, (), copy.checkpointer.written)])

    def _say_dropped(self, selection: Selection) -> None:
        """Log once that pairs have no series."""
        if self._said_dropped or not any(selection.dropped.values()):
            return
        self._said_dropped = True
        structlog.get_logger("rotascope.worker").warning(
            "some pairs have no series in /metrics",
            pairs=selection.pairs,
            series=selection.series,
            **{f"dropped_by_{reason}": dropped for reason, dropped in selection.dropped.items()},
            operator_action="name the pairs you need in metrics.watched_pairs, "
            "or raise metrics.pairs_max or metrics.series_max",
        )


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
