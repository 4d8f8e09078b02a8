"""Reads the existing daily bars, for a backfill to skip and for a warm start to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray

from core.kafka.topic_reader import TopicReader
from core.model.errors import FrameError
from core.model.frames import decode_frame
from core.model.records import BAR
from core.model.topics import DAY_BARS_TOPIC

_NO_SOURCE: Final = -1


class DayBars(NamedTuple):
    """One bar per instrument and session.

    Args:
        bars: BAR array (n,).
        offsets: Array (n,) int64, offset of each in its partition.
    """

    bars: NDArray[np.void]
    offsets: NDArray[np.int64]


def read_day_bars(
    reader: TopicReader,
    ranks: Mapping[int, int],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> DayBars:
    """Read the topic of daily bars to its end.

    Of several bars of one day, the source with the highest rank wins, then the one sent last. Others may
    exist because compaction has not removed them yet, or in another partition because the topic has grown.

    Args:
        reader: Of the broker.
        ranks: Source → rank; a source that is not named has none and its bars are passed over.
        on_progress: As for `TopicReader.read`.

    Raises:
        TransportError: The topic does not exist, or the broker stops answering.
    """
    parts: list[NDArray[np.void]] = []
    offsets: list[int] = []
    sent_ms: list[int] = []
    for record in reader.read(
        [DAY_BARS_TOPIC],
        partitions=reader.partitions(DAY_BARS_TOPIC),
        until_end=True,
        on_progress=on_progress,
    ):
        if not record.value:
            continue
        try:
            _, bars = decode_frame(record.value, BAR)
        except FrameError as error:
            structlog.get_logger().warning(
                "invalid record in the day bars", offset=record.offset, reason=str(error)
            )
            continue
        parts.append(bars)
        offsets += [record.offset] * len(bars)
        sent_ms += [record.timestamp_ms] * len(bars)
    if not parts:
        return DayBars(np.zeros(0, BAR), np.zeros(0, np.int64))
    return _latest(np.concatenate(parts), np.array(offsets), np.array(sent_ms), ranks)


def _latest(
    bars: NDArray[np.void],
    offsets: NDArray[np.int64],
    sent_ms: NDArray[np.int64],
    ranks: Mapping[int, int],
) -> DayBars:
    rank = np.array([ranks.get(source, _NO_SOURCE) for source in bars["source"].tolist()])
    order = np.lexsort((offsets, sent_ms, rank, bars["session"], bars["instrument_id"]))
    order = order[rank[order] != _NO_SOURCE]
    days = bars[["instrument_id", "session"]][order]
    last = np.append(days[1:] != days[:-1], True) if len(days) else np.zeros(0, bool)
    return DayBars(bars[order[last]], offsets[order[last]])
