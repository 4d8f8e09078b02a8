"""The recording that ships with Rotascope: eleven instruments over eight sessions of July 2024.

`data/NOTICE` names the sources of the figures; `compact` rebuilds the files from them.
"""

from __future__ import annotations

from datetime import date
from importlib.resources import as_file, files
from typing import Final

import polars as pl

from core.model.sessions import Calendar, build_calendar, day_to_date
from producers.replay.bar_paths import BAR_COLUMNS, PRICE_COLUMNS, first_and_last_day, load_bars
from producers.replay.recording import Recording

PRICE_SCALE: Final = 100
"""Bars are stored in hundredths."""

CLOSE_SCALE: Final = 1_000_000
"""Daily closes are stored in millionths."""

BARS_FILE: Final = "bars_5m.parquet"
DAILY_FILE: Final = "daily_closes.parquet"
DEMO_CALENDAR: Final = "XNYS"


def demo_bars() -> pl.DataFrame:
    """Return the five-minute bars of 2024-07-08 to 2024-07-17.

    Returns:
        `symbol`, `start` (Datetime ns, UTC), `open`, `high`, `low`, `close` (Float64), `volume`
        (Int64, 0 for an index); 78 bars per symbol and session.
    """
    frame = _read(BARS_FILE)
    start = pl.from_epoch("start_s", time_unit="s").dt.cast_time_unit("ns").dt.replace_time_zone("UTC")
    prices = [_unscaled(frame[name], PRICE_SCALE) for name in PRICE_COLUMNS]
    return frame.with_columns(start.alias("start"), *prices).select(BAR_COLUMNS)


def demo_daily(until: date | None = None) -> pl.DataFrame:
    """Return the official daily closes: RUT and SPX from 1990, SPY, QQQ and mega caps from 2019.

    Args:
        until: Last session, inclusive; the shipped figures end on 2024-07-17.

    Returns:
        `symbol`, `session` (Date), `close` (Float64), by symbol and session. Adjusted
        for splits, not for dividends. GOOG has none: the daily history is of the other share class.
    """
    scaled = _read(DAILY_FILE).rename({"close_scaled": "close"})
    frame = scaled.with_columns(_unscaled(scaled["close"], CLOSE_SCALE))
    return frame if until is None else frame.filter(pl.col("session") <= until)


def demo_calendar() -> Calendar:
    """Return the sessions of the demo's bars."""
    first, last = first_and_last_day(demo_bars())
    return build_calendar(DEMO_CALENDAR, day_to_date(first), day_to_date(last))


def demo_recording(closes: pl.DataFrame | None = None) -> Recording:
    """Return the demo's bars as a path of trades, each session followed by its official closes.

    Args:
        closes: `symbol`, `session`, `close` instead of the shipped closes.
    """
    return load_bars(demo_bars(), demo_daily() if closes is None else closes, demo_calendar())


def _unscaled(column: pl.Series, scale: int) -> pl.Series:
    # NumPy, because Polars multiplies by the inverse, which turns 12749 into 127.49000000000001.
    return pl.Series(column.name, column.to_numpy() / scale)


def _read(name: str) -> pl.DataFrame:
    with as_file(files("producers.replay") / "data" / name) as path:
        return pl.read_parquet(path)
