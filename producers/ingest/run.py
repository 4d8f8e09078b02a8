"""Runs a producer as a program: calendars, warm start, Kafka, metrics, signals, final summary."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final, TypeVar

import structlog
import typer

from core.kafka.preflight import preflight
from core.kafka.security_files import SecurityFiles
from core.model.errors import TransportError
from core.model.instruments import Source, Universe
from core.model.sessions import CALENDAR_FROM, CALENDAR_THROUGH, Calendar, build_calendars
from core.model.settings import KafkaSettings, Settings
from core.model.topics import DEAD_LETTERS_TOPIC, INSTRUMENTS_TOPIC
from core.runtime.backoff import Backoff
from core.runtime.closing import closing_quietly
from core.runtime.files import CALENDAR_OVERRIDES, read_text
from core.runtime.garbage import calm_garbage_collector
from core.runtime.line_budget import LineBudget
from core.runtime.metrics_server import MetricsServer
from core.runtime.reason_log import log_totals, reasons_text
from core.runtime.signals import StopFlag, calling_on_signals, stop_event
from producers.backfill.history import flush_timeout_s, publish_history, read_history
from producers.backfill.instruments import check_scales, publish_instruments
from producers.backfill.log_reader import log_reader
from producers.feeds.base import Feed
from producers.framing.hold import Hold
from producers.framing.holding_publisher import HoldingPublisher
from producers.framing.publisher import check_topics, close_sender, open_producer
from producers.ingest.clock import ClockMode
from producers.ingest.history_ahead import last_history_ns
from producers.ingest.predecessor import check_epoch, find_predecessor, recent_frames
from producers.ingest.producer import Producer, RunEnding
from producers.ingest.queue import Overflow
from producers.ingest.readiness import why_not_ready
from producers.metrics import ProducerCollector, ProducerCounters, make_registry

T = TypeVar("T")

RECONNECT_INITIAL_MS: Final = 200
RECONNECT_MAX_MS: Final = 2_000
"""Longest wait between two connection attempts; an attempt takes up to `bootstrap_timeout_ms`."""


def run_feed(
    feed: Feed, source: Source, universe: Universe, settings: Settings, *, until: date, epoch: int
) -> None:
    """Publish the warm start, if configured, then stream until the end.

    Args:
        feed: The vendor's protocol.
        source: Source of its ticks.
        universe: Determines the partitions.
        settings: All other settings.
        until: Last session of the warm start.
        epoch: Producer epoch of this run.

    Raises:
        RotascopeError: Mapped to the exit codes of `producers.ingest.cli`.
    """
    preflight(settings.kafka, structlog.get_logger().warning)
    overrides = read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES)
    calendars = build_calendars(
        {each.calendar for each in feed.instruments},
        CALENDAR_FROM,
        CALENDAR_THROUGH,
        overrides=overrides,
        growing=True,
    )
    warm_start = read_history(universe, settings, until) if settings.history else None
    counters = ProducerCounters(feed.name)
    for partition in range(settings.kafka.partitions):
        counters.of(partition)
    live = ClockMode(settings.producer.clock) is ClockMode.LIVE
    producers: list[Producer] = []  # none until the broker has answered
    with (
        _publisher(source, settings, counters) as publisher,
        _metrics_server(settings, source, calendars.values(), counters, producers, publisher),
        _stops(publisher) as asked,
    ):
        try:
            publisher.wait_connected()
            predecessor, history_ns = _answered(
                lambda: _check_log(settings.kafka, universe, source, epoch), asked
            )
            publish_instruments(universe, publisher)
            if warm_start is not None:
                publish_history(warm_start, universe, settings, publisher, epoch, timeout_s=None)
                history_ns = max(history_ns or 0, int(warm_start.records["ts_event"].max()))
            publisher.flush(None)
        except TransportError:
            if asked.is_set() and not publisher.has_connected:
                typer.echo("stopped: no broker answered, and nothing was read")
                return
            raise
        if asked.is_set():
            typer.echo("stopped: nothing was read")
            return
        publisher.overflow = Overflow.DROP if live else Overflow.WAIT
        producer = Producer(
            feed,
            source,
            universe,
            calendars,
            publisher,
            counters,
            settings.producer,
            partitions=settings.kafka.partitions,
            epoch=epoch,
            flush_timeout_s=flush_timeout_s(settings),
            takes_over=predecessor is not None,
            history_ns=history_ns,
        )
        producers.append(producer)
        calm_garbage_collector()
        started_s = time.monotonic()
        ending = asyncio.run(_until_stopped(producer, asked))
        _summarise(counters, ending, time.monotonic() - started_s)


def _check_log(
    settings: KafkaSettings, universe: Universe, source: Source, epoch: int
) -> tuple[int | None, int | None]:
    """Check that this run may continue the log; return the epoch before it, and the history's last close."""
    with log_reader(settings) as reader:
        frames = recent_frames(reader, settings.ticks_topic)
        predecessor = find_predecessor(frames, source.source_id)
        check_epoch(predecessor, epoch, source.name)
        check_scales(reader, universe)
    return predecessor, last_history_ns(frames)


