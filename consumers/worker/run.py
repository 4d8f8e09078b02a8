"""A worker as a program: engine, Kafka, metrics, signals, and a last line of figures."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from importlib import metadata
from types import FrameType
from typing import Final

import structlog
import typer

from consumers.metrics.exporter import WorkerCollector, make_registry
from consumers.metrics.health import Health
from consumers.metrics.http_server import MetricsServer
from consumers.snapshots.log import TopicSnapshotLog
from consumers.snapshots.store import SnapshotStore
from consumers.transport.registry import make_transport
from consumers.worker.published_scales import PublishedScales
from consumers.worker.state import Until, WorkerState
from consumers.worker.worker import Worker
from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.kafka.preflight import preflight
from core.model.instruments import Universe, parse_universe
from core.model.sessions import CALENDAR_THROUGH, build_calendars
from core.model.settings import Settings
from core.runtime.artefact_files import read_artefacts
from core.runtime.files import CALENDAR_OVERRIDES, CATALOGUE, UNIVERSE, read_text

FIRST_CALENDAR_DATE: Final = date(1990, 1, 1)
EXCHANGE: Final = "XNYS"
"""The calendar that dated events are placed on."""


def run_worker(settings: Settings, until: Until | None) -> None:
    """Run a worker until it is told to end.

    1. Read universe, catalogue, calendars, certificates: what is wrong with them shows before the start.
    2. Serve /metrics, /livez and /readyz, so that a long start can be watched.
    3. Connect, and turn. Without an end the worker waits for a broker as long as it takes.

    Args:
        settings: Everything.
        until: When to end by itself; None: on SIGTERM or SIGINT.

    Raises:
        RotascopeError: As the exit codes of `consumers.worker.cli` tell apart.
    """
    # 1
    log = structlog.get_logger("rotascope.worker")
    preflight(settings.kafka, log.warning)
    scales = PublishedScales(settings.kafka)
    make_engine = engine_factory(settings, before=scales)
    # 2
    state = WorkerState()
    health = Health(state, settings.worker)
    registry = make_registry(WorkerCollector(state, health, settings.metrics, version=_version()))
    host, port = settings.metrics.host, settings.metrics.port
    with MetricsServer(registry, health, host=host, port=port) as server:
        log.info("serving metrics", address=server.url, port=server.port)
        # 3
        transport = make_transport(settings.kafka, settings.worker, connected=False)
        snapshots = TopicSnapshotLog(settings.kafka)
        worker = Worker(
            transport,
            make_engine,
            kafka=settings.kafka,
            settings=settings.worker,
            state=state,
            store=SnapshotStore(snapshots) if settings.worker.snapshot_interval_ms else None,
        )
        with closing(snapshots), closing(scales), _stopped_by_signals(worker.stop):
            worker.run(until)
    _summarise(state)


def engine_factory(
    settings: Settings,
    *,
    through: date = CALENDAR_THROUGH,
    before: Callable[[Universe], None] = lambda universe: None,
) -> Callable[[int, int], PartitionEngine]:
    """Read what an engine is made of.

    Args:
        settings: Names the files.
        through: How far calendars are built at first. Event time extends them, so that no result
            depends on it.
        before: Called before each engine is made; what it raises is raised instead.

    Returns:
        (partition, partitions) → a fresh engine.

    Raises:
        ConfigurationError: A file that cannot be read, or does not fit the others.
    """
    universe = parse_universe(read_text(settings.universe_file, UNIVERSE))
    catalogue = parse_catalogue(read_text(settings.catalogue_file, CATALOGUE))
    calendars = build_calendars(
        {EXCHANGE, *(instrument.calendar for instrument in universe.instruments)},
        FIRST_CALENDAR_DATE,
        through,
        overrides=read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES),
        growing=True,
    )

    lookups = read_artefacts(
        settings.calendar_events_file, settings.base_rates_file, settings.rarity_file, calendars[EXCHANGE]
    )

    def make_engine(partition: int, partitions: int) -> PartitionEngine:
        before(universe)
        return PartitionEngine(
            universe, catalogue, calendars, partition=partition, partitions=partitions, lookups=lookups
        )

    return make_engine


@contextmanager
def _stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT end the loop in good order; a second one works as usual."""

    def handle(number: int, frame: FrameType | None) -> None:
        for each, usual in before.items():
            signal.signal(each, usual)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)


def _summarise(state: WorkerState) -> None:
    counters = state.counters
    typer.echo(
        f"stepped {counters.ticks:,} ticks in {counters.frames:,} frames: "
        f"{counters.events.total():,} events, {counters.bars.total():,} bars, "
        f"{counters.dead_letters.total():,} dead letters"
    )


def _version() -> str:
    try:
        return metadata.version("rotascope")
    except metadata.PackageNotFoundError:
        return "unknown"
