"""Two recorded days at full speed: SPY, AIG, BAC and IBM on 2013-10-07 and 2013-10-08.

A million trades as the tape had them, odd lots, corrections of the close and all. First through the
engine alone, in one partition; then through Kafka and the whole worker, in four.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from time import thread_time

from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.model.instruments import Universe, parse_universe
from core.model.sessions import build_calendar
from core.runtime.files import CATALOGUE, read_text
from producers.replay.tick_files import load_tick_files
from tests.bench.brokered import PARTITIONS, Frames, run_worker, tick_count
from tests.bench.market import TICKS_SOURCE
from tests.bench.registry import Bench
from tests.bench.report import Figure, figure, progress
from tests.support.real_day import DAY, DAY_BEFORE, EXCHANGES, tape_file, universe_text
from tests.support.recorded_log import frames_of, recorded_ticks, with_marks

RUNS = 3
UNIVERSE = universe_text(("AIG/SPY", "BAC/SPY", "IBM/SPY"))


def run(bench: Bench) -> Iterator[Figure]:
    """Measure the engine alone, then the worker."""
    universe = parse_universe(UNIVERSE)
    days = (DAY,) if bench.short else (DAY_BEFORE, DAY)
    symbols = ("IBM", "SPY") if bench.short else tuple(EXCHANGES)
    progress(f"reading the tape of {', '.join(map(str, days))}")
    files = [tape_file(symbol, day) for day in days for symbol in symbols]
    calendar = build_calendar("XNYS", date(2013, 9, 3), date(2013, 10, 31))
    ticks = with_marks(
        recorded_ticks(load_tick_files(files), universe, TICKS_SOURCE), universe, TICKS_SOURCE, [calendar]
    )
    yield from _engine(bench, universe, frames_of({TICKS_SOURCE: ticks}, universe, 1)[0])
    universe_file = bench.directory / "tape.toml"
    universe_file.write_text(UNIVERSE)
    by_partition = frames_of({TICKS_SOURCE: ticks}, universe, PARTITIONS)
    log = [(partition, payload) for partition, frames in by_partition.items() for payload in frames]
    until_ns = int(ticks["ts_event"][-1]) - 2 * 10**9
    yield from _worker(bench, log, universe_file, until_ns)


def _engine(bench: Bench, universe: Universe, frames: list[bytes]) -> Iterator[Figure]:
    catalogue = parse_catalogue(read_text(None, CATALOGUE))
    calendars = {"XNYS": build_calendar("XNYS", date(2013, 9, 3), date(2013, 10, 31))}
    rates, events, bars = [], 0, 0
    for number in range(bench.size(RUNS, 1)):
        progress(f"real day: the engine alone, run {number + 1}")
        engine = PartitionEngine(universe, catalogue, calendars, partition=0, partitions=1)
        started = thread_time()
        outputs = [engine.step(payload, offset) for offset, payload in enumerate(frames)]
        rates.append(tick_count((0, payload) for payload in frames) / (thread_time() - started) / 1e6)
        events = sum(len(output.events) for output in outputs)
        bars = sum(len(day) for output in outputs for day in output.day_bars)
    count = tick_count((0, payload) for payload in frames)
    note = f"{count:,} ticks, one partition, CPU time"
    yield figure("real days of 2013, the engine alone", "M ticks/s", rates, note=note)
    yield figure("real days of 2013, events", "events", events, note=f"{bars} day bars")


def _worker(bench: Bench, log: Frames, universe_file: Path, until_ns: int) -> Iterator[Figure]:
    runs = []
    for number in range(bench.size(RUNS, 1)):
        progress(f"real day: the worker, run {number + 1}")
        runs.append(run_worker(bench.broker, universe_file, [], log, until_ns=until_ns))
    note = f"{runs[0].ticks:,} ticks with copies of SPY, {PARTITIONS} partitions, one core"
    rates = [each.ticks / each.wall_s / 1e6 for each in runs]
    yield figure("real days of 2013, worker", "M ticks/s", rates, note=note)
    yield figure("real days of 2013, worker, most memory", "MiB", [each.rss_mib for each in runs])
