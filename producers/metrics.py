"""Counters of a producer, and the collector that exposes its state at a scrape.

Counters are prometheus_client objects, so several threads may count while others scrape. Values that are
only valid at the moment of a scrape are read by `ProducerCollector`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.model.metrics import METRICS_BY_NAME, Sample
from core.model.records import NANOSECONDS_PER_SECOND
from core.runtime.counting import Count, Counts, Level, Number, count, level

_PREFIX: Final = "rotascope_producer_"
_OF_A_FEED: Final = {
    "messages": "messages_total",
    "watchdog_timeouts": "watchdog_timeouts_total",
    "queue_pauses": "queue_pauses_total",
    "queue_dropped": "queue_dropped_messages_total",
    "ticks": "ticks_total",
    "unknown_conditions": "unknown_conditions_total",
    "repeated": "repeated_ticks_total",
    "broker_reconnects": "broker_reconnects_total",
    "dropped_dead_letters": "hold_dropped_dead_letters_total",
}
_OF_A_PARTITION: Final = {
    "failures": "send_failures_total",
    "dropped_frames": "hold_dropped_frames_total",
    "dropped_ticks": "hold_dropped_ticks_total",
    "waits": "backpressure_waits_total",
    "waited_seconds": "backpressure_seconds_total",
}


class PartitionCounters:
    """Counters of one partition of the ticks topic. Updated under the publisher's lock only.

    Args:
        bound: Its metrics by attribute name; None for unregistered metrics.
    """

    frames = Number(int)
    failures = Number(int)
    in_flight_bytes = Number(int)
    dropped_frames = Number(int)
    dropped_ticks = Number(int)
    waits = Number(int)
    waited_seconds = Number(float)

    def __init__(self, bound: Mapping[str, Count | Level] | None = None) -> None:
        self.bound = _PartitionMetrics(CollectorRegistry()).of("", "") if bound is None else bound


class _PartitionMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._frames = count(f"{_PREFIX}frames_total", registry)
        self._in_flight = level(f"{_PREFIX}in_flight_bytes", registry)
        self._others = {name: count(_PREFIX + metric, registry) for name, metric in _OF_A_PARTITION.items()}

    def of(self, feed: str, partition: str) -> Mapping[str, Count | Level]:
        bound: dict[str, Count | Level] = {
            name: counter.labels(partition) for name, counter in self._others.items()
        }
        bound["frames"] = self._frames.labels(feed, partition)
        bound["in_flight_bytes"] = self._in_flight.labels(partition)
        return bound


class ProducerCounters:
    """Counters of one producer since its start.

    Args:
        feed: Value of the `feed` label.
        registry: Registry of the counters; a new one by default.
    """

    # the reader
    messages = Number(int)
    watchdog_timeouts = Number(int)
    queue_pauses = Number(int)
    queue_dropped = Number(int)
    # the pipeline
    ticks = Number(int)
    unknown_conditions = Number(int)
    repeated = Number(int)
    # the publisher
    broker_reconnects = Number(int)
    dropped_dead_letters = Number(int)

    def __init__(self, feed: str, registry: CollectorRegistry | None = None) -> None:
        self.feed = feed
        self.registry = registry = CollectorRegistry() if registry is None else registry
        self.bound: dict[str, Count] = {
            name: count(_PREFIX + metric, registry).labels(feed) for name, metric in _OF_A_FEED.items()
        }
        self.reconnects = self._by_label("reconnects_total")
        """By reason."""
        self.items = self._by_label("items_total")
        """By outcome."""
        self.rejects = self._by_label("rejects_total")
        """By reason."""
        self.vendor_errors = self._by_label("vendor_errors_total")
        """By code."""
        self.gaps = self._by_label("gaps_total")
        """By reason."""
        self.connected = False
        self.unconfirmed_symbols = 0
        """Of the current connection, or of the last one."""
        self.feed_delay_ns = 0
        self.clock_ns: int | None = None
        # the publisher
        self.broker_connected = False
        self.partitions: dict[int, PartitionCounters] = {}
        """For the code; a scrape reads the metrics instead."""
        self._partition_metrics = _PartitionMetrics(registry)

    def of(self, partition: int) -> PartitionCounters:
        """The counters of one partition, created on first use."""
        own = self.partitions.get(partition)
        if own is None:
            bound = self._partition_metrics.of(self.feed, str(partition))
            own = self.partitions[partition] = PartitionCounters(bound)
        return own

    def _by_label(self, metric: str) -> Counts[str]:
        return Counts(count(_PREFIX + metric, self.registry), leading=(self.feed,))


class ProducerCollector(Collector):
    """Collects the state of a producer at the moment of a scrape.

    Args:
        counters: Hold clock, delay and connection state.
        queue_messages: Returns the number of messages queued between reader and pipeline.
        queue_age_ns: Returns the age of the oldest of them.
        held: Returns the bytes that the broker has not acknowledged, and the age of the oldest record, s.
    """

    def __init__(
        self,
        counters: ProducerCounters,
        queue_messages: Callable[[], int],
        queue_age_ns: Callable[[], int],
        held: Callable[[], tuple[int, float]] = lambda: (0, 0.0),
    ) -> None:
        self._counters = counters
        self._queue_messages = queue_messages
        self._queue_age_ns = queue_age_ns
        self._held = held

    def collect(self) -> Iterable[Metric]:
        """Read all values and convert each to a metric family."""
        for name, labels, value in self.samples():
            row = METRICS_BY_NAME[name]
            metric = GaugeMetricFamily(name, row.help, labels=row.labels)
            metric.add_metric(labels, value)
            yield metric

    def samples(self) -> Iterator[Sample]:
        """Yield every value."""
        counters = self._counters
        clock_ns = counters.clock_ns
        yield self._sample("queue_messages", self._queue_messages())
        yield self._sample("queue_age_seconds", self._queue_age_ns() / NANOSECONDS_PER_SECOND)
        yield self._sample("feed_delay_seconds", counters.feed_delay_ns / NANOSECONDS_PER_SECOND)
        yield self._sample("connected", counters.connected)
        yield self._sample("ready", counters.connected and not counters.unconfirmed_symbols)
        yield self._sample("unconfirmed_symbols", counters.unconfirmed_symbols)
        held_bytes, held_age_s = self._held()
        yield self._sample("held_bytes", held_bytes)
        yield self._sample("held_age_seconds", held_age_s)
        yield self._sample("broker_connected", counters.broker_connected)
        if clock_ns is not None:
            yield self._sample("clock_timestamp_seconds", clock_ns / NANOSECONDS_PER_SECOND)

    def _sample(self, name: str, value: float) -> Sample:
        return Sample(_PREFIX + name, (self._counters.feed,), float(value))


def make_registry(collector: ProducerCollector, counters: ProducerCounters) -> CollectorRegistry:
    """Return the registry of the producer's counters, with the collector registered."""
    counters.registry.register(collector)
    return counters.registry
