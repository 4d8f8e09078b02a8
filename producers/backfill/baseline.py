"""Warm start of a log: converts daily bars to baseline records in the ticks topic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.engine.baseline import baseline_of_bars
from core.kafka.topic_reader import TopicReader
from core.model.errors import HistoryError
from core.model.frames import decode_frame
from core.model.instruments import Universe
from core.model.records import NO_INSTRUMENT
from core.model.routing import routes
from core.model.sessions import build_calendars, day_to_date
from core.model.settings import Settings
from core.runtime.files import CALENDAR_OVERRIDES, read_text
from core.runtime.progress import progress
from producers.backfill.bars import source_ranks
from producers.backfill.control_log import publish_baseline
from producers.backfill.day_bar_log import read_day_bars
from producers.backfill.history import patience_s, patient
from producers.backfill.instruments import check_scales
from producers.backfill.log_reader import log_reader
from producers.backfill.warm_start import find_source
from producers.framing.publisher import Publisher, check_topics, open_producer
from producers.metrics import ProducerCounters

Days = set[tuple[int, int]]
"""(instrument, time of its close)."""

_ACTION: Final = "fill it with 'rotascope backfill csv SYMBOL=FILE'"


class Warmed(NamedTuple):
    """Result of a warm start.

    Args:
        published: Number of sessions sent.
        present: Number of sessions already at the head of the log.
    """

    published: int
    present: int


def run_backfill_baseline(universe: Universe, settings: Settings, *, until: date, epoch: int) -> Warmed:
    """Write the daily bars to the head of the ticks topic.

    1. Read the daily bars, and convert them to baseline records.
    2. Read the baseline at the head of the log: complete sessions of an interrupted run are kept.
    3. Send the missing sessions, each complete, because a pair needs both legs.

    Args:
        universe: Determines instruments and partitions.
        settings: Broker and source.
        until: The last session to publish.
        epoch: Producer epoch of the history's source: higher than that of any earlier run.

    Raises:
        ConfigurationError: The ticks topic has a different number of partitions.
        UniverseError: An instrument's scale differs from the one in the log.
        HistoryError: There is no daily bar up to `until`.
        TransportError: The broker does not answer, or does not acknowledge a record.
    """
    source = find_source(universe, settings.history_source)
    targets = routes(universe, settings.kafka.partitions)
    with log_reader(settings.kafka) as reader:
        check_scales(reader, universe)
        # 1
        with progress("reading day bars") as step:
            found = read_day_bars(reader, source_ranks(universe, source), step)
        records = _records(found.bars, found.offsets, universe, settings, until, source.source_id)
        # 2
        present = {
            partition: read_head(reader, settings.kafka.ticks_topic, partition, source.source_id)
            for partition in reader.partitions(settings.kafka.ticks_topic)
        }
    missing = missing_sessions(records, targets, present)
    # 3
    sender = open_producer(patient(settings.kafka))
    publisher = Publisher(
        sender,
        topic=settings.kafka.ticks_topic,
        source=source.name,
        bytes_in_flight_max=settings.producer.bytes_in_flight_max,
        counters=ProducerCounters(source.name),
    )
    try:
        check_topics(sender, settings.kafka)
        with progress("publishing history") as step:
            published = publish_baseline(
                missing,
                universe,
                publisher,
                partitions=settings.kafka.partitions,
                epoch=epoch,
                timeout_s=patience_s(settings),
                on_progress=step,
            )
    finally:
        publisher.close()
    sessions = int(np.count_nonzero(records["instrument_id"] == NO_INSTRUMENT))
    return Warmed(published, sessions - published)


def read_head(reader: TopicReader, topic: str, partition: int, source_id: int) -> Days:
    """Give the days that the log of one partition begins with, as far as their sessions are whole.

    Args:
        reader: Log reader.
        topic: The ticks topic.
        partition: Partition to read.
        source_id: Id of the history's source; the first frame of another source ends the head.

    Returns:
        Days, with marks as days of NO_INSTRUMENT.

    Raises:
        FrameError: The log does not begin with frames.
        TransportError: The broker stops answering.
    """
    whole: Days = set()
    begun: Days = set()
    for record in reader.read([topic], partitions=[partition], until_end=True):
        header, ticks = decode_frame(record.value)
        if header.source != source_id:
            break
        for day in zip(ticks["instrument_id"].tolist(), ticks["ts_event"].tolist(), strict=True):
            begun.add(day)
            if day[0] == NO_INSTRUMENT:
                whole |= begun
                begun.clear()
    return whole


def missing_sessions(
    records: NDArray[np.void], targets: Mapping[int, tuple[int, ...]], present: Mapping[int, Days]
) -> NDArray[np.void]:
    """Filter out the sessions that every partition has completely.

    Args:
        records: TICK (n,), from `core.engine.baseline`.
        targets: Instrument → partitions.
        present: Partition → days at the head of its log.
    """
    everywhere = tuple(present)
    send = np.zeros(len(records), bool)
    start = 0
    days = list(zip(records["instrument_id"].tolist(), records["ts_event"].tolist(), strict=True))
    for end in (np.flatnonzero(records["instrument_id"] == NO_INSTRUMENT) + 1).tolist():
        send[start:end] = any(
            day not in present[partition]
            for day in days[start:end]
            for partition in targets.get(day[0], everywhere)
        )
        start = end
    return records[send]


def _records(
    bars: NDArray[np.void],
    offsets: NDArray[np.int64],
    universe: Universe,
    settings: Settings,
    until: date,
    source_id: int,
) -> NDArray[np.void]:
    if not len(bars):
        raise HistoryError("there are no daily bars for a warm start", operator_action=_ACTION)
    calendars = build_calendars(
        {instrument.calendar for instrument in universe.instruments},
        day_to_date(bars["session"].min()),
        day_to_date(bars["session"].max()),
        overrides=read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES),
    )
    records = baseline_of_bars(bars, offsets, universe, calendars, until, source_id)
    if not len(records):
        raise HistoryError(f"no daily bar of the universe is on or before {until}", operator_action=_ACTION)
    return records
