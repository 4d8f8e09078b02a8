"""The warm start as a step of a program: daily files read, and published, with a bar to watch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import structlog

from core.model.errors import ConfigurationError
from core.model.instruments import Universe
from core.model.settings import KafkaSettings, Settings
from core.runtime.daily_options import FileOptions, history_entries
from core.runtime.files import CALENDAR_OVERRIDES, read_text
from core.runtime.named_files import named_files
from core.runtime.progress import progress
from producers.backfill.control_log import publish_baseline
from producers.backfill.instruments import check_scales, publish_instruments
from producers.backfill.warm_start import WarmStart, read_warm_start
from producers.framing.outlet import Outlet
from producers.framing.publisher import Publisher, check_topics, open_producer
from producers.metrics import ProducerCounters

_EXAMPLE: Final = "write, for instance, RUT=RUT.csv or IJR=adjusted.csv:IJR"
FLUSH_EXTRA_S: Final = 5.0
"""Longer than the delivery time-out, so that a lost record is reported as such."""


def history_files(
    flags: Sequence[str] | None, option: str = "--history", options: FileOptions | None = None
) -> list[dict[str, Any]] | None:
    """Read flags that are SYMBOL=FILE[:COLUMN], as the settings take them; None for none.

    Args:
        flags: The flags.
        option: What they were given for.
        options: What was said of the files.

    Raises:
        ConfigurationError: One that is not, a symbol that stands twice, or an option that fits no file.

    Example:
        >>> history_files(["RUT=RUT.csv"])
        [{'symbol': 'RUT', 'file': 'RUT.csv', 'column': 'close'}]
    """
    if not flags:
        if options is not None and any((options.date_columns, options.date_formats, options.jumps)):
            raise ConfigurationError(
                "an option says how files are to be read, and no file is named",
                operator_action="name files, or say it under [[history]] in the settings: date_column, "
                "date_format, accept_jumps",
            )
        return None
    named = named_files(flags, option, _EXAMPLE)
    return history_entries(named.values(), options or FileOptions())


def run_backfill(universe: Universe, settings: Settings, *, until: date, epoch: int) -> int:
    """Publish the history the settings name, and nothing else.

    Args:
        universe: Decides the partitions.
        settings: Names the files and the broker.
        until: The last session to publish.
        epoch: Generation of the history's lease: higher than that of any earlier run.

    Returns:
        Number of sessions published.

    Raises:
        ConfigurationError: No history, or a topic with another number of partitions.
        HistoryError: A file that cannot be used.
        TransportError: The broker does not take it.
    """
    if not settings.history:
        raise ConfigurationError(
            "there is no history to publish",
            operator_action="name files with --history SYMBOL=FILE, or under [[history]] in the settings",
        )
    warm_start = read_history(universe, settings, until)
    sender = open_producer(patient(settings.kafka))
    publisher = Publisher(
        sender,
        topic=settings.kafka.ticks_topic,
        source=settings.history_source,
        bytes_in_flight_max=settings.producer.bytes_in_flight_max,
        counters=ProducerCounters(settings.history_source),
    )
    try:
        check_topics(sender, settings.kafka)
        check_scales(universe, settings.kafka)
        publish_instruments(universe, publisher)
        return publish_history(
            warm_start, universe, settings, publisher, epoch, timeout_s=patience_s(settings)
        )
    finally:
        publisher.close()


def read_history(universe: Universe, settings: Settings, until: date) -> WarmStart:
    """Read and check the daily files; errors as of `read_warm_start`."""
    overrides = read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES)
    with progress("reading history") as step:
        return read_warm_start(
            settings.history,
            universe,
            source_name=settings.history_source,
            until=until,
            overrides=overrides,
            now_ns=time.time_ns(),
            on_progress=step,
        )


def publish_history(
    warm_start: WarmStart,
    universe: Universe,
    settings: Settings,
    publisher: Outlet,
    epoch: int,
    *,
    timeout_s: float | None,
) -> int:
    """Publish and wait for the broker; the number of sessions, errors as of `publish_baseline`."""
    with progress("publishing history") as step:
        sessions = publish_baseline(
            warm_start.records,
            universe,
            publisher,
            partitions=settings.kafka.partitions,
            epoch=epoch,
            timeout_s=timeout_s,
            on_progress=step,
        )
    structlog.get_logger().info(
        "warm start", sessions=sessions, first=str(warm_start.first), last=str(warm_start.last)
    )
    return sessions


def flush_timeout_s(settings: Settings) -> float:
    """How long the broker may take for the last acknowledgements."""
    return settings.kafka.delivery_timeout_ms / 1000 + FLUSH_EXTRA_S


def patient(kafka: KafkaSettings) -> KafkaSettings:
    """Settings of a command that ends by itself: it sends again for as long as it waits for a broker."""
    longest_ms = max(kafka.delivery_timeout_ms, kafka.patience_ms)
    return kafka.model_copy(update={"delivery_timeout_ms": longest_ms})


def patience_s(settings: Settings) -> float:
    """How long such a command waits for the last acknowledgements."""
    return patient(settings.kafka).delivery_timeout_ms / 1000 + FLUSH_EXTRA_S
