"""Builds the demo's data files from their source files.

    python -m producers.replay.compact --source ../shared/data --out producers/replay/data

Only figures are kept: times, prices and volumes of eleven instruments over eight
sessions, and daily closes.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import polars as pl
import typer

from core.model.errors import HistoryError
from producers.replay.bar_files import read_bars
from producers.replay.bar_paths import PRICE_COLUMNS
from producers.replay.demo import BARS_FILE, CLOSE_SCALE, DAILY_FILE, PRICE_SCALE

LAST_SESSION: Final = date(2024, 7, 17)
INDEX_START: Final = date(1990, 1, 2)
EQUITY_START: Final = date(2019, 1, 2)

BARS_SOURCE: Final = "intraday/fixture_5m_2024-07-08_2024-07-17.csv"
DAILY_SOURCES: Final = {
    "RUT": ("daily/RUT.csv", INDEX_START),
    "SPX": ("daily/GSPC.csv", INDEX_START),
    "SPY": ("daily/SPY.csv", EQUITY_START),
    "QQQ": ("daily/QQQ_yahoo.csv", EQUITY_START),
    "AAPL": ("daily/AAPL_yahoo.csv", EQUITY_START),
    "AMZN": ("daily/AMZN_yahoo.csv", EQUITY_START),
    "META": ("daily/META_yahoo.csv", EQUITY_START),
    "MSFT": ("daily/MSFT_yahoo.csv", EQUITY_START),
    "NVDA": ("daily/NVDA_yahoo.csv", EQUITY_START),
    "TSLA": ("daily/TSLA_yahoo.csv", EQUITY_START),
}
"""Symbol → daily file and first session kept. GOOG has none: the available file is for GOOGL."""


def compact_bars(source: Path) -> pl.DataFrame:
    """Return the bars as integers, ordered by time and symbol.

    Args:
        source: Root of the source files.

    Returns:
        `symbol`, `start_s` (seconds UTC), prices in hundredths, `volume`.

    Raises:
        HistoryError: A price that is not a whole number of hundredths.
    """
    bars = read_bars(source / BARS_SOURCE)
    rounded = [(pl.col(name) * PRICE_SCALE).round().cast(pl.Int32).alias(name) for name in PRICE_COLUMNS]
    compacted = bars.sort("start", "symbol").select(
        "symbol",
        pl.col("start").dt.epoch("s").alias("start_s"),
        *rounded,
        pl.col("volume").cast(pl.Int64),
    )
    original = bars.sort("start", "symbol").select(PRICE_COLUMNS).to_numpy()
    lost = float(np.abs(compacted.select(PRICE_COLUMNS).to_numpy() / PRICE_SCALE - original).max())
    if lost > 1e-9:
        raise HistoryError(f"a price of {BARS_SOURCE} has more than two decimals")
    return compacted


def compact_daily(source: Path) -> pl.DataFrame:
    """Return the daily closes as integers, ordered by symbol and session.

    Args:
        source: Root of the source files.

    Returns:
        `symbol`, `session` (Date), `close_scaled` (millionths).
    """
    parts = []
    for symbol, (name, first) in sorted(DAILY_SOURCES.items()):
        daily = pl.read_csv(source / name, columns=["date", "close"], try_parse_dates=True)
        kept = daily.filter(pl.col("date").is_between(first, LAST_SESSION)).sort("date")
        parts.append(
            kept.select(
                pl.lit(symbol).alias("symbol"),
                pl.col("date").alias("session"),
                (pl.col("close") * CLOSE_SCALE).round().cast(pl.Int64).alias("close_scaled"),
            )
        )
    return pl.concat(parts)


def main(
    source: Annotated[Path, typer.Option(help="Root of the source files.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Directory for the two files.", exists=True, file_okay=False)],
) -> None:
    """Write the demo's data files."""
    for name, frame in ((BARS_FILE, compact_bars(source)), (DAILY_FILE, compact_daily(source))):
        target = out / name
        frame.write_parquet(target, compression="zstd", compression_level=19, statistics=False)
        typer.echo(f"{target}: {frame.height} rows, {target.stat().st_size} bytes")


if __name__ == "__main__":
    typer.run(main)
