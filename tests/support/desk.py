"""An engine to talk to in seconds since the open: write records, pass time, look at what is known."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from core.definitions.catalogue import Catalogue
from core.engine.engine import PartitionEngine
from core.model.instruments import Universe
from core.model.records import Quality, TickKind, Update
from core.model.sessions import Calendar
from tests.support.logs import LogBuilder, Run, Sequences, cut, run
from tests.support.worlds import (
    BIG,
    CATALOGUE,
    COIN,
    DAY,
    ETH,
    FEED,
    GOO,
    MINUTE,
    OPEN,
    SECOND,
    SML,
    exchange_universe,
    make_engine,
)

CLOSES = {SML: 100.0, BIG: 200.0, GOO: 50.0, COIN: 1000.0, ETH: 70.0}
"""Closes of every baseline session."""


class Desk:
    """An engine after its warm start, at the open of session 0.

    Args:
        universe: What is watched; the exchange alone by default.
        catalogue: Definitions.
        calendars: Sessions; short ones by default.
        baseline_days: Sessions of warm start, with the same closes each day.
        closes: What those closes are.
        marked: Source → seconds since the open of its first mark.
    """

    def __init__(
        self,
        universe: Universe | None = None,
        *,
        catalogue: Catalogue | str = CATALOGUE,
        calendars: Mapping[str, Calendar] | None = None,
        baseline_days: int = 3,
        closes: Mapping[int, float] | None = None,
        marked: Mapping[int, float] | None = None,
    ) -> None:
        universe = universe or exchange_universe()
        self.engine: PartitionEngine = make_engine(universe, catalogue=catalogue, calendars=calendars)
        self.sequences = Sequences()
        self.said = Run()
        """Everything since the desk was opened."""
        self._log = LogBuilder()
        known = {instrument.instrument_id for instrument in universe.instruments}
        day = {row: close for row, close in (closes or CLOSES).items() if row in known}
        for back in range(baseline_days, 0, -1):
            self._log.baseline(OPEN - 5 * MINUTE - (back - 1) * DAY, day)
        for source, seconds in ({FEED: 0.0} if marked is None else marked).items():
            self._log.mark(at(seconds), source)
        self.flush()

    def flush(self) -> Run:
        """Step what was written since the last flush; what it made the engine say."""
        records, self._log = self._log.records, LogBuilder()
        frames = cut(records, sequences=self.sequences) if len(records) else []
        now = run(self.engine, frames)
        for name in ("events", "minute_bars", "day_bars", "dead_letters", "values"):
            getattr(self.said, name).extend(getattr(now, name))
        return now

    def trade(
        self,
        seconds: float,
        instrument: int,
        price: float,
        size: float = 100.0,
        *,
        update: int = Update.ALL,
        source: int = FEED,
    ) -> None:
        """Write a trade."""
        self._log.trade(at(seconds), instrument, price, size, update=update, source=source)

    def add(self, kind: TickKind | int, seconds: float, **fields: float) -> None:
        """Write any record."""
        self._log.add(kind, at(seconds), **fields)  # type: ignore[arg-type]

    def official(
        self, seconds: float, instrument: int, price: float, *, kind: TickKind = TickKind.TRADE
    ) -> None:
        """Write an official print, its correction or its cancel."""
        self._log.official(at(seconds), instrument, price, kind=kind)

    def mark(self, seconds: float, source: int = FEED) -> Run:
        """Write a clock mark and flush."""
        self._log.mark(at(seconds), source)
        return self.flush()

    def row(self, instrument: int) -> np.void:
        """State of an instrument."""
        record: np.void = self.engine.state.instruments[self.engine.world.row_of_id[instrument]]
        return record

    def counted(self, name: str, source: int = FEED) -> int:
        """A counter of a source."""
        row = self.engine.world.source_row(source)
        return int(self.engine.state.sources[row][f"count_{name}"])

    def value(self, key: str, pair: str = "SML/BIG") -> tuple[float, str]:
        """A value with its quality, such as `("instrument_return_pct:1d", "SML/BIG")`."""
        names = [each.name for each in self.engine.world.pairs]
        self.engine.settle()
        values, quality = self.engine.evaluator.columns[key]
        row = names.index(pair)
        return float(values[row]), Quality(int(quality[row])).label

    def unknown(self, key: str, pair: str = "SML/BIG") -> str:
        """Why a value is unknown; fails where it is known."""
        value, reason = self.value(key, pair)
        assert math.isnan(value), f"{key} of {pair} is {value}"
        return reason


def at(seconds: float) -> int:
    """Event time in ns UTC of so many seconds after the open of session 0."""
    return OPEN + round(seconds * SECOND)
