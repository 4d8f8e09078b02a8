"""A market to measure with: some hundred or thousand instruments against two benchmarks.

Prices are drawn, not recorded: each instrument drifts through its session and trades with a little
noise around that path, so that some pairs really move and definitions fire.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from core.definitions.catalogue import Catalogue, parse_catalogue
from core.engine.engine import PartitionEngine
from core.model.instruments import Universe, parse_universe
from core.model.records import (
    NANOSECONDS_PER_SECOND,
    NO_INSTRUMENT,
    PRICE_UNITS_PER_ONE,
    TICK,
    TickKind,
    Update,
)
from core.model.sessions import Calendar, build_calendars
from producers.framing.framer import Framer

TICKS_SOURCE = 1
HISTORY_SOURCE = 900
FLUSH_RECORDS = 512
SESSION_DATE = date(2024, 7, 11)
HISTORY_SESSIONS = 300
"""Enough for windows of 252 sessions and for the year's start."""

Frames = Iterator[tuple[int, bytes]]
"""Partition and payload, in the order in which they are sent."""

_DAILY_MOVE = 0.015
_TRADE_NOISE = 0.0003
_BENCHMARK_DRIFT = -0.004
JUMP = 0.04
"""Enough for an opposite move, whose least is 3 %."""

_NEVER_NS = 2**62


@dataclass(frozen=True)
class Market:
    """A universe in which every instrument is paired with one of the first `benchmarks`.

    Args:
        instruments: How many.
        benchmarks: How many of them are benchmarks; they trade 50 times as often as the rest.
        seed: Of everything that is drawn.
    """

    instruments: int
    benchmarks: int = 2
    seed: int = 7
    _rng: np.random.Generator = field(init=False, repr=False)
    jumps_ns: NDArray[np.int64] = field(init=False, repr=False)
    """For each instrument the instant from which it trades a jump higher."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rng", np.random.default_rng(self.seed))
        object.__setattr__(self, "jumps_ns", np.full(self.instruments, _NEVER_NS))

    @cached_property
    def text(self) -> str:
        """The universe as a TOML file."""
        lines = [
            f'[[source]]\nid = {TICKS_SOURCE}\nname = "alpaca"',
            f'[[source]]\nid = {HISTORY_SOURCE}\nname = "history"',
            '[defaults.equity]\ncalendar = "XNYS"\nsource = "alpaca"',
        ]
        for number in range(self.instruments):
            symbol = f"S{number}"
            lines.append(
                f'[[instrument]]\nid = {number + 1}\nsymbol = "{symbol}"\nclass = "equity"\n'
                'listing_exchange = "N"'
            )
        for number in range(self.benchmarks, self.instruments):
            benchmark = number % self.benchmarks
            lines.append(f'[[pair]]\nnumerator = "S{number}"\nbenchmark = "S{benchmark}"')
        return "\n".join(lines)

    @cached_property
    def universe(self) -> Universe:
        """The universe."""
        return parse_universe(self.text)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The definitions that come with Rotascope: everything is on."""
        return parse_catalogue((resources.files("core") / "data" / "catalogue.toml").read_text())

    @cached_property
    def calendars(self) -> Mapping[str, Calendar]:
        """The sessions of New York, with room for the history."""
        return build_calendars(["XNYS"], date(2022, 1, 1), date(2024, 12, 31))

    @cached_property
    def session_row(self) -> int:
        """Row of the session that is measured."""
        return self.calendars["XNYS"].row_of((SESSION_DATE - date(1970, 1, 1)).days)

    @property
    def open_second(self) -> int:
        """Unix time of the session's open."""
        return int(self.calendars["XNYS"].open_ns[self.session_row]) // NANOSECONDS_PER_SECOND

    @property
    def close_second(self) -> int:
        """Unix time of the session's close."""
        return int(self.calendars["XNYS"].close_ns[self.session_row]) // NANOSECONDS_PER_SECOND

    def engine(self, *, partition: int = 0, partitions: int = 1) -> PartitionEngine:
        """A fresh engine."""
        return PartitionEngine(
            self.universe, self.catalogue, self.calendars, partition=partition, partitions=partitions
        )

    @cached_property
    def closes(self) -> NDArray[np.int64]:
        """Closes of the history, int64 (sessions, instruments): random walks from 100."""
        moves = self._rng.normal(0.0, _DAILY_MOVE, (HISTORY_SESSIONS, self.instruments))
        prices = np.rint(100 * np.exp(np.cumsum(moves, axis=0)) * PRICE_UNITS_PER_ONE)
        closes: NDArray[np.int64] = prices.astype(np.int64)
        return closes

    @cached_property
    def _drift(self) -> NDArray[np.float64]:
        """How far each instrument moves from open to close."""
        drift = self._rng.normal(0.0, _DAILY_MOVE, self.instruments)
        drift[: self.benchmarks] = _BENCHMARK_DRIFT
        return drift

    @cached_property
    def _share(self) -> NDArray[np.float64]:
        """How many of all trades each instrument has."""
        weight = np.ones(self.instruments)
        weight[: self.benchmarks] = 50.0
        share: NDArray[np.float64] = weight / weight.sum()
        return share

    def history(self) -> NDArray[np.void]:
        """The warm start: a baseline record for each instrument and session, a mark after each session."""
        calendar = self.calendars["XNYS"]
        rows = np.arange(self.session_row - HISTORY_SESSIONS, self.session_row)
        records = np.zeros((HISTORY_SESSIONS, self.instruments + 1), TICK)
        records["ts_event"] = calendar.close_ns[rows][:, None]
        records["instrument_id"][:, :-1] = np.arange(1, self.instruments + 1)
        records["instrument_id"][:, -1] = NO_INSTRUMENT
        records["price"][:, :-1] = self.closes
        records["update"][:, :-1] = Update.OFFICIAL | Update.LAST
        records["kind"] = TickKind.BASELINE
        records["source"] = HISTORY_SOURCE
        return records.reshape(-1)

    def trades(self, first_second: int, seconds: int, per_second: int) -> NDArray[np.void]:
        """Trades at random instants, with the clock mark of each second before its first trade.

        Args:
            first_second: Unix time, in the session.
            seconds: How many.
            per_second: Trades per event second.

        Returns:
            TICK (seconds * (per_second + 1),), in the order in which a producer sends them.
        """
        count = seconds * per_second
        start_ns = first_second * NANOSECONDS_PER_SECOND
        offsets = np.sort(self._rng.integers(0, seconds * NANOSECONDS_PER_SECOND, count))
        rows = np.searchsorted(np.cumsum(self._share), self._rng.random(count)).clip(max=self.instruments - 1)
        done = (first_second - self.open_second + offsets / NANOSECONDS_PER_SECOND) / (
            self.close_second - self.open_second
        )
        path = 1.0 + self._drift[rows] * done + self._rng.normal(0.0, _TRADE_NOISE, count)
        path[start_ns + offsets >= self.jumps_ns[rows]] += JUMP
        trades = np.zeros(count, TICK)
        trades["ts_event"] = start_ns + offsets
        trades["price"] = np.rint(self.closes[-1, rows] * path)
        trades["size"] = 100 * PRICE_UNITS_PER_ONE
        trades["trade_id"] = np.arange(1, count + 1)
        trades["instrument_id"] = rows + 1
        trades["update"] = Update.ALL
        trades["source"] = TICKS_SOURCE
        bounds = start_ns + np.arange(seconds) * NANOSECONDS_PER_SECOND
        return np.insert(trades, np.searchsorted(trades["ts_event"], bounds), marks(bounds))

    def closing(self) -> NDArray[np.void]:
        """What ends the session: every instrument's official close, and the marks that make the day final."""
        after_ns = self.close_second * NANOSECONDS_PER_SECOND
        prints = np.zeros(self.instruments, TICK)
        prints["ts_event"] = after_ns + NANOSECONDS_PER_SECOND // 2
        prints["price"] = np.rint(self.closes[-1] * (1.0 + self._drift))
        prints["size"] = 1_000 * PRICE_UNITS_PER_ONE
        prints["instrument_id"] = np.arange(1, self.instruments + 1)
        prints["update"] = Update.ALL | Update.OFFICIAL
        prints["source"] = TICKS_SOURCE
        before, after = after_ns + np.zeros(1, np.int64), after_ns + np.arange(1, 4) * NANOSECONDS_PER_SECOND
        return np.concatenate((marks(before), prints, marks(after)))


