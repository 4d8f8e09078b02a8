"""The warm start of a log: daily bars become baseline records in the ticks topic."""

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
from core.model.instruments import Universe, routes
from core.model.records import NO_INSTRUMENT
from core.model.sessions import build_calendars, day_to_date
from core.model.settings import Settings
from core.runtime.files import CALENDAR_OVERRIDES, read_text
from core.runtime.progress import progress
from producers.backfill.bars import source_ranks
from producers.backfill.control_log import publish_baseline
from producers.backfill.day_bar_log import read_day_bars
from producers.backfill.history import patience_s, patient
from producers.backfill.instruments import check_scales_with
from producers.backfill.log_reader import log_reader
from producers.backfill.warm_start import find_source
from producers.framing.publisher import Publisher, check_topics, open_producer
from producers.metrics import ProducerCounters

Days = set[tuple[int, int]]
"""(instrument, instant of its close)."""

_ACTION: Final = "fill it with 'rotascope backfill csv SYMBOL=FILE'"


class Warmed(NamedTuple):
    """What a warm start did.

    Args:
        published: Sessions sent.
        present: Sessions the log already begins with.
    """

    published: int
    present: int


def run_backfill_baseline(universe: Universe, settings: Settings, *, until: date, epoch: int) -> Warmed:
    """Let the ticks topic begin with what the daily bars hold.

    1. Read the daily bars, and make baseline records of them.
    2. Read the baseline at the head of the log: whole sessions of an interrupted run stay as they are.
    3. Send the sessions that are missing, each whole: a pair needs both its legs.

    Args:
        universe: Decides which instruments, and which partitions.
        settings: Names the broker and the source.
        until: The last session to publish.
        epoch: Generation of the history's lease: higher than that of any earlier run.

    Raises:
        ConfigurationError: The ticks topic has another number of partitions.
        UniverseError: An instrument has another scale in the log.
        HistoryError: There is no daily bar up to `until`.
        TransportError: The broker does not answer, or does not take it.
    """
    source = find_source(universe, settings.history_source)
    targets = routes(universe, settings.kafka.partitions)
    with log_reader(settings.kafka) as reader:
        check_scales_with(reader, universe)
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
        reader: Of the broker.
        topic: The ticks topic.
        partition: Which one.
        source_id: The history's; the first frame of another source ends the head.

    Returns:
        Marks included, as days of NO_INSTRUMENT.

    Raises:
        FrameError: The log begins with something else than frames.
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
    """Leave out the sessions that every partition has whole.

    Args:
        records: TICK (n,), as `core.engine.baseline` makes them.
        targets: Instrument → partitions.
        present: Partition → days its log begins with.
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
        raise HistoryError("there are no daily bars to warm up with", operator_action=_ACTION)
    calendars = build_calendars(
        {instrument.calendar for instrument in universe.instruments},
        day_to_date(bars["session"].min()),
        day_to_date(bars["session"].max()),
        overrides=read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES),
    )
    records = baseline_of_bars(bars, offsets, universe, calendars, until, source_id)
    if not len(records):
        raise HistoryError(f"no daily bar of the universe lies on or before {until}", operator_action=_ACTION)
    return records
