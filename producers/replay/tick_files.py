"""Tick files of the consolidated tape (AlgoSeek, October 2013) as a recording.

A file is a CSV, plain or gzipped, with one row per trade:

    symbol,date,ms,price,size,exchange,cond,suspicious

`ms` counts from midnight in New York, `price` is in dollars, `cond` is a hexadecimal
bit field (see `sip_flags`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.model.errors import HistoryError
from core.model.scale import (
    DEFAULT_EXPONENT,
    LARGEST_PRICE,
    LEAST_EXPONENT,
    fits,
    largest_figure,
    to_integers,
    units_per_one,
)
from producers.replay.listings import LISTINGS, Listing, listing_of
from producers.replay.recording import Column, Print, Recording, assemble
from producers.replay.sip_flags import conditions_of

FEED_ZONE: Final = "America/New_York"
_MILLISECONDS_PER_DAY: Final = 86_400_000
_SCHEMA: Final = {
    "symbol": pl.String,
    "date": pl.String,
    "ms": pl.Int64,
    "price": pl.Float64,
    "size": pl.Int64,
    "exchange": pl.String,
    "cond": pl.String,
    "suspicious": pl.Int64,
}
_SUPPORTED_SUFFIXES: Final = (".csv", ".csv.gz")


def tick_files_in(path: Path) -> list[Path]:
    """Return the tick files of a path.

    Args:
        path: A file, or a directory of files.

    Returns:
        Files, sorted by name.

    Raises:
        HistoryError: The path does not exist, or there is no tick file; the message names it.
    """
    if path.is_file():
        return [path]
    if not path.exists():
        raise HistoryError(
            f"{path} does not exist", operator_action="correct the path of the tick file or directory"
        )
    files = sorted(file for file in path.glob("*") if file.name.endswith(_SUPPORTED_SUFFIXES))
    if not files:
        raise HistoryError(f"{path} contains no tick file", operator_action="give a .csv or .csv.gz file")
    return files


def load_tick_files(paths: Iterable[Path], listings: Mapping[str, Listing] = LISTINGS) -> Recording:
    """Read tick files into one recording.

    Args:
        paths: The files; within one millisecond, trades of earlier files come first.
        listings: Listing of each symbol.

    Returns:
        Every row of the files, in event-time order.

    Raises:
        HistoryError: A file is invalid; the message names the first invalid row.
    """
    frames = {path: _read(path) for path in paths}
    exponents = _exponents(frames.values())
    return assemble(
        column for path, frame in frames.items() for column in _columns(path, frame, exponents, listings)
    )


def _exponents(frames: Iterable[pl.DataFrame]) -> dict[str, int]:
    """Return each symbol's price exponent: the default, or the first finer one that is exact."""
    prices: dict[str, list[NDArray[np.float64]]] = {}
    for frame in frames:
        for (symbol,), rows in frame.group_by("symbol"):
            prices.setdefault(str(symbol), []).append(rows["price"].unique().to_numpy())
    return {symbol: _exponent(np.concatenate(parts)) for symbol, parts in prices.items()}


def _exponent(prices: NDArray[np.float64]) -> int:
    for exponent in range(DEFAULT_EXPONENT, LEAST_EXPONENT - 1, -1):
        if not fits(prices, exponent, LARGEST_PRICE).all():
            break
        if np.array_equal(to_integers(prices, exponent) / units_per_one(exponent), prices):
            return exponent
    return DEFAULT_EXPONENT


def _columns(
    path: Path, frame: pl.DataFrame, exponents: Mapping[str, int], listings: Mapping[str, Listing]
) -> Iterator[Column]:
    for (symbol, _), day in frame.group_by("symbol", "date", maintain_order=True):
        listing = listing_of(str(symbol), listings)
        kinds = (
            day.select("exchange", "cond", "suspicious").unique(maintain_order=True).with_row_index("print")
        )
        prints = [
            Print(exchange, _letters(path, cond, listing.tape, bool(suspicious)), listing.tape)
            for _, exchange, cond, suspicious in kinds.iter_rows()
        ]
        day = day.join(kinds, on=["exchange", "cond", "suspicious"], how="left", maintain_order="left")
        yield Column(
            str(symbol),
            day["ts_event"].to_numpy(),
            to_integers(day["price"].to_numpy(), exponents[str(symbol)]),
            day["size"].to_numpy(),
            prints,
            day["print"].to_numpy(),
            exponents[str(symbol)],
        )


def _letters(path: Path, cond: str, tape: str, suspicious: bool) -> tuple[str, ...]:
    try:
        return conditions_of(int(cond, 16), tape, suspicious=suspicious)
    except ValueError:
        raise HistoryError(f"{path}: {cond!r} is not a hexadecimal bit field") from None
    except HistoryError as error:
        raise HistoryError(f"{path}: {error.message}") from None


def _read(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path, columns=list(_SCHEMA), schema_overrides=_SCHEMA)
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror or 'no such file'}") from error
    except pl.exceptions.PolarsError as error:
        raise HistoryError(
            f"{path} is not a tick file: {str(error).splitlines()[0]}",
            operator_action=f"the header must be {','.join(_SCHEMA)}",
        ) from error
    _refuse(path, frame, pl.any_horizontal(pl.all().is_null()), "an empty field")
    _refuse(path, frame, ~pl.col("ms").is_between(0, _MILLISECONDS_PER_DAY - 1), "ms outside its day")
    _refuse(
        path,
        frame,
        ~(pl.col("price").is_finite() & (pl.col("price") > 0)),
        "a price that is not greater than 0",
    )
    _refuse(
        path,
        frame,
        pl.col("price") > largest_figure(DEFAULT_EXPONENT),
        "a price outside the range of a record",
    )
    _refuse(path, frame, pl.col("size") < 0, "a negative size")
    midnight = pl.col("date").str.to_datetime("%Y-%m-%d", time_unit="ns", strict=False)
    _refuse(path, frame, midnight.is_null(), "a date that is not YYYY-MM-DD")
    clock = (midnight + pl.duration(milliseconds="ms")).dt.replace_time_zone(FEED_ZONE, ambiguous="earliest")
    return frame.with_columns(
        clock.dt.convert_time_zone("UTC").dt.epoch("ns").alias("ts_event"),
    )


def _refuse(path: Path, frame: pl.DataFrame, bad: pl.Expr, what: str) -> None:
    rows = frame.select(bad.fill_null(True).arg_true()).to_series()
    if len(rows) > 0:
        line = int(rows[0]) + 2
        raise HistoryError(f"{path}, line {line}: {what} ({len(rows)} such rows)")
