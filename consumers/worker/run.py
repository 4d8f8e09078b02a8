"""Runs a worker as a program: engine, Kafka, metrics, signals, final summary."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date
from importlib import metadata

import structlog
import typer

from consumers.metrics.exporter import WorkerCollector, make_registry
from consumers.metrics.health import Health
from consumers.metrics.http_server import WorkerMetricsServer
from consumers.snapshots.log import TopicSnapshotLog
from consumers.snapshots.store import SnapshotStore
from consumers.transport.registry import make_transport
from consumers.worker.log_artefacts import LogArtefacts, SetsLog
from consumers.worker.published_scales import PublishedScales
from consumers.worker.state import Until, WorkerState
from consumers.worker.worker import Worker
from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.kafka.artefact_topic import ArtefactTopic
from core.kafka.preflight import preflight
from core.model.dated_events import EXCHANGE
from core.model.instruments import Universe, parse_universe
from core.model.sessions import CALENDAR_FROM, CALENDAR_THROUGH, build_calendars
from core.model.settings import Settings
from core.model.watched_pairs import check_watched
from core.runtime.artefact_files import read_cards, read_dated_events
from core.runtime.files import CALENDAR_OVERRIDES, CATALOGUE, UNIVERSE, parsed, read_text
from core.runtime.reason_log import log_totals, reasons_text
from core.runtime.signals import calling_on_signals


def run_worker(settings: Settings, until: Until | None) -> None:
    """Run a worker until it is stopped.

    1. Read universe, catalogue, calendars, certificates, so that errors appear before the start.
    2. Serve /metrics, /livez and /readyz, so that a long start can be watched.
    3. Connect, and run the loop. Without an end condition the worker waits for a broker indefinitely.

    Args:
        settings: All settings.
        until: End condition; None to run until SIGTERM or SIGINT.

    Raises:
        RotascopeError: Mapped to the exit codes of `consumers.worker.cli`.
    """
    # 1
    log = structlog.get_logger("rotascope.worker")
    preflight(settings.kafka, log.warning)
    scales = PublishedScales(settings.kafka)
    sets = ArtefactTopic(settings.kafka)
    make_engine = engine_factory(settings, before=scales, sets=sets)
    check_watched(settings.metrics, parsed(settings.universe_file, UNIVERSE, parse_universe))
    # 2
    state = WorkerState()
    state.counters.know(parsed(settings.catalogue_file, CATALOGUE, parse_catalogue))
    health = Health(state, settings.worker)
    registry = make_registry(WorkerCollector(state, health, settings.metrics, version=_version()))
    host, port = settings.metrics.host, settings.metrics.port
    with WorkerMetricsServer(registry, health, host=host, port=port) as server:
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
        with closing(snapshots), closing(scales), closing(sets), calling_on_signals(worker.stop, once=True):
            worker.run(until)
    _summarise(state)


def engine_factory(
    settings: Settings,
    *,
    through: date = CALENDAR_THROUGH,
    before: Callable[[Universe], None] = lambda universe: None,
    sets: SetsLog | None = None,
) -> Callable[[int, int], PartitionEngine]:
    """Read the inputs of engines.

    Args:
        settings: Settings with the files.
        through: Initial end of calendars. Event time extends them, so results do not depend on it.
        before: Called before each engine is created; its exceptions propagate.
        sets: Sets of base rates and rarity, read before the first engine is created; None for only the
            configured files.

    Returns:
        (partition, partitions) → a fresh engine.

    Raises:
        ConfigurationError: A file is unreadable, or inconsistent with the others.
    """
    universe = parsed(settings.universe_file, UNIVERSE, parse_universe)
    catalogue = parsed(settings.catalogue_file, CATALOGUE, parse_catalogue)
    calendars = build_calendars(
        {EXCHANGE, *(instrument.calendar for instrument in universe.instruments)},
        CALENDAR_FROM,
        through,
        overrides=read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES),
        growing=True,
    )

    artefacts = LogArtefacts(
        read_dated_events(settings.calendar_events_file, calendars[EXCHANGE]),
        read_cards(settings.base_rates_file, settings.rarity_file),
        sets,
    )

    def make_engine(partition: int, partitions: int) -> PartitionEngine:
        before(universe)
        artefacts.prepare()
        return PartitionEngine(
            universe,
            catalogue,
            calendars,
            partition=partition,
            partitions=partitions,
            lookups_by_mark=artefacts,
        )

    return make_engine


def _summarise(state: WorkerState) -> None:
    counters = state.counters
    typer.echo(
        f"processed {counters.ticks:,} ticks in {counters.frames:,} frames: "
        f"{counters.events.total():,} events, {counters.bars.total():,} bars, "
        f"{counters.dead_letters.total():,} dead letters{reasons_text(counters.dead_letters)}"
    )
    log_totals("rotascope.worker", counters.dead_letters)


def _version() -> str:
    try:
        return metadata.version("rotascope")
    except metadata.PackageNotFoundError:
        return "unknown"
