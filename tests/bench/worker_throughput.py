"""The whole worker on Apache Kafka: `rotascope consume` as a process of its own on one core.

500 instruments in four partitions, two of them benchmarks whose ticks every partition carries, all
definitions on, metrics served. Beside it, on the same frames: the engine alone in memory, kafka-python
alone (poll and drop), and a prototype that keeps the last price of each instrument and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import thread_time

import numpy as np

from core.engine.engine import PartitionEngine
from core.model.frames import HEADER_BYTES
from core.model.records import NANOSECONDS_PER_SECOND, TICK
from tests.bench.brokered import PARTITIONS, Frames, run_worker, tick_count, worker_cpu
from tests.bench.market import HISTORY_SOURCE, TICKS_SOURCE, Market, cut, framer, marks
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.bench.timing import run_child

SPARSE_PER_SECOND = 427
DENSE_PER_SECOND = 100_000
RUNS = 3

SPARSE_GOAL = Goal(1.5, at_least=True)
DENSE_GOAL = Goal(2.5, at_least=True)
RSS_GOAL = Goal(400)

_CHUNK_SECONDS = 60


@dataclass(frozen=True)
class Log:
    """What a worker reads.

    Args:
        name: Of the density.
        warm: History, and the part of the session before the clock runs.
        measured: What is measured.
        until_ns: Event time at its end.
        look_ns: Event time at which the share of ready values is looked at.
        goal: Million ticks a second.
    """

    name: str
    warm: Frames
    measured: Frames
    until_ns: int
    look_ns: int
    goal: Goal


def run(bench: Bench) -> Iterator[Figure]:
    """Measure both densities."""
    for make in (session, _burst):
        market = Market(500)
        universe_file = bench.directory / "universe.toml"
        universe_file.write_text(market.text)
        log = make(bench, market)
        yield from _engine_alone(market, log)
        yield from _worker(bench, log, universe_file)
        yield from _peers(bench, log)


def session(bench: Bench, market: Market) -> Log:
    """A whole session and its close at 427 ticks a second."""
    close = market.close_second
    seconds = bench.size(close - market.open_second, 600)
    progress(f"drawing {seconds * SPARSE_PER_SECOND:,} ticks, {SPARSE_PER_SECOND} an event second")
    ticks = framer(market, partitions=PARTITIONS, source_id=TICKS_SOURCE)
    trades = (
        market.trades(first, min(_CHUNK_SECONDS, close - first), SPARSE_PER_SECOND)
        for first in range(close - seconds, close, _CHUNK_SECONDS)
    )
    measured = cut(ticks, *trades, market.closing())
    until_ns = (close + 2) * NANOSECONDS_PER_SECOND
    look_ns = (close - 1) * NANOSECONDS_PER_SECOND
    name = f"{SPARSE_PER_SECOND}/s"
    return Log(name, _history(market), measured, until_ns, look_ns, SPARSE_GOAL)


def _burst(bench: Bench, market: Market) -> Log:
    """A hundred seconds at 100,000 ticks each, after an hour and more at 50."""
    quiet_s, burst_s = bench.size(3_960, 120), bench.size(102, 10)
    start = market.open_second + quiet_s
    progress(f"drawing {burst_s * DENSE_PER_SECOND:,} ticks, {DENSE_PER_SECOND:,} an event second")
    ticks = framer(market, partitions=PARTITIONS, source_id=TICKS_SOURCE)
    quiet = cut(ticks, market.trades(market.open_second, quiet_s, market.instruments // 10))
    trades = (market.trades(start + second, 1, DENSE_PER_SECOND) for second in range(burst_s))
    end_ns = (start + burst_s) * NANOSECONDS_PER_SECOND
    measured = cut(ticks, *trades, marks(end_ns + np.arange(2) * NANOSECONDS_PER_SECOND))
    return Log("100 k/s", [*_history(market), *quiet], measured, end_ns, end_ns, DENSE_GOAL)


def _history(market: Market) -> Frames:
    return cut(framer(market, partitions=PARTITIONS, source_id=HISTORY_SOURCE), market.history())


def _engine_alone(market: Market, log: Log) -> Iterator[Figure]:
    """Step the same frames in memory; says what the worker's figures are about."""
    progress(f"{log.name}: the engine alone")
    ready: list[float] = []
    events, cpu_s = 0, 0.0
    for partition in range(PARTITIONS):
        engine = market.engine(partition=partition, partitions=PARTITIONS)
        payloads = [payload for number, payload in log.warm if number == partition]
        measured = [payload for number, payload in log.measured if number == partition]
        looked_at = sum(_first_ns(payload) < log.look_ns for payload in measured)
        events += _steps(engine, payloads)
        started = thread_time()
        events += _steps(engine, measured[:looked_at])
        cpu_s += thread_time() - started
        ready.append(float(np.isfinite(engine.expose().values).mean()))
        started = thread_time()
        events += _steps(engine, measured[looked_at:])
        cpu_s += thread_time() - started
    ticks = tick_count(log.measured)
    yield figure(f"values ready, {log.name}", "%", 100 * float(np.mean(ready)), note="of those exported")
    yield figure(f"events, {log.name}", "events", events)
    yield figure(f"peer: the engine alone, {log.name}", "M ticks/s", ticks / cpu_s / 1e6, note="CPU time")


def _steps(engine: PartitionEngine, payloads: list[bytes]) -> int:
    """Step frames; gives the number of events."""
    return sum(len(engine.step(payload, offset).events) for offset, payload in enumerate(payloads))


def _first_ns(payload: bytes) -> int:
    return int(np.frombuffer(payload, TICK, count=1, offset=HEADER_BYTES)["ts_event"][0])


def _worker(bench: Bench, log: Log, universe_file: Path) -> Iterator[Figure]:
    runs = []
    for number in range(bench.size(RUNS, 1)):
        progress(f"{log.name}: the worker, run {number + 1}")
        runs.append(run_worker(bench.broker, universe_file, log.warm, log.measured, until_ns=log.until_ns))
    ticks = runs[0].ticks
    note = f"{ticks:,} ticks, {PARTITIONS} partitions, one core"
    yield figure(f"worker, {log.name}", "M ticks/s", [r.ticks / r.wall_s / 1e6 for r in runs], log.goal, note)
    cpu = [run.cpu_s / run.ticks * 1e6 for run in runs]
    yield figure(f"worker, {log.name}, CPU", "s a M ticks", cpu, note="all threads")
    yield figure(f"worker, {log.name}, most memory", "MiB", [run.rss_mib for run in runs], RSS_GOAL)
    yield figure(f"worker, {log.name}, events published", "events", [run.events for run in runs])


def _peers(bench: Bench, log: Log) -> Iterator[Figure]:
    """The topic still holds what the last worker read."""
    offsets = [sum(number == partition for number, _ in log.warm) for partition in range(PARTITIONS)]
    servers = bench.broker.bootstrap_servers
    for peer, name in (("poll", "kafka-python alone"), ("loop", "a bare prototype")):
        rates, cpu = [], []
        for number in range(bench.size(RUNS, 1)):
            progress(f"{log.name}: peer {peer}, run {number + 1}")
            took = run_child("tests.bench.peers", peer, servers, *map(str, offsets), cpu=worker_cpu())
            rates.append(took["ticks"] / took["wall_s"] / 1e6)
            cpu.append(took["cpu_s"] / took["ticks"] * 1e6)
        yield figure(f"peer: {name}, {log.name}", "M ticks/s", rates)
        yield figure(f"peer: {name}, {log.name}, CPU", "s a M ticks", cpu)
