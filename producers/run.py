"""A producer as a program: calendars, warm start, Kafka, metrics, signals, and a last line of figures."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Final

import structlog
import typer
from prometheus_client import CollectorRegistry, start_http_server

from core.errors import ConfigurationError
from core.instruments import Source, Universe
from core.sessions import build_calendars
from core.settings import Settings
from deploy.edge.files import CALENDAR_OVERRIDES, read_text
from producers.feeds.base import Feed
from producers.history import flush_timeout_s, publish_history, read_history
from producers.instruments import check_scales, publish_instruments
from producers.metrics import ProducerCollector, ProducerCounters
from producers.producer import Ending, Producer
from producers.publisher import Publisher, check_topics, open_producer

FIRST_CALENDAR_DATE: Final = date(1990, 1, 1)
CALENDAR_AHEAD: Final = timedelta(days=366)

GC_THRESHOLDS: Final = (50_000, 20, 20)
"""Decoding makes a hundred thousand short-lived objects a second and no cycles: the default would
search for some every few messages."""


def run_feed(
    feed: Feed, source: Source, universe: Universe, settings: Settings, *, until: date, epoch: int
) -> None:
    """Publish the warm start, if there is one, then stream until the end.

    Args:
        feed: The vendor's language.
        source: What its ticks name.
        universe: Decides the partitions.
        settings: Everything else.
        until: Last session of the warm start.
        epoch: Generation of this run.

    Raises:
        RotascopeError: As the exit codes of `producers.cli` tell apart.
    """
    overrides = read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES)
    calendars = build_calendars(
        {each.calendar for each in feed.instruments},
        FIRST_CALENDAR_DATE,
        datetime.now(UTC).date() + CALENDAR_AHEAD,
        overrides=overrides,
    )
    warm_start = read_history(universe, settings, until) if settings.history else None
    counters = ProducerCounters(feed.name)
    for partition in range(settings.kafka.partitions):
        counters.of(partition)
    log = structlog.get_logger().bind(feed=feed.name)
    sender = open_producer(settings.kafka)
    publisher = Publisher(
        sender,
        topic=settings.kafka.ticks_topic,
        source=source.name,
        bytes_in_flight_max=settings.producer.bytes_in_flight_max,
        counters=counters,
        on_stall=lambda slot, seconds: log.warning(
            "waiting for the broker", partition=slot, seconds=round(seconds, 1)
        ),
    )
    try:
        check_topics(sender, settings.kafka)
        check_scales(universe, settings.kafka)
        publish_instruments(universe, publisher)
        if warm_start is not None:
            publish_history(warm_start, universe, settings, publisher, epoch)
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
        )
        with _metrics_server(settings, counters, producer):
            calm_garbage_collector()
            started_s = time.monotonic()
            ending = asyncio.run(_until_stopped(producer))
        _summarise(counters, ending, time.monotonic() - started_s)
    finally:
        publisher.close()


def calm_garbage_collector() -> None:
    """Keep the collector from searching the decoder's short-lived objects for cycles they never have."""
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _until_stopped(producer: Producer) -> Ending:
    """Run with SIGINT and SIGTERM asking for an end in good order."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return await producer.run(stop)


def _summarise(counters: ProducerCounters, ending: Ending, seconds: float) -> None:
    frames = sum(partition.frames for partition in counters.partitions.values())
    rejected = sum(counters.rejects.values())
    how = "end of recording" if ending.end_of_recording else "stopped"
    typer.echo(
        f"{how}: {counters.ticks:,} ticks in {frames:,} frames ({seconds:,.1f} s, "
        f"{counters.ticks / max(seconds, 1e-9):,.0f} ticks/s), {rejected:,} rejected, "
        f"{counters.repeated:,} repeated, {counters.gaps:,} gaps"
    )


@contextmanager
def _metrics_server(settings: Settings, counters: ProducerCounters, producer: Producer) -> Iterator[None]:
    """Serve /metrics from a registry of its own."""
    registry = CollectorRegistry()
    registry.register(
        ProducerCollector(
            counters,
            queue_messages=lambda: len(producer.queue),
            queue_age_ns=lambda: producer.queue.age_ns(time.time_ns()),
        )
    )
    host, port = settings.metrics.host, settings.metrics.port
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise ConfigurationError(
            f"cannot serve metrics on {host}:{port}: {error.strerror}",
            operator_action="choose another --metrics-port, or 0 for any free one",
        ) from error
    structlog.get_logger().info("serving metrics", host=host, port=server.server_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