@contextmanager
def _publisher(source: Source, settings: Settings, counters: ProducerCounters) -> Iterator[HoldingPublisher]:
    """Open a publisher with the configured retention of records, and close it at the end."""
    own = settings.producer
    checked = threading.Event()

    def connect() -> Any:
        sender = open_producer(settings.kafka)
        if not checked.is_set():
            try:
                check_topics(sender, settings.kafka, (DEAD_LETTERS_TOPIC, INSTRUMENTS_TOPIC))
            except TransportError as error:
                close_sender(sender)
                # An unreachable broker also reports no topic; only one that answers proves that it is
                # missing.
                close_sender(open_producer(settings.kafka))
                error.retriable = False
                raise
            except BaseException:
                close_sender(sender)
                raise
            checked.set()
        return sender

    # Records in the client cannot be dropped, so it may hold at most half of the retry buffer.
    in_flight_max = min(own.bytes_in_flight_max, own.hold_max_bytes // (2 * settings.kafka.partitions))
    publisher = HoldingPublisher(
        connect,
        topic=settings.kafka.ticks_topic,
        source=source.name,
        hold=Hold(own.hold_max_bytes, own.hold_max_age_ms / 1000, own.bytes_in_flight_max),
        bytes_in_flight_max=in_flight_max,
        counters=counters,
        files=SecurityFiles(settings.kafka.security, monotonic_ns=time.monotonic_ns),
        backoff=Backoff(RECONNECT_INITIAL_MS, RECONNECT_MAX_MS, 0, random=random.Random().random),  # noqa: S311
    )
    with closing_quietly(publisher.close, "the publisher"):
        yield publisher


def _answered(question: Callable[[], T], asked: StopFlag) -> T:
    """Query the log, retrying while the broker does not answer.

    Args:
        question: Reads the log; raises `TransportError`.
        asked: Set when a stop is requested, which ends the wait.

    Raises:
        TransportError: Not retriable, or a stop was requested.
    """
    budget = LineBudget()
    while True:
        try:
            return question()
        except TransportError as error:
            if asked.is_set() or not error.retriable:
                raise
            if budget.take(time.monotonic()):
                structlog.get_logger().warning("the log cannot be read", error=error.message)
            asked.wait(RECONNECT_MAX_MS / 1000)


@contextmanager
def _stops(publisher: HoldingPublisher) -> Iterator[StopFlag]:
    """Let a signal end every wait for the broker at once; the stream installs its own handlers."""
    asked = StopFlag()

    def stop() -> None:
        asked.set()
        publisher.give_up_in(0)

    with calling_on_signals(stop):
        yield asked


async def _until_stopped(producer: Producer, asked: StopFlag) -> RunEnding:
    """Run with SIGINT and SIGTERM requesting a clean stop."""
    with stop_event() as stop:
        if asked.is_set():  # just before the handlers were replaced
            stop.set()
        return await producer.run(stop)


def _summarise(counters: ProducerCounters, ending: RunEnding, seconds: float) -> None:
    frames = sum(partition.frames for partition in counters.partitions.values())
    rejected = counters.rejects.total()
    how = "end of recording" if ending.end_of_recording else "stopped"
    typer.echo(
        f"{how}: {counters.ticks:,} ticks in {frames:,} frames ({seconds:,.1f} s, "
        f"{counters.ticks / max(seconds, 1e-9):,.0f} ticks/s), {rejected:,} rejected"
        f"{reasons_text(counters.rejects)}, "
        f"{counters.repeated:,} repeated, {counters.gaps.total():,} gaps"
    )
    log_totals("rotascope.producer", counters.rejects)


@contextmanager
def _metrics_server(
    settings: Settings,
    source: Source,
    calendars: Iterable[Calendar],
    counters: ProducerCounters,
    producers: list[Producer],
    publisher: HoldingPublisher,
) -> Iterator[None]:
    """Serve /metrics of this run."""
    collector = ProducerCollector(
        counters,
        queue_messages=lambda: sum(len(each.queue) for each in producers),
        queue_age_ns=lambda: max((each.queue.age_ns(time.time_ns()) for each in producers), default=0),
        held=lambda: ((figures := publisher.figures()).bytes, figures.age_s),
        source=source.name,
        recorded=ClockMode(settings.producer.clock) is ClockMode.RECORDED,
        calendars=calendars,
    )
    registry = make_registry(collector, counters)
    probes = {"/livez": list[str], "/readyz": lambda: why_not_ready(counters)}
    host, port = settings.metrics.host, settings.metrics.port
    with MetricsServer(registry, host=host, port=port, probes=probes) as server:
        structlog.get_logger().info("serving metrics", address=server.url, port=server.port)
        yield
