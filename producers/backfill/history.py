"""The warm start as a step of a program: reads and publishes daily files, with a progress bar."""

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
from producers.backfill.log_reader import log_reader
from producers.backfill.warm_start import WarmStart, read_warm_start
from producers.framing.outlet import Outlet
from producers.framing.publisher import Publisher, check_topics, open_producer
from producers.metrics import ProducerCounters

_EXAMPLE: Final = "write, for example, RUT=RUT.csv or IJR=adjusted.csv:IJR"
FLUSH_EXTRA_S: Final = 5.0
"""Longer than the delivery timeout, so that a lost record is reported as such."""


def history_files(
    flags: Sequence[str] | None, option: str = "--history", options: FileOptions | None = None
) -> list[dict[str, Any]] | None:
    """Parse SYMBOL=FILE[:COLUMN] flags to the form of the settings; None without flags.

    Args:
        flags: The flags.
        option: Name of the option, for messages.
        options: How to read the files.

    Raises:
        ConfigurationError: A flag has another form, a symbol is duplicated, or an option applies to no file.

    Example:
        >>> history_files(["RUT=RUT.csv"])
        [{'symbol': 'RUT', 'file': 'RUT.csv', 'column': 'close'}]
    """
    if not flags:
        if options is not None and any((options.date_columns, options.date_formats, options.jumps)):
            raise ConfigurationError(
                "an option describes how to read files, but no files are given",
                operator_action="pass files, or set it under [[history]] in the settings: date_column, "
                "date_format, accept_jumps",
            )
        return None
    named = named_files(flags, option, _EXAMPLE)
    return history_entries(named.values(), options or FileOptions())


def run_backfill(universe: Universe, settings: Settings, *, until: date, epoch: int) -> int:
    """Publish the configured history, and nothing else.

    Args:
        universe: Determines the partitions.
        settings: Files and broker.
        until: The last session to publish.
        epoch: Producer epoch of the history's source: higher than that of any earlier run.

    Returns:
        Number of sessions published.

    Raises:
        ConfigurationError: No history, or a topic with different number of partitions.
        HistoryError: A file is invalid.
        TransportError: The broker does not acknowledge a record.
    """
    if not settings.history:
        raise ConfigurationError(
            "there is no history to publish",
            operator_action="pass files with --history SYMBOL=FILE, or list them under [[history]] in "
            "the settings",
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
        with log_reader(settings.kafka) as reader:
            check_scales(reader, universe)
        publish_instruments(universe, publisher)
        return publish_history(
            warm_start, universe, settings, publisher, epoch, timeout_s=patience_s(settings)
        )
    finally:
        publisher.close()


def read_history(universe: Universe, settings: Settings, until: date) -> WarmStart:
    """Read and validate the daily files; raises what `read_warm_start` raises."""
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
    """Publish the warm start, wait for the broker and return the number of sessions."""
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
    """Return the time limit for the last acknowledgements."""
    return settings.kafka.delivery_timeout_ms / 1000 + FLUSH_EXTRA_S


def patient(kafka: KafkaSettings) -> KafkaSettings:
    """Return settings for a one-shot command, which retries for as long as it waits for a broker."""
    longest_ms = max(kafka.delivery_timeout_ms, kafka.patience_ms)
    return kafka.model_copy(update={"delivery_timeout_ms": longest_ms})


def patience_s(settings: Settings) -> float:
    """Return how long a one-shot command waits for the last acknowledgements."""
    return patient(settings.kafka).delivery_timeout_ms / 1000 + FLUSH_EXTRA_S
