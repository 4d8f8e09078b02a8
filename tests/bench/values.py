"""What the values of all pairs cost: bytes and time of a minute, and the worker with and without them.

Both workers read the same log by turns, so that whatever else the machine does meets both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter_ns

import numpy as np

from core.model.records import NANOSECONDS_PER_SECOND
from core.model.value_frames import value_frames
from tests.bench.brokered import PARTITIONS, WorkerRun, run_worker
from tests.bench.market import Market, warm_engine
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.bench.worker_throughput import session

RUNS = 3
REPEATS = 200
LOG_PARTITIONS = 12
"""As many as the topics file has: each sends a mark a minute."""
SESSION_MINUTES = 390
SHARE_GOAL = Goal(95, at_least=True)
_WAYS = {"with values": "true", "without": "false"}


def run(bench: Bench) -> Iterator[Figure]:
    """Measure a minute of 1,000 and of 10,000 pairs, then the worker."""
    for pairs in (1_000, 10_000):
        yield from _minute(bench, pairs)
    yield from _worker(bench)


def _minute(bench: Bench, pairs: int) -> Iterator[Figure]:
    """The pairs of one partition of twelve, which are read and encoded at once; the bytes of all."""
    progress(f"a minute of {pairs:,} pairs")
    of_partition = -(-pairs // LOG_PARTITIONS)
    market = Market(of_partition + 2)
    engine = warm_engine(market)
    (block,) = engine.world.blocks
    ts_ns = market.open_second * NANOSECONDS_PER_SECOND
    read_us, encode_us, frames = [], [], list[bytes]()
    for number in range(bench.size(REPEATS, 3)):
        started = perf_counter_ns()
        batch = engine.pair_time.value_columns.minute(0, block, 19_915, ts_ns)
        read = perf_counter_ns()
        frames = [frame.payload for frame in value_frames([batch], partition=0, offset=number, shards=1)]
        encode_us.append((perf_counter_ns() - read) / 1e3)
        read_us.append((read - started) / 1e3)
    note = f"one partition of {LOG_PARTITIONS}, {of_partition} pairs"
    yield figure(f"read a minute, {pairs:,} pairs", "µs", float(np.median(read_us)), note=note)
    yield figure(f"encode a minute, {pairs:,} pairs", "µs", float(np.median(encode_us)), note=note)
    kilobytes = LOG_PARTITIONS * sum(map(len, frames)) / 1e3
    yield figure(f"a minute of {pairs:,} pairs", "kB", kilobytes, note="all partitions, uncompressed")
    yield figure(f"a session of {pairs:,} pairs", "MB", kilobytes * (SESSION_MINUTES + 1) / 1e3)


def _worker(bench: Bench) -> Iterator[Figure]:
    market = Market(500)
    universe_file = bench.directory / "values.toml"
    universe_file.write_text(market.text)
    log = session(bench, market)
    runs: dict[str, list[WorkerRun]] = {way: [] for way in _WAYS}
    for number in range(bench.size(RUNS, 1)):
        for way, taken in runs.items():
            progress(f"{way}, run {number + 1}")
            settings = {"ROTASCOPE_WORKER__PUBLISH_VALUES": _WAYS[way]}
            taken.append(
                run_worker(
                    bench.broker,
                    universe_file,
                    log.warm,
                    log.measured,
                    until_ns=log.until_ns,
                    settings=settings,
                )
            )
    for way, taken in runs.items():
        note = f"{taken[0].ticks:,} ticks, {PARTITIONS} partitions, one core"
        rates = [each.ticks / each.wall_s / 1e6 for each in taken]
        yield figure(f"worker, {way}", "M ticks/s", rates, note=note)
        cpu = [each.cpu_s / each.ticks * 1e6 for each in taken]
        yield figure(f"worker, {way}, CPU", "s a M ticks", cpu, note="all threads")
    costs: dict[str, Callable[[WorkerRun], float]] = {
        "throughput": lambda run: run.wall_s,
        "CPU": lambda run: run.cpu_s,
    }
    for what, cost in costs.items():
        shares = [
            100 * cost(without) / cost(having)
            for having, without in zip(runs["with values"], runs["without"], strict=True)
        ]
        goal = SHARE_GOAL if what == "throughput" else None
        yield figure(f"with values, {what} of that without", "%", shares, goal)
