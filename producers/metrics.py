"""What a producer counts, and how a scrape sees it.

The counters are plain numbers, written where the work is done; a scrape turns them into metric
families of `core.metrics`, so counting costs a tick nothing but an addition.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from core.metrics import METRICS_BY_NAME, MetricKind, Sample
from core.records import NANOSECONDS_PER_SECOND

_PREFIX: Final = "rotascope_producer_"


@dataclass(slots=True)
class PartitionCounters:
    """What one partition of the ticks topic counts. Changed under the publisher's lock only."""

    frames: int = 0
    failures: int = 0
    in_flight_bytes: int = 0
    waits: int = 0
    waited_seconds: float = 0.0


@dataclass(slots=True)
class ProducerCounters:
    """What one producer counts since its start. Each number is written by one thread."""

    feed: str
    # the reader
    messages: int = 0
    reconnects: Counter[str] = field(default_factory=Counter)
    """By reason."""
    watchdog_timeouts: int = 0
    queue_pauses: int = 0
    queue_dropped: int = 0
    connected: bool = False
    unconfirmed_symbols: int = 0
    """Of the running connection, or of the last one."""
    # the pipeline
    ticks: int = 0
    items: Counter[str] = field(default_factory=Counter)
    """By outcome."""
    rejects: Counter[str] = field(default_factory=Counter)
    """By reason."""
    vendor_errors: Counter[str] = field(default_factory=Counter)
    """By code."""
    unknown_conditions: int = 0
    repeated: int = 0
    gaps: int = 0
    feed_delay_ns: int = 0
    clock_ns: int | None = None
    # the publisher
    partitions: dict[int, PartitionCounters] = field(default_factory=dict)

    def of(self, partition: int) -> PartitionCounters:
        """The counters of one partition, made on first use."""
        return self.partitions.setdefault(partition, PartitionCounters())


class ProducerCollector(Collector):
    """Shows a producer's counters to Prometheus.

    Args:
        counters: What to show.
        queue_messages: Messages that wait between reader and pipeline.
        queue_age_ns: How long the oldest of them has waited.
    """

    def __init__(
        self,
        counters: ProducerCounters,
        queue_messages: Callable[[], int],
        queue_age_ns: Callable[[], int],
    ) -> None:
        self._counters = counters
        self._queue_messages = queue_messages
        self._queue_age_ns = queue_age_ns

    def collect(self) -> Iterable[Metric]:
        """Turn the counters into metric families."""
        for name, samples in groupby(self.samples(), key=lambda sample: sample.name):
            row = METRICS_BY_NAME[name]
            family = CounterMetricFamily if row.kind is MetricKind.COUNTER else GaugeMetricFamily
            metric = family(name, row.help, labels=row.labels)
            for sample in samples:
                metric.add_metric(sample.labels, sample.value)
            yield metric

    def samples(self) -> Iterator[Sample]:
        """Give every value, grouped by metric."""
        counters = self._counters
        feed = (counters.feed,)
        yield _sample("messages_total", feed, counters.messages)
        yield _sample("ticks_total", feed, counters.ticks)
        yield _sample("gaps_total", feed, counters.gaps)
        yield _sample("unknown_conditions_total", feed, counters.unknown_conditions)
        yield _sample("repeated_ticks_total", feed, counters.repeated)
        yield _sample("watchdog_timeouts_total", feed, counters.watchdog_timeouts)
        yield _sample("queue_dropped_messages_total", feed, counters.queue_dropped)
        yield _sample("queue_pauses_total", feed, counters.queue_pauses)
        yield _sample("queue_messages", feed, self._queue_messages())
        yield _sample("queue_age_seconds", feed, self._queue_age_ns() / NANOSECONDS_PER_SECOND)
        yield _sample("feed_delay_seconds", feed, counters.feed_delay_ns / NANOSECONDS_PER_SECOND)
        yield _sample("connected", feed, counters.connected)
        yield _sample("ready", feed, counters.connected and not counters.unconfirmed_symbols)
        yield _sample("unconfirmed_symbols", feed, counters.unconfirmed_symbols)
        if counters.clock_ns is not None:
            yield _sample("clock_timestamp_seconds", feed, counters.clock_ns / NANOSECONDS_PER_SECOND)
        yield from _by_label("items_total", feed, counters.items)
        yield from _by_label("rejects_total", feed, counters.rejects)
        yield from _by_label("vendor_errors_total", feed, counters.vendor_errors)
        yield from _by_label("reconnects_total", feed, counters.reconnects)
        partitions = [(str(number), of) for number, of in sorted(counters.partitions.items())]
        for number, of in partitions:
            yield _sample("frames_total", (counters.feed, number), of.frames)
        for number, of in partitions:
            yield _sample("in_flight_bytes", (number,), of.in_flight_bytes)
        for number, of in partitions:
            yield _sample("send_failures_total", (number,), of.failures)
        for number, of in partitions:
            yield _sample("backpressure_waits_total", (number,), of.waits)
        for number, of in partitions:
            yield _sample("backpressure_seconds_total", (number,), of.waited_seconds)


def _sample(name: str, labels: tuple[str, ...], value: float) -> Sample:
    return Sample(_PREFIX + name, labels, float(value))


def _by_label(name: str, feed: tuple[str], counts: Counter[str]) -> Iterator[Sample]:
    for label, count in sorted(counts.items()):
        yield _sample(name, (*feed, label), count)