def marks(instants_ns: NDArray[np.int64]) -> NDArray[np.void]:
    """Clock marks."""
    records = np.zeros(len(instants_ns), TICK)
    records["ts_event"] = instants_ns
    records["instrument_id"] = NO_INSTRUMENT
    records["kind"] = TickKind.CLOCK
    records["source"] = TICKS_SOURCE
    return records


def framer(
    market: Market, *, partitions: int, source_id: int, flush_records: int = FLUSH_RECORDS, epoch: int = 1
) -> Framer:
    """The producer's framer."""
    return Framer(
        market.universe, partitions=partitions, source_id=source_id, epoch=epoch, flush_records=flush_records
    )


def cut(framer: Framer, *parts: NDArray[np.void]) -> list[tuple[int, bytes]]:
    """Cut ticks into frames, the last one included."""
    frames = [(frame.partition, frame.payload) for part in parts for frame in framer.add(part, 0.0)]
    return frames + [(frame.partition, frame.payload) for frame in framer.flush()]


def payloads(market: Market, ticks: NDArray[np.void], source_id: int, flush_records: int) -> list[bytes]:
    """Frames of a log with one partition."""
    one = framer(market, partitions=1, source_id=source_id, flush_records=flush_records)
    return [payload for _, payload in cut(one, ticks)]


def warm_engine(market: Market) -> PartitionEngine:
    """An engine that knows the history: every daily value is ready.

    The closes are handed over directly: three million baseline records, one by one, would take a
    minute, and nothing that is measured here depends on the way they came.
    """
    engine = market.engine()
    calendar = market.calendars["XNYS"]
    records = np.zeros(len(engine.world.instruments), TICK)
    records["instrument_id"] = engine.world.instrument_ids
    records["kind"] = TickKind.BASELINE
    for back, closes in zip(range(HISTORY_SESSIONS, 0, -1), market.closes, strict=True):
        records["price"] = closes
        engine.pair_time.baseline.take(records)
        engine.pair_time.finish_baseline(int(calendar.close_ns[market.session_row - back]), None)
    if (known := int(engine.evaluator.days.counts.min())) != HISTORY_SESSIONS:
        raise RuntimeError(f"the engine took {known} sessions of {HISTORY_SESSIONS}")
    return engine
