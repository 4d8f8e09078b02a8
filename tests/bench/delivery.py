"""What transactions cost: the same worker on the same log, exactly once and at least once by turns.

Both commit every 200 ms while they are behind, which is the default. By turns, so that whatever else
the machine does meets both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.model.settings import WorkerSettings
from tests.bench.brokered import PARTITIONS, WorkerRun, run_worker
from tests.bench.market import Market
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.bench.worker_throughput import session

RUNS = 3
SHARE_GOAL = Goal(85, at_least=True)
_DELIVERIES = ("exactly-once", "at-least-once")


def run(bench: Bench) -> Iterator[Figure]:
    """Measure both, and their ratio run by run."""
    market = Market(500)
    universe_file = bench.directory / "delivery.toml"
    universe_file.write_text(market.text)
    log = session(bench, market)
    runs: dict[str, list[WorkerRun]] = {delivery: [] for delivery in _DELIVERIES}
    for number in range(bench.size(RUNS, 1)):
        for delivery, taken in runs.items():
            progress(f"{delivery}, run {number + 1}")
            taken.append(
                run_worker(
                    bench.broker,
                    universe_file,
                    log.warm,
                    log.measured,
                    until_ns=log.until_ns,
                    delivery=delivery,
                )
            )
    for delivery, taken in runs.items():
        rates = [each.ticks / each.wall_s / 1e6 for each in taken]
        cpu = [each.cpu_s / each.ticks * 1e6 for each in taken]
        note = f"{taken[0].ticks:,} ticks, {taken[0].events:,} events, {PARTITIONS} partitions, one core"
        yield figure(f"worker, {delivery}", "M ticks/s", rates, note=note)
        yield figure(f"worker, {delivery}, CPU", "s a M ticks", cpu, note="all threads")
    every_ms = WorkerSettings().commit_interval_ms
    costs: dict[str, Callable[[WorkerRun], float]] = {
        "throughput": lambda run: run.wall_s,
        "CPU": lambda run: run.cpu_s,
    }
    for what, cost in costs.items():
        shares = [
            100 * cost(plain) / cost(exact)
            for exact, plain in zip(runs["exactly-once"], runs["at-least-once"], strict=True)
        ]
        goal = SHARE_GOAL if what == "throughput" else None
        note = f"a transaction every {every_ms} ms"
        yield figure(f"{what}, exactly once to at least once", "%", shares, goal, note)
