"""The real engine, stepped so that every value can be read as soon as it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.definitions.catalogue import Catalogue
from core.engine.baseline import baseline_records
from core.engine.engine import PartitionEngine
from core.engine.step_output import StepOutput
from core.events.events import Event
from core.model.frames import MAX_RECORDS, encode_frame
from core.model.instruments import Universe
from core.model.records import NANOSECONDS_PER_SECOND, NO_INSTRUMENT, TICK, TickKind
from core.model.sessions import Calendar, day_to_date
from core.research.history import check_daily, parse_daily
from tests.support.recorded_log import mark

HISTORY_SOURCE = 900


@dataclass
class SteppedEngine:
    """One partition that holds everything, and what it has said so far.

    Args:
        universe: Sources 1 (ticks) and 900 (history).
        calendars: Cover every session used.
        catalogue: Definitions, none by default.
    """

    universe: Universe
    calendars: Mapping[str, Calendar]
    catalogue: Catalogue = field(default_factory=lambda: Catalogue(()))
    events: list[Event] = field(default_factory=list)
    day_bars: list[NDArray[np.void]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = PartitionEngine(
            self.universe, self.catalogue, self.calendars, partition=0, partitions=1
        )
        self._sequences: dict[int, int] = {}
        self._offset = 0

    @property
    def pairs(self) -> list[str]:
        """Names of the pairs, in the order of the columns."""
        return [pair.name for pair in self.engine.world.pairs]

    def values(self, key: str) -> NDArray[np.float64]:
        """An output's values as they stand, one per pair; not a copy."""
        self.engine.settle()
        return self.engine.evaluator.columns[key][0]

    def step(self, records: NDArray[np.void], source: int) -> list[StepOutput]:
        """Send records of one source, in as many frames as it takes."""
        outputs = []
        for first in range(0, len(records), MAX_RECORDS):
            sequence = self._sequences.get(source, 0)
            frame = encode_frame(
                records[first : first + MAX_RECORDS], source=source, epoch=1, sequence=sequence
            )
            output = self.engine.step(frame, self._offset)
            assert not output.dead_letters
            self._sequences[source] = sequence + 1
            self._offset += 1
            self.events += output.events
            self.day_bars += output.day_bars
            outputs.append(output)
        return outputs

    def step_days(
        self,
        files: Mapping[str, Path],
        *,
        first: date,
        until: date,
        columns: Mapping[str, str] | None = None,
    ) -> Iterator[date]:
        """Send daily files as baseline, a session at a time; values stand as of each session yielded."""
        records = baseline_from(
            files, self.universe, self.calendars, first=first, until=until, columns=columns
        )
        ends = np.flatnonzero(records["instrument_id"] == NO_INSTRUMENT) + 1
        start = 0
        for end in ends:
            self.step(records[start:end], HISTORY_SOURCE)
            yield day_to_date(int(records["ts_event"][end - 1]) // (86_400 * NANOSECONDS_PER_SECOND))
            start = int(end)

    def step_seconds(self, ticks: NDArray[np.void], marks: NDArray[np.int64]) -> Iterator[int]:
        """Send ticks up to each mark, then the mark.

        Args:
            ticks: TICK (n,) of source 1, by event time.
            marks: Unix seconds, ascending.

        Yields:
            The Unix second before which all are closed.
        """
        stops = np.searchsorted(ticks["ts_event"], marks * NANOSECONDS_PER_SECOND)
        start = 0
        for second, stop in zip(marks.tolist(), stops.tolist(), strict=True):
            self.step(np.concatenate([ticks[start:stop], mark(second * NANOSECONDS_PER_SECOND, 1)]), 1)
            start = stop
            yield int(self.engine.state.sources[0]["closed_second"])


def baseline_from(
    files: Mapping[str, Path],
    universe: Universe,
    calendars: Mapping[str, Calendar],
    *,
    first: date,
    until: date,
    columns: Mapping[str, str] | None = None,
) -> NDArray[np.void]:
    """Baseline records of daily CSV files, by symbol; a symbol's column is `close` unless named."""
    closes = {}
    for symbol, path in files.items():
        instrument = universe.instrument(symbol)
        column = (columns or {}).get(symbol, "close")
        frame = parse_daily(path.read_bytes(), symbol, format="csv", column=column).filter(
            pl.col("date").is_between(first, until)
        )
        calendar = calendars[instrument.calendar]
        checked = check_daily(frame, calendar, name=symbol, signed=instrument.is_series)
        closes[instrument.instrument_id] = checked.frame
    return baseline_records(closes, universe, calendars, until, HISTORY_SOURCE)


def marks_for(
    ticks: NDArray[np.void], *, opens: int, closes: int, every_s: int, wait_s: int = 900
) -> NDArray[np.int64]:
    """Marks of one session: before it, at every second with a tick, every so often, and after it.

    Args:
        ticks: TICK (n,).
        opens: Unix second of the open.
        closes: Unix second of the close.
        every_s: Most seconds between two marks.
        wait_s: How long official closes are waited for.
    """
    traded = np.unique(ticks["ts_event"] // NANOSECONDS_PER_SECOND)
    regular = np.arange(opens, closes + 1, every_s)
    around = np.array([opens - 10, closes + 2, closes + wait_s + 2])
    marks: NDArray[np.int64] = np.unique(np.concatenate([traded, regular, around])).astype(np.int64)
    return marks


def trade_ticks(
    seconds: NDArray[np.int64], prices: NDArray[np.int64], instrument_id: int
) -> NDArray[np.void]:
    """Trades that update everything, one a row: Unix second and price in units of 1e-9."""
    ticks = np.zeros(len(seconds), TICK)
    ticks["ts_event"] = ticks["ts_recv"] = seconds * NANOSECONDS_PER_SECOND
    ticks["price"] = prices
    ticks["size"] = NANOSECONDS_PER_SECOND
    ticks["instrument_id"] = instrument_id
    ticks["update"] = 15
    ticks["kind"] = TickKind.TRADE
    ticks["source"] = 1
    return ticks
