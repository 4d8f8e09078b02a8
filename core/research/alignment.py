"""Joins the closes of several instruments on their common dates."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from core.model.errors import HistoryError
from core.model.instruments import Pair


def align(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Join closes on the dates that all frames have.

    Args:
        frames: Name → checked daily frame.

    Returns:
        Column `date`, ascending, and one column of closes per name.

    Raises:
        HistoryError: There is no frame, or no common date.
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
        raise HistoryError(f"{', '.join(frames)} have no common date")
    return wide.sort("date")


def align_legs(pair: Pair, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Join the closes of a pair's legs on their common dates.

    Args:
        pair: The pair.
        frames: Symbol → checked daily frame.

    Returns:
        Columns `date`, ascending, `numerator` and `benchmark`; fixed names, because a symbol may be
        called "date".

    Raises:
        HistoryError: There is no common date.
    """
    return align({"numerator": frames[pair.numerator], "benchmark": frames[pair.benchmark]})
