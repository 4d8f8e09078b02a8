"""Reads the values of many pairs at once out of what the latest pass computed, as VALUE records."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.engine.pair_values import PairValues
from core.model.records import VALUE, ValueFlag, ValueSign
from core.model.value_frames import ValueBatch
from core.partition.world import PairBlock

_OUTPUTS: Final = (
    ("return_pct", "instrument_return_pct:1d"),
    ("relative_21d_pp", "relative_strength_pp:21d"),
    ("relative_63d_pp", "relative_strength_pp:63d"),
    ("d50_sd", "ma50_distance_sd"),
    ("rsi", "rsi:14"),
)
"""Field of VALUE and the output it holds."""
_NOT_YET: Final = ("strength_score", "trend", "momentum")
_NUMERATOR: Final = 0
_LONGEST_STREAK: Final = 127
_MA50_KNOWN: Final = np.uint8(ValueSign.MA50_KNOWN)
_ABOVE_MA50: Final = np.uint8(ValueSign.ABOVE_MA50)
_MA200_KNOWN: Final = np.uint8(ValueSign.MA200_KNOWN)
_ABOVE_MA200: Final = np.uint8(ValueSign.ABOVE_MA200)
_EXTREMES_KNOWN: Final = np.uint8(ValueSign.EXTREMES_KNOWN)
_NEW_HIGH: Final = np.uint8(ValueSign.NEW_HIGH)
_NEW_LOW: Final = np.uint8(ValueSign.NEW_LOW)


class ValueColumns:
    """The values of a partition's pairs as records.

    Args:
        values: What the records are read from.
    """

    def __init__(self, values: PairValues) -> None:
        self._values = values
        world = values.world
        ids = world.instrument_ids.astype(np.uint32)
        self._numerators: NDArray[np.uint32] = ids[world.numerators]
        self._blank: NDArray[np.void] = np.zeros(len(world.pairs), VALUE)
        self._blank["instrument_id"] = self._numerators
        self._blank["benchmark_id"] = ids[world.benchmarks]
        for name in _NOT_YET:
            self._blank[name] = np.nan
        self._fields = [(name, values.row_of(key)) for name, key in _OUTPUTS]
        self._return = values.row_of("instrument_return_pct:1d")
        self._streak = values.row_of("outperformance_streak_sessions")
        self._short = values.row_of("ma50_distance_pct")
        self._long = values.row_of("ma200_distance_pct")
        self._high, self._low = values.row_of("numerator_high:252d"), values.row_of("numerator_low:252d")

    def minute(self, number: int, block: PairBlock, session: int, ts_event_ns: int) -> ValueBatch:
        """Return the values of a minute.

        Args:
            number: Of the block.
            block: Its pairs; the minute has been evaluated for them.
            session: Days since 1970-01-01.
            ts_event_ns: End of the minute.
        """
        rows = slice(block.start, block.stop)
        records = self._read(rows, session, ValueFlag(0))
        return ValueBatch(ts_event_ns, session, number, self._numerators[rows], records, False, True)

    def day(
        self,
        number: int,
        block: PairBlock,
        rows: NDArray[np.int32],
        session: int,
        ts_event_ns: int,
        *,
        complete: bool,
        revised: bool = False,
    ) -> ValueBatch:
        """Return the values of a final session.

        Args:
            number: Of the block.
            block: Its pairs.
            rows: int32 (n,): pairs for which the session has just been evaluated.
            session: Days since 1970-01-01.
            ts_event_ns: The session's close.
            complete: Whether it is final for all pairs of the block.
            revised: Whether the values replace earlier ones of the session.
        """
        flags = ValueFlag.FINAL | (ValueFlag.REVISED if revised else ValueFlag(0))
        records = self._read(rows, session, flags)
        of_block = self._numerators[block.start : block.stop]
        return ValueBatch(ts_event_ns, session, number, of_block, records, True, complete)

    def _read(self, rows: slice | NDArray[np.int32], session: int, flags: ValueFlag) -> NDArray[np.void]:
        values, records = self._values, self._blank[rows].copy()
        for name, row in self._fields:
            records[name] = values.values[row, rows]
        records["price"] = values.prices[_NUMERATOR, rows]
        records["volume"] = values.volumes[_NUMERATOR, rows]
        records["quality"] = values.quality[self._return, rows]
        records["signs"] = self._signs(rows)
        streak = values.values[self._streak, rows]
        bounded = np.minimum(np.maximum(streak, -_LONGEST_STREAK), _LONGEST_STREAK)
        records["streak"] = np.where(streak == streak, bounded, 0.0)
        records["session"] = session
        records["flags"] = int(flags)
        return records

    def _signs(self, rows: slice | NDArray[np.int32]) -> NDArray[np.uint8]:
        values, scales = self._values.values, self._values.world.scales
        price = self._values.prices[_NUMERATOR, rows] / scales.price_units[_NUMERATOR, rows]
        short, long = values[self._short, rows], values[self._long, rows]
        high, low = values[self._high, rows], values[self._low, rows]
        is_priced = price > 0
        signs: NDArray[np.uint8] = (short == short) * _MA50_KNOWN  # not NaN
        signs |= (short > 0) * _ABOVE_MA50
        signs |= (long == long) * _MA200_KNOWN
        signs |= (long > 0) * _ABOVE_MA200
        signs |= (is_priced & (high == high)) * _EXTREMES_KNOWN
        signs |= (is_priced & (price > high)) * _NEW_HIGH
        signs |= (is_priced & (price < low)) * _NEW_LOW
        return signs
