"""Figures that a record cannot hold."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from core.baseline import LARGEST_FIGURE
from core.daily.findings import CheckedHistory, Finding, finding_on
from core.errors import HistoryError

_SMALLEST: Final = 0.5e-9
"""A price below half a unit of 1e-9 would become zero, and nothing can be divided by it."""


class Limits(NamedTuple):
    """What a record of an instrument holds.

    Args:
        price: The largest price, or value of a series.
        volume: The largest volume.
    """

    price: float = LARGEST_FIGURE
    volume: float = LARGEST_FIGURE


def within_record(frame: pl.DataFrame, limits: Limits, *, name: str, signed: bool = False) -> CheckedHistory:
    """Take volumes too large for a record as unknown, and leave out closes too small for one.

    Args:
        frame: A checked daily frame.
        limits: Of the instrument.
        name: What error messages call the file.
        signed: The file holds a series: figures near zero are values as any other.

    Raises:
        HistoryError: A price too large for a record.
    """
    findings: list[Finding] = []
    for column in {"close", "open", "high", "low"} & set(frame.columns):
        over = (frame[column].abs() > limits.price).fill_null(False)
        if over.any():
            row = int(over.arg_true()[0])
            raise HistoryError(
                f"{name}: the {column} of {frame['date'][row]}, {frame[column][row]:,.12g}, does not fit "
                f"a record (at most {limits.price:,.0f})",
                operator_action="give the series in a larger unit, such as millions",
            )
    small = frame["close"] < _SMALLEST
    if not signed and small.any():
        findings.append(
            finding_on(
                "close_too_small", frame["date"].filter(small), "a close below 1e-9; the row was left out"
            )
        )
        frame = frame.filter(~small)
    if "volume" in frame.columns:
        over = (frame["volume"] > limits.volume).fill_null(False)
        if over.any():
            message = (
                f"above {limits.volume:,.0f}, more than a record holds; the volume is unknown, and so is "
                "relative volume over these days"
            )
            findings.append(finding_on("volume_too_large", frame["date"].filter(over), message))
            frame = frame.with_columns(pl.when(~over).then(pl.col("volume")))
    return CheckedHistory(frame, findings)
