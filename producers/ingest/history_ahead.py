"""Refuses to send a recording of sessions that the history in the log already contains.

The history stands at the head of the log and is applied before the first tick. Where it reaches beyond the
ticks, engines give no value that rests on finished days (quality `history_ahead`), so a
replay of such a day would publish no daily event.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.kafka.topic_reader import TopicReader
from core.model.errors import ConfigurationError, FrameError
from core.model.frames import decode_frame
from core.model.records import NANOSECONDS_PER_SECOND, TickKind
from core.model.timestamps import date_text
from producers.ingest.predecessor import LOOK_BACK

_DAY_NS: Final = 86_400 * NANOSECONDS_PER_SECOND


def last_history_ns(reader: TopicReader, topic: str) -> int | None:
    """Return the close of the last session of history near the end of the log.

    Args:
        reader: Reads the log.
        topic: The ticks topic.

    Returns:
        Nanoseconds UTC; None if there is no history, or ticks have followed it for a long time.

    Raises:
        TransportError: The broker does not answer.
    """
    closes: list[int] = []
    for record in reader.read([topic], partitions=reader.partitions(topic), until_end=True, last=LOOK_BACK):
        try:
            _, ticks = decode_frame(record.value)
        except FrameError:
            continue  # workers dead-letter it
        history = ticks["ts_event"][ticks["kind"] == int(TickKind.BASELINE)]
        if len(history):
            closes.append(int(history.max()))
    return max(closes, default=None)


class HistoryAhead:
    """Compares the first trade of a recording with the history before it in the log.

    Args:
        history_ns: Close of the history's last session, ns UTC; None for no history.
    """

    def __init__(self, history_ns: int | None) -> None:
        self._history_ns = history_ns

    def check(self, ticks: NDArray[np.void]) -> None:
        """Check the first ticks; later ones are not looked at.

        Args:
            ticks: TICK (n,) of the feed.

        Raises:
            ConfigurationError: The first one is of a session that the history contains.
        """
        history_ns, self._history_ns = self._history_ns, None
        if history_ns is None or len(ticks) == 0:
            self._history_ns = history_ns
            return
        first_ns = int(ticks["ts_event"][0])
        if first_ns <= history_ns:
            first, last = (date_text((ts_ns - 1) // _DAY_NS) for ts_ns in (first_ns, history_ns))
            raise ConfigurationError(
                f"the recording starts on {first}, but the history in the log contains sessions up to "
                f"{last}: no value that rests on history would be known, and no daily event would be sent",
                operator_action=f"use a new topic generation, and publish its history with --history-until "
                f"before {first}",
            )
