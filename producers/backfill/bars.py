"""Publishes daily files to the topic of daily bars; skips existing bars, so that a rerun adds nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.day_bars import BAR_EPOCH, BAR_HEADERS, day_bar_key
from core.model.errors import ConfigurationError
from core.model.frames import encode_frame
from core.model.instruments import Source, Universe
from core.model.routing import home
from core.model.settings import Settings
from core.model.topics import DAY_BARS_TOPIC
from core.research.history_bars import day_bars
from core.runtime.daily_files import DailyFormat
from core.runtime.files import CALENDAR_OVERRIDES, read_text
from core.runtime.progress import progress
from producers.backfill.day_bar_log import read_day_bars
from producers.backfill.history import patience_s, patient
from producers.backfill.instruments import check_scales, publish_instruments
from producers.backfill.log_reader import log_reader
from producers.backfill.warm_start import find_source, read_checked
from producers.framing.publisher import Publisher, open_producer
from producers.metrics import ProducerCounters

BARS_PER_STEP: Final = 1_000
"""Number of bars sent between two calls of `on_progress`."""

_HEADERS: Final = list(BAR_HEADERS)


class Filled(NamedTuple):
    """Result of a backfill.

    Args:
        written: Bars sent: previously missing, or from this source and since corrected in the file.
        present: Identical bars that already existed.
        kept: Days that have a bar from a source of higher rank.
    """

    written: int
    present: int
    kept: int


def source_ranks(universe: Universe, history: Source) -> dict[int, int]:
    """Rank sources: a bar built from trades takes precedence over one from a file."""
    return {source.source_id: int(source.source_id != history.source_id) for source in universe.sources}


def run_backfill_bars(universe: Universe, settings: Settings, format: DailyFormat | None) -> Filled:
    """Publish the configured history to the topic of daily bars.

    1. Read and validate the files.
    2. Read which days exist: bars sent by an interrupted run are not sent again.
    3. Send the others.

    Args:
        universe: Symbols, calendars and sources.
        settings: Files and broker.
        format: Required file format; None to detect it per file.

    Raises:
        ConfigurationError: There is no history, or a topic has too few partitions.
        UniverseError: An instrument's scale differs from the one in the log.
        HistoryError: A file is invalid.
        TransportError: The broker does not acknowledge a record.
    """
    if not settings.history:
        raise ConfigurationError(
            "there is no history to publish",
            operator_action="pass files as SYMBOL=FILE, or list them under [[history]] in the settings",
        )
    # 1
    source = find_source(universe, settings.history_source)
    overrides = read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES)
    with progress("reading history") as step:
        checked = read_checked(
            settings.history,
            universe,
            format=format,
            overrides=overrides,
            now_ns=time.time_ns(),
            on_progress=step,
        )
    bars = np.concatenate(
        [
            day_bars(
                frame, instrument := universe.instrument(number), checked.calendars[instrument.calendar],
                source.source_id,
            )
            for number, frame in checked.frames.items()
        ]
    )  # fmt: skip
    # 2
    ranks = source_ranks(universe, source)
    with log_reader(settings.kafka) as reader, progress("reading day bars") as step:
        check_scales(reader, universe)
        found = len(reader.partitions(DAY_BARS_TOPIC))
        if found < settings.kafka.partitions:
            raise ConfigurationError(
                f"{DAY_BARS_TOPIC} has {found} partitions, the settings say {settings.kafka.partitions}",
                operator_action="set kafka.partitions to the number of the topics",
            )
        missing, filled = missing_bars(bars, read_day_bars(reader, ranks, step).bars, ranks)
    # 3
    publisher = Publisher(
        open_producer(patient(settings.kafka)),
        topic=DAY_BARS_TOPIC,
        source=source.name,
        bytes_in_flight_max=settings.producer.bytes_in_flight_max,
        counters=ProducerCounters(source.name),
    )
    try:
        with progress("publishing day bars") as step:
            publish_instruments(universe, publisher)
            publish_day_bars(missing, publisher, settings.kafka.partitions, step)
            publisher.flush(patience_s(settings))
    finally:
        publisher.close()
    return filled


def missing_bars(
    wanted: NDArray[np.void], present: NDArray[np.void], ranks: Mapping[int, int]
) -> tuple[NDArray[np.void], Filled]:
    """Filter out the days that already exist.

    Args:
        wanted: BAR array (n,), all of one source.
        present: BAR array (m,), one per day and instrument.
        ranks: Source → rank.

    Returns:
        The bars of `wanted` to send, and the counts per kind.
    """
    there = {(bar["instrument_id"], bar["session"]): bar for bar in present}
    send = np.zeros(len(wanted), bool)
    kept = 0
    for number, bar in enumerate(wanted):
        other = there.get((bar["instrument_id"], bar["session"]))
        if other is not None and ranks[int(other["source"])] > ranks[int(bar["source"])]:
            kept += 1
        else:
            send[number] = other is None or bar != other
    written = int(send.sum())
    return wanted[send], Filled(written, len(wanted) - written - kept, kept)


def publish_day_bars(
    bars: NDArray[np.void],
    publisher: Publisher,
    partitions: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Queue bars, oldest session first, each to its instrument's partition.

    Args:
        bars: BAR array (n,).
        publisher: Sends the bars.
        partitions: Number of partitions of the ticks topic.
        on_progress: Called with the number queued and the total.

    Raises:
        TransportError: A bar could not be delivered.
    """
    order = np.argsort(bars["session"], kind="stable")
    for number, row in enumerate(order.tolist()):
        bar = bars[row : row + 1]
        instrument_id, session = int(bar["instrument_id"][0]), int(bar["session"][0])
        partition = home(instrument_id, partitions)
        frame = encode_frame(bar, source=partition, epoch=BAR_EPOCH, sequence=0)
        key = day_bar_key(instrument_id, session)
        publisher.keyed(DAY_BARS_TOPIC, key, frame, _HEADERS, partition=partition)
        if (number + 1) % BARS_PER_STEP == 0 or number + 1 == len(order):
            on_progress(number + 1, len(order))
