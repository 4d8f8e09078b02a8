"""Selects days of a recording."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from core.model.errors import HistoryError
from producers.replay.recording import Recording
from producers.replay.tick_files import FEED_ZONE


def read_days(text: str) -> list[date]:
    """Parse days and ranges of days.

    Args:
        text: Comma-separated entries, each `2024-07-11` or `2024-07-08..2024-07-10`.

    Returns:
        The days, ascending.

    Raises:
        HistoryError: An entry has another form.

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
        raise HistoryError(f"{text!r} is an empty range: it ends before it begins")
    return sorted(days)


def on_days(recording: Recording, days: list[date]) -> Recording:
    """Keep the trades of some days in New York time.

    Args:
        recording: Source recording.
        days: Days to keep; days without trades are ignored.

    Returns:
        A recording that shares the tables of the source.

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
