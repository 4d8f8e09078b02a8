"""Refuses to send a recording of sessions that the history in the log already contains.

The history stands at the head of the log and is applied before the first tick. Where it reaches beyond the
ticks, engines give no value that rests on finished days (quality `history_ahead`), so a
replay of such a day would publish no daily event.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model.errors import ConfigurationError
from core.model.records import NANOSECONDS_PER_SECOND, TickKind
from core.model.timestamps import date_text
from producers.ingest.predecessor import RecentFrame

_DAY_NS: Final = 86_400 * NANOSECONDS_PER_SECOND


def last_history_ns(frames: Iterable[RecentFrame]) -> int | None:
    """Return the close of the last session of history near the end of the log.

    Args:
        frames: From `recent_frames`.

    Returns:
        Nanoseconds UTC; None if there is no history, or ticks have followed it for a long time.
    """
    history = (frame.ticks["ts_event"][frame.ticks["kind"] == int(TickKind.BASELINE)] for frame in frames)
    return max((int(closes.max()) for closes in history if len(closes)), default=None)


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
