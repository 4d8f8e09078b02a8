"""Recommends an instrument's scale from its prices and volumes."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import polars as pl

from core.model.instruments import Instrument
from core.model.scale import (
    DEFAULT_EXPONENT,
    LARGEST_INTEGER,
    LARGEST_PRICE,
    LEAST_EXPONENT,
    fitting_exponent,
)

HEADROOM: Final = 10
"""Headroom of a recommended scale over the largest figure seen."""

LEAST_DIGITS: Final = 6
"""Minimum digits of the lowest price; with fewer, the scale is too coarse."""

WANTED_DIGITS: Final = 11
"""Digits of the lowest price in a recommended scale, if the highest price permits."""


class Advice(NamedTuple):
    """A recommended change of scale.

    Args:
        refused: There are prices outside the current scale.
        text: Problem of the current scale.
        operator_action: What to set in the universe.
    """

    refused: bool
    text: str
    operator_action: str


def advise(instrument: Instrument, frame: pl.DataFrame) -> Advice | None:
    """Check an instrument's scale against its history; None if it is suitable.

    Args:
        instrument: Instrument with its current scale.
        frame: Daily frame with `close`, and `volume` if available; nulls are ignored.
    """
    problems = [
        _series_problem(instrument, frame) if instrument.is_series else _price_problem(instrument, frame)
    ]
    if instrument.has_volume and "volume" in frame.columns:
        problems.append(_volume_problem(instrument, frame["volume"]))
    found = [problem for problem in problems if problem is not None]
    if not found:
        return None
    wanted = ", ".join(f"{problem.key} = {problem.wanted}" for problem in found)
    return Advice(
        refused=any(problem.refused for problem in found),
        text="; ".join(problem.text for problem in found),
        operator_action=f"set {wanted} for {instrument.symbol} in the universe, before any history "
        "is published",
    )


class _Problem(NamedTuple):
    key: str
    wanted: int
    text: str
    refused: bool


def _price_problem(instrument: Instrument, frame: pl.DataFrame) -> _Problem | None:
    closes = frame["close"].filter((frame["close"] > 0).fill_null(False))
    now = instrument.price_exponent
    if not closes.len() or (wanted := price_exponent(closes, now)) == now:
        return None
    lowest, highest = _extremes(closes)
    if wanted > now:
        text = f"closes to {highest:,.12g} do not fit price_exponent = {now}"
    else:
        digits = max(0, math.floor(math.log10(lowest)) - now + 1)
        text = f"a close of {lowest:.12g} has {digits} digits at price_exponent = {now}"
    return _Problem("price_exponent", wanted, text, wanted > now)


def _series_problem(instrument: Instrument, frame: pl.DataFrame) -> _Problem | None:
    values = frame["close"].drop_nulls()
    now = instrument.price_exponent
    if not values.len() or (wanted := flow_exponent(values, now)) == now:
        return None
    text = f"values to {_extremes(values.abs())[1]:,.12g} do not fit price_exponent = {now}"
    return _Problem("price_exponent", wanted, text, True)


def _volume_problem(instrument: Instrument, volumes: pl.Series) -> _Problem | None:
    known = volumes.filter((volumes >= 0).fill_null(False))
    now = instrument.size_exponent
    if not known.len() or (wanted := size_exponent(known, now)) == now:
        return None
    text = f"volumes to {_extremes(known)[1]:,.12g} do not fit size_exponent = {now}"
    return _Problem("size_exponent", wanted, text, False)


def _extremes(figures: pl.Series) -> tuple[float, float]:
    values = figures.to_numpy()
    return float(values.min()), float(values.max())


def price_exponent(closes: pl.Series, current: int = DEFAULT_EXPONENT) -> int:
    """Return the recommended exponent of prices; the current one if suitable.

    Args:
        closes: Positive prices, without nulls.
        current: The current price exponent.

    Example:
        >>> price_exponent(pl.Series([0.000012, 0.000015])), price_exponent(pl.Series([2125.04]))
        (-15, -9)
    """
    lowest, highest = _extremes(closes)
    fitting = fitting_exponent(highest, LARGEST_PRICE)
    if fitting is None:
        return current
    if fitting <= current and lowest >= 10.0 ** (current + LEAST_DIGITS - 1):
        return current
    roomy = fitting_exponent(HEADROOM * highest, LARGEST_PRICE)
    wanted = math.floor(math.log10(lowest)) - (WANTED_DIGITS - 1)
    return max(LEAST_EXPONENT, min(wanted, DEFAULT_EXPONENT), fitting if roomy is None else roomy)


def flow_exponent(values: pl.Series, current: int = DEFAULT_EXPONENT) -> int:
    """Return the recommended exponent of a series; the current one if the values fit.

    Args:
        values: Of any sign, without nulls.
        current: The current price exponent.

    Example:
        >>> flow_exponent(pl.Series([-5e10, 1.0])), flow_exponent(pl.Series([4.25]))
        (-7, -9)
    """
    return _fitting(_extremes(values.abs())[1], current)


def size_exponent(volumes: pl.Series, current: int = DEFAULT_EXPONENT) -> int:
    """Return the recommended exponent of volumes; the current one if they fit.

    Args:
        volumes: Zero or more; nulls are skipped.
        current: The present size exponent.

    Example:
        >>> size_exponent(pl.Series([5e10])), size_exponent(pl.Series([1e6, None]))
        (-7, -9)
    """
    known = volumes.drop_nulls()
    return _fitting(_extremes(known)[1], current) if known.len() else current


def _fitting(largest: float, current: int) -> int:
    fitting = fitting_exponent(largest, LARGEST_INTEGER)
    if fitting is None or fitting <= current:
        return current
    roomy = fitting_exponent(HEADROOM * largest, LARGEST_INTEGER)
    return fitting if roomy is None else roomy
