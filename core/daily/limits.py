"""Figures that a record cannot hold."""

from __future__ import annotations

from datetime import date
from functools import reduce
from operator import or_
from typing import Final, NamedTuple

import polars as pl

from core.daily.findings import CheckedHistory, Finding, finding_on
from core.model.errors import HistoryError
from core.model.instruments import Instrument
from core.model.scale import (
    DEFAULT_EXPONENT,
    LARGEST_INTEGER,
    LARGEST_PRICE,
    LEAST_EXPONENT,
    figure_text,
    fitting_exponent,
    largest_float,
    units_per_one,
)


class Limits(NamedTuple):
    """What a record of an instrument holds; by default in the scale of 1e-9.

    Args:
        price_exponent: Scale of the largest price.
        finest_exponent: Scale of the smallest price; another one where the scale is still to be chosen.
        size_exponent: Scale of volumes.
        largest: The largest price, or value of a series, in units.
    """

    price_exponent: int = DEFAULT_EXPONENT
    finest_exponent: int = DEFAULT_EXPONENT
    size_exponent: int = DEFAULT_EXPONENT
    largest: int = LARGEST_PRICE

    @property
    def price(self) -> float:
        """The largest price, or value of a series."""
        return largest_float(self.price_exponent, self.largest)

    @property
    def smallest_price(self) -> float:
        """Half a unit: a price up to it would become zero, and nothing can be divided by it."""
        return 0.5 / units_per_one(self.finest_exponent)

    @property
    def volume(self) -> float:
        """The largest volume."""
        return largest_float(self.size_exponent)


ANY_PRICE_SCALE: Final = Limits(price_exponent=0, finest_exponent=LEAST_EXPONENT)
"""A study chooses the scale of prices by what the files hold."""
ANY_SERIES_SCALE: Final = ANY_PRICE_SCALE._replace(largest=LARGEST_INTEGER)


def limits_of(instrument: Instrument) -> Limits:
    """Give what a record of an instrument holds, in its scale."""
    return Limits(
        instrument.price_exponent,
        instrument.price_exponent,
        instrument.size_exponent,
        LARGEST_INTEGER if instrument.is_series else LARGEST_PRICE,
    )


def within_record(frame: pl.DataFrame, limits: Limits, *, name: str, signed: bool = False) -> CheckedHistory:
    """Take volumes too large for a record as unknown, and leave out closes too small for one.

    An open, high or low that is too small is unknown.

    Args:
        frame: A checked daily frame.
        limits: Of the instrument.
        name: What error messages call the file.
        signed: The file holds a series: figures near zero are values as any other.

    Raises:
        HistoryError: A price too large for a record.
    """
    findings: list[Finding] = []
    for column in [each for each in ("close", "open", "high", "low") if each in frame.columns]:
        over = (frame[column].abs() > limits.price).fill_null(False)
        if over.any():
            row = int(over.arg_true()[0])
            raise _too_large(name, column, frame["date"][row], frame[column][row], limits)
    if not signed:
        frame = _without_zeros(frame, limits, findings)
    if "volume" in frame.columns:
        over = (frame["volume"] > limits.volume).fill_null(False)
        if over.any():
            message = (
                f"above {figure_text(limits.size_exponent)}, more than size_exponent = "
                f"{limits.size_exponent} holds; the volume is unknown, and so is relative volume over "
                "these days"
            )
            findings.append(finding_on("volume_too_large", frame["date"].filter(over), message))
            frame = frame.with_columns(pl.when(~over).then(pl.col("volume")))
    return CheckedHistory(frame, findings)


def _without_zeros(frame: pl.DataFrame, limits: Limits, findings: list[Finding]) -> pl.DataFrame:
    """Leave out closes that would become zero, and take the rest of a day's range so far down as unknown."""
    zero = f"zero at price_exponent = {limits.finest_exponent}"
    small = frame["close"] <= limits.smallest_price
    if small.any():
        message = f"a close that is {zero}; the row was left out"
        findings.append(finding_on("close_too_small", frame["date"].filter(small), message))
        frame = frame.filter(~small)
    for kind, columns, message in (
        ("open_unknown", ("open",), f"an open that is {zero}; taken as unknown"),
        ("range_unknown", ("high", "low"), f"a high or low that is {zero}; both taken as unknown"),
    ):
        present = [column for column in columns if column in frame.columns]
        if not present:
            continue
        smalls = [(frame[column] <= limits.smallest_price).fill_null(False) for column in present]
        bad = reduce(or_, smalls)
        if bad.any():
            findings.append(finding_on(kind, frame["date"].filter(bad), message))
            frame = frame.with_columns(pl.when(~bad).then(pl.col(column)).alias(column) for column in present)
    return frame


def _too_large(name: str, column: str, day: date, value: float, limits: Limits) -> HistoryError:
    fitting = fitting_exponent(abs(value), limits.largest)
    return HistoryError(
        f"{name}: the {column} of {day}, {value:,.12g}, does not fit price_exponent = "
        f"{limits.price_exponent} (at most {figure_text(limits.price_exponent, limits.largest)})",
        operator_action=(
            "correct the figure, or give the file in a larger unit, such as millions"
            if fitting is None or limits.price_exponent == 0
            else f"correct the figure, or set price_exponent = {fitting} before there is any history"
        ),
    )
