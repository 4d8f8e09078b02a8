"""The engine's two costs, apart: `apply_ticks` a tick, and the pass over all pairs a second.

The loop is the engine's own, with a clock around each of its calls. A frame is decoded just before
it is applied, as in the worker, so that its bytes lie in the cache; decoding is not counted here.
"""

from __future__ import annotations

import statistics
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from core.engine.engine import PartitionEngine
from core.engine.step_output import StepOutput
from core.model.frames import decode_frame
from core.model.records import NANOSECONDS_PER_SECOND
from core.partition.state import NEVER
from core.partition.ticks import apply_ticks, unpack
from tests.bench.market import FLUSH_RECORDS, TICKS_SOURCE, Market, payloads, warm_engine
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress

SPARSE_PER_SECOND = 427
"""Ten million ticks over a regular session of 23,400 seconds."""

DENSE_PER_SECOND = 100_000
FRAME_TICKS = (128, FLUSH_RECORDS, 1024)
RUNS = 3

APPLY_GOAL = Goal(25)
PASS_GOAL = Goal(150)
_SECONDS_PER_MINUTE = 60


@dataclass(slots=True)
class Loop:
    """What one run through a log cost; medians, so that a run survives being interrupted.

    Args:
        apply_ns: For each frame, time in `apply_ticks` a tick, calls included.
        passes_ns: Each pass that ends a second only.
        minute_passes_ns: Each pass that also ends a minute.
    """

    apply_ns: list[float] = field(default_factory=list)
    passes_ns: list[int] = field(default_factory=list)
    minute_passes_ns: list[int] = field(default_factory=list)

    @property
    def apply_median_ns(self) -> float:
        """Nanoseconds a tick of the frame in the middle."""
        return statistics.median(self.apply_ns)

    @property
    def pass_median_ns(self) -> float:
        """The pass in the middle, a sixtieth of the minute's end added to each second."""
        seconds = statistics.median(self.passes_ns)
        if not self.minute_passes_ns:
            return seconds
        return (59 * seconds + statistics.median(self.minute_passes_ns)) / 60


def run_loop(engine: PartitionEngine, frames: list[bytes]) -> Loop:
    """Step frames of one source as the engine does, with a clock around each call.

    Args:
        engine: Its clock may have started or not.
        frames: Of the ticks source.

    Returns:
        Times and counts; the pass that starts a clock is not among them.
    """
    state, world, loop = engine.state, engine.world, Loop()
    row = world.source_row(TICKS_SOURCE)
    source = state.sources[row]
    lateness_ns = int(source["lateness_ns"])
    notes = np.zeros(1024, np.int64)
    # Nothing is closed in the kernel, so that ticks and closed seconds are measured apart.
    every_second = np.full(len(state.sources), NEVER)
    minutes: list[NDArray[np.void]] = []
    days: list[NDArray[np.void]] = []
    output = StepOutput()
    for payload in frames:
        _, ticks = decode_frame(payload)
        position, count, apply_ns = 0, len(ticks), 0
        while position < count:
            started = perf_counter_ns()
            packed = apply_ticks(
                ticks,
                position,
                row,
                state.sources,
                world.row_of_id,
                state.instruments,
                state.seconds,
                state.second_prices,
                every_second,
                False,
                notes,
            )
            apply_ns += perf_counter_ns() - started
            position, noted, closes_second = unpack(packed)
            if noted:
                raise ValueError(f"the engine refuses a tick of the benchmark: note {int(notes[0]) >> 32}")
            if closes_second:
                target = (int(source["mark_ns"]) - lateness_ns) // NANOSECONDS_PER_SECOND
                starts_clock = source["closed_second"] < 0
                started = perf_counter_ns()
                for _ in engine.instrument_time.advance(row, target, minutes, days):
                    engine.pair_time.advance(row, output)
                took_ns = perf_counter_ns() - started
                if not starts_clock:
                    at_minute = target % _SECONDS_PER_MINUTE == 0
                    (loop.minute_passes_ns if at_minute else loop.passes_ns).append(took_ns)
        loop.apply_ns.append(apply_ns / count)
    return loop


