"""Closes of several instruments side by side, on the dates that all have."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from core.model.errors import HistoryError
from core.model.instruments import Pair


def align(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Put closes side by side on the dates that all have.

    Args:
        frames: Name → checked daily frame.

    Returns:
        Column `date`, ascending, and one column of closes per name.

    Raises:
        HistoryError: No frame, or no date in common.
    """
    if not frames:
        raise HistoryError("nothing to align")
    columns = iter(frames.items())
    first, frame = next(columns)
    wide = frame.select("date", pl.col("close").alias(first))
    for name, frame in columns:
        closes = frame.select("date", pl.col("close").alias(name))
        wide = wide.join(closes, on="date", how="inner", validate="1:1")
    if wide.height == 0:
        raise HistoryError(f"{', '.join(frames)} have no date in common")
    return wide.sort("date")


def align_legs(pair: Pair, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Put the closes of a pair's legs side by side on the dates that both have.

    Args:
        pair: The pair.
        frames: Symbol → checked daily frame.

    Returns:
        Columns `date`, ascending, `numerator` and `benchmark`: an instrument may be called as the
        date column is.

    Raises:
        HistoryError: No date in common.
    """
    return align({"numerator": frames[pair.numerator], "benchmark": frames[pair.benchmark]})
