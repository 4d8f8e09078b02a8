"""A study: runs the live system's engine over daily history.

There is no second implementation: daily files become baseline records, the records become frames, and
the same `PartitionEngine` processes them. A study only enables its output during history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.definitions.catalogue import Catalogue
from core.engine.baseline import baseline_records
from core.engine.engine import PartitionEngine
from core.events.events import Event
from core.events.lookups import Lookups
from core.model.frames import MAX_RECORDS, encode_frame
from core.model.instruments import Instrument, Pair, Source, Universe
from core.model.records import NO_INSTRUMENT
from core.model.scale import DEFAULT_EXPONENT
from core.model.scale_advice import price_exponent
from core.model.sessions import Calendar, day_to_date, session_day

HISTORY: Final = Source(source_id=900, name="history")
_MAX_AGE_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class StudySession:
    """A completed session of the history with its events.

    Args:
        session: Days since 1970-01-01.
        events: Events in the engine's order.
    """

    session: int
    events: list[Event]


@dataclass(frozen=True, slots=True)
class Series:
    """A daily series in addition to the prices.

    Args:
        symbol: Name of the series.
        asset_class: "rate" or "flow".
        into: For a flow, the symbol it flows into.
        exponent: Exponent of its values.
    """

    symbol: str
    asset_class: str
    into: str | None = None
    exponent: int = DEFAULT_EXPONENT


def study_universe(
    frames: Mapping[str, pl.DataFrame], pairs: Sequence[Pair], calendar: str, series: Sequence[Series] = ()
) -> Universe:
    """Build a universe from the inputs of a study.

    Args:
        frames: Symbol → daily frame; a frame with volume gives an instrument with volume, unless it is
            the volume of a whole exchange (see `of_an_exchange`).
        pairs: Pairs to study.
        calendar: Calendar of all symbols.
        series: Rates and flows.

    Returns:
        One source, the instruments in the order of the symbols, and the pairs. Prices are in the default
        scale, or in the one `core.model.scale_advice` recommends if that is too coarse or too small.

    Raises:
        UniverseError: A pair has an unknown leg or is duplicated.
    """
    exchange = of_an_exchange(frames)
    traded = [
        _instrument(
            number,
            symbol,
            "etf",
            calendar,
            has_volume="volume" in frame.columns and symbol not in exchange,
            price_exponent=price_exponent(frame["close"]),
        )
        for number, (symbol, frame) in enumerate(frames.items(), start=1)
    ]
    beside = [
        _instrument(
            number, one.symbol, one.asset_class, calendar, group=one.into, price_exponent=one.exponent
        )
        for number, one in enumerate(series, start=len(traded) + 1)
    ]
    return Universe((HISTORY,), tuple(traded + beside), tuple(pairs))


def of_an_exchange(frames: Mapping[str, pl.DataFrame]) -> frozenset[str]:
    """Find the symbols whose files repeat another's volume: files of indices hold that of the exchange.

    No index trades, and live an index has no volume, so neither has it in a study.

    Args:
        frames: Symbol → daily frame.

    Returns:
        Symbols with another's volume on more than half of the sessions on which theirs changed.

    Example:
        >>> from datetime import date
        >>> days = [date(2024, 7, day) for day in (8, 9, 10)]
        >>> index = pl.DataFrame({"date": days, "volume": [3.19e9, 3.24e9, 3.34e9]})
        >>> fund = pl.DataFrame({"date": days, "volume": [36_110_500.0, 27_289_700.0, 38_701_200.0]})
        >>> sorted(of_an_exchange({"RUT": index, "SPX": index, "SPY": fund}))
        ['RUT', 'SPX']
    """
    parts = [
        frame.select("date", pl.col("volume").cast(pl.Float64))
        .filter((pl.col("volume") > 0) & (pl.col("volume") != pl.col("volume").shift(1)))
        .with_columns(pl.lit(symbol).alias("symbol"))
        for symbol, frame in frames.items()
        if "volume" in frame.columns
    ]
    if len(parts) < 2:
        return frozenset()
    repeated = pl.col("symbol").n_unique().over("date", "volume") > 1
    shares = pl.concat(parts).with_columns(repeated.alias("repeated"))
    shares = shares.group_by("symbol").agg(pl.col("repeated").mean())
    return frozenset(shares.filter(pl.col("repeated") > 0.5)["symbol"].to_list())


def _instrument(
    number: int,
    symbol: str,
    asset_class: str,
    calendar: str,
    *,
    has_volume: bool = False,
    group: str | None = None,
    price_exponent: int = DEFAULT_EXPONENT,
) -> Instrument:
    return Instrument(
        instrument_id=number,
        symbol=symbol,
        name=symbol,
        asset_class=asset_class,
        calendar=calendar,
        source=HISTORY.name,
        listing_exchange=None,
        max_age_ms=_MAX_AGE_MS,
        has_volume=has_volume,
        has_official_close=asset_class == "etf",
        group=group,
        sector=None,
        price_exponent=price_exponent,
    )


class HistoryRun:
    """Runs one engine over the whole history, session by session.

    Args:
        universe: From `study_universe`.
        catalogue: The definitions.
        calendars: Calendars of the universe by name, over the whole history.
        frames: Symbol → checked daily frame, also of series.
        until: The last session to process, days since 1970-01-01; None for all.
        lookups: Tags for events; base rates are added after the run.

    Raises:
        HistoryError: A figure is too large for a record.
        UniverseError: A calendar is missing.
        CatalogueError: A definition cannot be evaluated.
    """

    def __init__(
        self,
        universe: Universe,
        catalogue: Catalogue,
        calendars: Mapping[str, Calendar],
        frames: Mapping[str, pl.DataFrame],
        *,
        until: int | None = None,
        lookups: Lookups | None = None,
    ) -> None:
        last = max(session_day(frame["date"][-1]) for frame in frames.values())
        self.engine = PartitionEngine(
            universe, catalogue, calendars, partition=0, partitions=1, lookups=lookups, history_events=True
        )
        closes = {universe.instrument(symbol).instrument_id: frame for symbol, frame in frames.items()}
        stop = last if until is None else min(last, until)
        self._records = baseline_records(closes, universe, calendars, day_to_date(stop), HISTORY.source_id)
        self._ends = np.flatnonzero(self._records["instrument_id"] == NO_INSTRUMENT) + 1
        self._sequence = 0

    def __len__(self) -> int:
        """Number of sessions."""
        return len(self._ends)

    def sessions(self) -> Iterator[StudySession]:
        """Process the history; at each yielded session, the engine holds the values as of that session."""
        start = 0
        for end in self._ends.tolist():
            events = self._step(self._records[start:end])
            ts_close_ns = int(self._records["ts_event"][end - 1])
            # A session that ends at midnight belongs to the day it ends.
            yield StudySession((ts_close_ns - 1) // _DAY_NS, events)
            start = end

    def run_through(self) -> None:
        """Process the history as a whole, for the values at its end: fewer frames than sessions."""
        self._step(self._records)

    def _step(self, records: NDArray[np.void]) -> list[Event]:
        events: list[Event] = []
        for first in range(0, len(records), MAX_RECORDS):
            frame = encode_frame(
                records[first : first + MAX_RECORDS],
                source=HISTORY.source_id,
                epoch=1,
                sequence=self._sequence,
            )
            events += self.engine.step(frame, self._sequence).events
            self._sequence += 1
        return events


_DAY_NS: Final = 86_400_000_000_000