def run(bench: Bench) -> Iterator[Figure]:
    """Measure both sizes at both densities."""
    for instruments in (500, 10_000):
        progress(f"{instruments:,} instruments: history and a first hour")
        market = Market(instruments)
        engine = warm_engine(market)
        yield from _sparse(bench, market, engine)
        yield from _dense(bench, market, engine)


def _sparse(bench: Bench, market: Market, engine: PartitionEngine) -> Iterator[Figure]:
    """From the open at 427 ticks a second: the whole session; of the larger market, 65 minutes."""
    whole = market.close_second - market.open_second
    seconds = bench.size(whole if market.instruments <= 500 else 3_900, 120)
    where = f"{market.instruments:,} instruments, {SPARSE_PER_SECOND}/s"
    loops = yield from _apply_figures(
        bench, market, engine, where, market.open_second, seconds, SPARSE_PER_SECOND
    )
    yield from _pass_figures(where, market, loops, f"{seconds:,} event seconds from the open, none left out")


def _dense(bench: Bench, market: Market, engine: PartitionEngine) -> Iterator[Figure]:
    """Every instrument trades in nearly every second; the windows of the session are full by then."""
    warm = bench.size(3_960, 120)
    seconds = bench.size(61, 3)
    quiet = market.trades(market.open_second, warm, market.instruments // 10)
    run_loop(engine, payloads(market, quiet, TICKS_SOURCE, 1024))
    where = f"{market.instruments:,} instruments, 100 k/s"
    start = market.open_second + warm
    loops = yield from _apply_figures(bench, market, engine, where, start, seconds, DENSE_PER_SECOND)
    yield from _pass_figures(
        where, market, loops, f"{seconds} event seconds after {warm // 60} quieter minutes"
    )


def _apply_figures(
    bench: Bench,
    market: Market,
    engine: PartitionEngine,
    where: str,
    start: int,
    seconds: int,
    per_second: int,
) -> Generator[Figure, None, list[Loop]]:
    """A figure for each size of frame; gives the runs at 512 ticks a frame, which have full length."""
    kept: list[Loop] = []
    before = engine.snapshot()
    ticks = market.trades(start, seconds, per_second)
    for size in FRAME_TICKS:
        usual = size == FLUSH_RECORDS
        part = ticks if usual else ticks[: max(len(ticks) // 10, 20 * size)]
        frames = payloads(market, part, TICKS_SOURCE, size)
        loops = []
        for number in range(bench.size(RUNS, 1)):
            progress(f"{where}, {len(part):,} ticks in {size}-tick frames, run {number + 1}")
            engine.restore(before)
            loops.append(run_loop(engine, frames))
        goal = APPLY_GOAL if usual and per_second == DENSE_PER_SECOND else None
        runs = [loop.apply_median_ns for loop in loops]
        yield figure(f"apply_ticks, {where}, {size}-tick frames", "ns a tick", runs, goal)
        kept = loops if usual else kept
    engine.restore(before)
    return kept


def _pass_figures(where: str, market: Market, loops: list[Loop], note: str) -> Iterator[Figure]:
    pairs = len(market.universe.pairs)
    seconds = [statistics.median(loop.passes_ns) / 1000 for loop in loops]
    yield figure(f"pass, {where}", "µs a pass", seconds, note=note)
    if all(loop.minute_passes_ns for loop in loops):
        minutes = [statistics.median(loop.minute_passes_ns) / 1000 for loop in loops]
        yield figure(f"pass that ends a minute, {where}", "µs a pass", minutes)
    a_pair = [loop.pass_median_ns / pairs for loop in loops]
    note = f"{pairs:,} pairs; one pass in sixty ends a minute"
    yield figure(f"pass, {where}, over a minute", "ns a pair", a_pair, PASS_GOAL, note)
