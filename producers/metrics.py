"""Counters of a producer, and the collector that exposes its state at a scrape.

Counters are prometheus_client objects, so several threads may count while others scrape. Values that are
only valid at the moment of a scrape are read by `ProducerCollector`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from core.model.calendar import Calendar
from core.model.metrics import METRICS_BY_NAME, Sample
from core.model.records import NANOSECONDS_PER_SECOND, GapCause
from core.runtime.counting import Count, Counts, Level, Number, Part, count, level
from producers.feeds.base import MessageOutcome
from producers.ingest.clock import ClockMode

_PREFIX: Final = "rotascope_producer_"
RECONNECT_REASONS: Final = ("connection", "silence", "watchdog")
REJECT_REASONS: Final = (
    "size",
    "price",
    "unknown_symbol",
    "schema",
    "trade_id",
    "timestamp",
    "malformed",
    "future",
    "too_old",
    "unconfirmed",
)
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
    "frames": "frames_total",
    "failures": "send_failures_total",
    "dropped_frames": "hold_dropped_frames_total",
    "dropped_ticks": "hold_dropped_ticks_total",
    "waits": "backpressure_waits_total",
    "waited_seconds": "backpressure_seconds_total",
}


class SendCounters:
    """Counters of one partition of the ticks topic. Updated under the publisher's lock only.

    A scrape shows their sum over all partitions.

    Args:
        bound: Metrics of the producer by attribute name; None for unregistered metrics.
    """

    frames = Part(int)
    failures = Part(int)
    in_flight_bytes = Part(int)
    dropped_frames = Part(int)
    dropped_ticks = Part(int)
    waits = Part(int)
    waited_seconds = Part(float)

    def __init__(self, bound: Mapping[str, Count | Level] | None = None) -> None:
        self.bound = _sums("", CollectorRegistry()) if bound is None else bound


def _sums(feed: str, registry: CollectorRegistry) -> Mapping[str, Count | Level]:
    """Return what partitions share, by attribute name of `SendCounters`."""
    bound: dict[str, Count | Level] = {
        name: count(_PREFIX + metric, registry).labels(feed) for name, metric in _OF_A_PARTITION.items()
    }
    bound["in_flight_bytes"] = level(f"{_PREFIX}in_flight_bytes", registry).labels(feed)
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
        self.reconnects = self._by_label("reconnects_total", RECONNECT_REASONS)
        """By reason: one of these, or the vendor's code."""
        self.items = self._by_label("items_total", tuple(MessageOutcome))
        """By outcome."""
        self.rejects = self._by_label("rejects_total", REJECT_REASONS)
        """By reason."""
        self.vendor_errors = self._by_label("vendor_errors_total")
        """By code."""
        self.gaps = self._by_label("gaps_total", tuple(cause.label for cause in GapCause))
        """By reason."""
        self.connected = False
        self.unconfirmed_symbols = 0
        """Of the current connection, or of the last one."""
        self.feed_delay_ns: int | None = None
        self.last_message_ns: int | None = None
        """Wall time at which the last message was received, ns UTC."""
        self.last_tick_ns: int | None = None
        """Wall time at which the last ticks were decoded, ns UTC."""
        self.clock_ns: int | None = None
        # the publisher
        self.broker_connected = False
        self.partitions: dict[int, SendCounters] = {}
        """For the code; a scrape reads the metrics instead."""
        self._sums = _sums(feed, registry)

    def of(self, partition: int) -> SendCounters:
        """The counters of one partition, created on first use."""
        own = self.partitions.get(partition)
        if own is None:
            own = self.partitions[partition] = SendCounters(self._sums)
        return own

    def _by_label(self, metric: str, known: Iterable[str] = ()) -> Counts[str]:
        return Counts(count(_PREFIX + metric, self.registry), leading=(self.feed,), known=known)


class ProducerCollector(Collector):
    """Collects the state of a producer at the moment of a scrape.

    Args:
        counters: Hold clock, delay and connection state.
        queue_messages: Returns the number of messages queued between reader and pipeline.
        queue_age_ns: Returns the age of the oldest of them.
        held: Returns the bytes that the broker has not acknowledged, and the age of the oldest record, s.
        source: Name of the feed's source of ticks.
        recorded: The feed is a recording: what it receives says nothing about delay.
        calendars: Calendars of its instruments.
        wall_ns: Wall clock, ns UTC.
    """

    def __init__(
        self,
        counters: ProducerCounters,
        queue_messages: Callable[[], int],
        queue_age_ns: Callable[[], int],
        held: Callable[[], tuple[int, float]] = lambda: (0, 0.0),
        *,
        source: str = "",
        recorded: bool = False,
        calendars: Iterable[Calendar] = (),
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._counters = counters
        self._queue_messages = queue_messages
        self._queue_age_ns = queue_age_ns
        self._held = held
        self._source = source
        self._recorded = recorded
        self._calendars = tuple(calendar.copy() for calendar in calendars)
        self._wall_ns = wall_ns

    def collect(self) -> Iterable[Metric]:
        """Read all values and convert each to a metric family."""
        for name, labels, value in self.samples():
            row = METRICS_BY_NAME[name]
            metric = GaugeMetricFamily(name, row.help, labels=row.labels)
            metric.add_metric(labels, value)
            yield metric

    def samples(self) -> Iterator[Sample]:
        """Yield every value."""
        counters, now_ns = self._counters, self._wall_ns()
        mode = ClockMode.RECORDED if self._recorded else ClockMode.LIVE
        yield Sample(f"{_PREFIX}source_info", (counters.feed, self._source, mode.value), 1)
        is_open = any(calendar.index_at(now_ns) >= 0 for calendar in self._calendars)
        yield self._sample("session_open", is_open)
        yield self._sample("queue_messages", self._queue_messages())
        yield self._sample("connected", counters.connected)
        yield self._sample("ready", counters.connected and not counters.unconfirmed_symbols)
        yield self._sample("unconfirmed_symbols", counters.unconfirmed_symbols)
        held_bytes, held_age_s = self._held()
        yield self._sample("held_bytes", held_bytes)
        yield self._sample("broker_connected", counters.broker_connected)
        if not self._recorded and counters.feed_delay_ns is not None:
            yield self._sample("feed_delay_seconds", counters.feed_delay_ns / NANOSECONDS_PER_SECOND)
        queue_age_ns = self._queue_age_ns()
        moments_ns = {
            "queue_oldest_timestamp_seconds": now_ns - queue_age_ns if queue_age_ns else None,
            "held_oldest_timestamp_seconds": now_ns - held_age_s * NANOSECONDS_PER_SECOND
            if held_bytes
            else None,
            "last_message_timestamp_seconds": counters.last_message_ns,
            "last_tick_timestamp_seconds": counters.last_tick_ns,
            "clock_timestamp_seconds": counters.clock_ns,
        }
        for metric, moment_ns in moments_ns.items():
            if moment_ns is not None:
                yield self._sample(metric, moment_ns / NANOSECONDS_PER_SECOND)

    def _sample(self, name: str, value: float) -> Sample:
        return Sample(_PREFIX + name, (self._counters.feed,), float(value))


def make_registry(collector: ProducerCollector, counters: ProducerCounters) -> CollectorRegistry:
    """Return the registry of the producer's counters, with the collector registered."""
    counters.registry.register(collector)
    return counters.registry
