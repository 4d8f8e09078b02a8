"""Converts vendor numbers to integers in each instrument's scale; reports numbers that do not fit once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model.errors import FeedError
from core.model.instruments import Instrument
from core.model.scale import (
    DEFAULT_EXPONENT,
    LARGEST_INTEGER,
    LARGEST_PRICE,
    figure_text,
    fitting_exponent,
    largest_float,
    to_integers,
    units_per_one,
)
from core.model.timestamps import rfc3339

_ACTION: Final = (
    "give {symbol} a new id with that scale in the universe; until then such trades are dead-lettered"
)


class Scales:
    """Units and limits of numbers, by row of a feed's instruments.

    Args:
        exponents: Exponent of each row.
        largest: The largest integer allowed, in units.
    """

    def __init__(self, exponents: Sequence[int], largest: int = LARGEST_INTEGER) -> None:
        self._exponents = np.array(exponents, np.int64)
        self._different = sorted(set(exponents))
        self._units = np.array([1 / units_per_one(each) for each in exponents])
        self._largest = np.array([largest_float(each, largest) for each in exponents])

    def unit(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Smallest positive number of each row."""
        return self._units[rows]

    def largest(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Largest number of each row."""
        return self._largest[rows]

    def fixed_point(
        self, values: NDArray[np.float64], usable: NDArray[np.bool_], rows: NDArray[np.intp]
    ) -> NDArray[np.int64]:
        """Convert decimal numbers to units, rounded to nearest.

        Exact for decimals of up to fifteen significant digits, as `core.model.scale.to_integers` is.

        Args:
            values: Array (n,).
            usable: Array (n,): if False, the result is 0.
            rows: Row of each value.

        Returns:
            Array (n,) int64.

        Example:
            >>> Scales([-9, -15]).fixed_point(
            ...     np.array([126.55, 0.000012, np.nan]), np.array([True, True, False]), np.array([0, 1, 1])
            ... ).tolist()
            [126550000000, 12000000000, 0]
        """
        values = np.where(usable, values, 0.0)
        if len(self._different) == 1:
            return to_integers(values, self._different[0])
        units = np.zeros(len(values), np.int64)
        exponents = self._exponents[rows]
        for exponent in self._different:
            mine = exponents == exponent
            units[mine] = to_integers(values[mine], exponent)
        return units


class InstrumentScales:
    """Scales of a feed's instruments; reports once per instrument that a number does not fit.

    Args:
        instruments: In row order; the row after the last, which -1 refers to, is no instrument.
    """

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._instruments = tuple(instruments)
        prices = [instrument.price_exponent for instrument in instruments]
        sizes = [instrument.size_exponent for instrument in instruments]
        self.prices = Scales([*prices, DEFAULT_EXPONENT], LARGEST_PRICE)
        self.sizes = Scales([*sizes, DEFAULT_EXPONENT])
        self._reported: set[tuple[str, int]] = set()
        self._notices: list[FeedError] = []

    def note(
        self,
        rows: NDArray[np.intp],
        prices: NDArray[np.float64],
        sizes: NDArray[np.float64],
        ts_event_ns: NDArray[np.int64],
    ) -> None:
        """Find figures that do not fit, among trades some of which are refused.

        Args:
            rows: int (n,): -1 for an unknown symbol.
            prices: float64 (n,).
            sizes: float64 (n,).
            ts_event_ns: int64 (n,): ns UTC.
        """
        for what, figures, scales in (("price", prices, self.prices), ("size", sizes, self.sizes)):
            misfit = (rows >= 0) & np.isfinite(figures) & (figures > scales.largest(rows))
            if what == "price":
                misfit |= (rows >= 0) & (figures > 0) & (figures < scales.unit(rows))
            for position in np.flatnonzero(misfit).tolist():
                row = int(rows[position])
                if (what, row) not in self._reported:
                    self._reported.add((what, row))
                    self._report(what, row, float(figures[position]), int(ts_event_ns[position]))

    def take(self) -> list[FeedError]:
        """Return the findings since the last call."""
        notices, self._notices = self._notices, []
        return notices

    def _report(self, what: str, row: int, figure: float, ts_event_ns: int) -> None:
        instrument = self._instruments[row]
        is_price = what == "price"
        exponent = instrument.price_exponent if is_price else instrument.size_exponent
        largest = LARGEST_PRICE if is_price else LARGEST_INTEGER
        fitting = fitting_exponent(figure, largest)
        would = "" if fitting is None or fitting == exponent else f"; {fitting} would fit"
        self._notices.append(
            FeedError(
                f"{instrument.symbol}: a {what} of {figure:,.12g} at {rfc3339(ts_event_ns)} does not fit "
                f"{what}_exponent = {exponent} (to {figure_text(exponent, largest)}){would}",
                action="ignore",
                code="scale",
                operator_action=_ACTION.format(symbol=instrument.symbol) if would else None,
            )
        )
