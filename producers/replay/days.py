"""Chooses days of a recording."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from core.model.errors import HistoryError
from producers.replay.recording import Recording
from producers.replay.tick_files import FEED_ZONE


def read_days(text: str) -> list[date]:
    """Read days and ranges of days.

    Args:
        text: Entries separated by commas, each `2024-07-11` or `2024-07-08..2024-07-10`.

    Returns:
        The days, ascending.

    Raises:
        HistoryError: An entry that does not read so.

    Example:
        >>> [str(day) for day in read_days("2024-07-11,2024-07-08..2024-07-09")]
        ['2024-07-08', '2024-07-09', '2024-07-11']
    """
    days: set[date] = set()
    for entry in text.split(","):
        first_text, _, last_text = entry.strip().partition("..")
        try:
            first = date.fromisoformat(first_text)
            last = date.fromisoformat(last_text) if last_text else first
        except ValueError:
            raise HistoryError(
                f"{entry.strip()!r} is not a day",
                operator_action="write 2024-07-11 or 2024-07-08..2024-07-10",
            ) from None
        days.update(first + timedelta(days=offset) for offset in range((last - first).days + 1))
    if not days:
        raise HistoryError(f"{text!r} holds no day: a range must not end before it begins")
    return sorted(days)


def on_days(recording: Recording, days: list[date]) -> Recording:
    """Keep the trades of some days on the clock of New York.

    Args:
        recording: Where they are taken from.
        days: Wanted days; days without trades are passed over.

    Returns:
        A recording that shares the tables of `recording`.

    Raises:
        HistoryError: No trade is left.
    """
    instants = pl.Series(recording.trades["ts_event"]).cast(pl.Datetime("ns", "UTC"))
    local_days = instants.dt.convert_time_zone(FEED_ZONE).dt.date()
    kept = recording.trades[np.asarray(local_days.is_in(days))]
    if len(kept) == 0:
        raise HistoryError(
            f"the recording has no trades on {', '.join(map(str, days))}",
            operator_action=f"choose from {local_days[0]} to {local_days[-1]}",
        )
    return Recording(kept, recording.symbols, recording.prints)
