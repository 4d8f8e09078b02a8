"""The recording that ships with Rotascope: eleven instruments over eight sessions of July 2024.

`data/NOTICE` names the sources of the figures; `compact` rebuilds the files from them.
"""

from __future__ import annotations

from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import polars as pl

from core.model.sessions import Calendar, build_calendar, day_to_date
from core.runtime.files import write_bytes
from producers.replay.bar_paths import BAR_COLUMNS, PRICE_COLUMNS, first_and_last_day, load_bars
from producers.replay.recording import Recording

PRICE_SCALE: Final = 100
"""Bars are stored in hundredths."""

CLOSE_SCALE: Final = 1_000_000
"""Daily closes are stored in millionths."""

BARS_FILE: Final = "bars_5m.parquet"
DAILY_FILE: Final = "daily_closes.parquet"
DEMO_CALENDAR: Final = "XNYS"
LAST_HISTORY_DAY: Final = date(2024, 7, 5)
"""The session before the first recorded one."""


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


def write_demo_history(directory: Path, until: date = LAST_HISTORY_DAY) -> list[Path]:
    """Write the daily closes to CSV files, one per symbol, with `date` and `close`.

    Args:
        directory: Created if missing.
        until: Last session, inclusive.

    Returns:
        The files, by symbol.

    Raises:
        ConfigurationError: A file cannot be written.
    """
    written = []
    for (symbol,), frame in demo_daily(until).group_by("symbol", maintain_order=True):
        file = directory / f"{symbol}.csv"
        text = frame.select(pl.col("session").alias("date"), "close").write_csv()
        write_bytes(file, text.encode(), make_folder=True, operator_action="choose another directory")
        written.append(file)
    return written


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
