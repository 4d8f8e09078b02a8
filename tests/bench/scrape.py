"""A scrape of 10,000 series: its time, and how long the worker's loop stands still because of it.

An engine steps frames without pause, as the loop of a worker that catches up does, while its metrics are
scraped through HTTP. A stall is the longest time between two slices of work. It is measured without a
scrape as well, because other programs of the machine and the engine itself also cause pauses.
"""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from types import SimpleNamespace
from typing import Any, cast

from consumers.metrics.exporter import WorkerCollector, make_registry
from consumers.metrics.health import Health
from consumers.metrics.http_server import WorkerMetricsServer
from consumers.worker.phase import PartitionPhase
from consumers.worker.state import WorkerState
from core.engine.engine import PartitionEngine
from core.model.settings import MetricsSettings, WorkerSettings
from tests.bench.market import HISTORY_SOURCE, TICKS_SOURCE, Market, cut, framer
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress

SERIES = 10_000
TIME_GOAL = Goal(250)
STALL_GOAL = Goal(20)
PER_SECOND = 400
PARTITIONS = 4
MOST_PAIRS = 10_000


@dataclass
class Loop:
    """Steps engines in slices, as a worker does, and notes the longest pause between two of them."""

    state: WorkerState
    frames: dict[int, list[bytes]]
    ended: threading.Event = field(default_factory=threading.Event)
    pauses_s: list[float] = field(default_factory=list)
    offset: int = 0

    def run(self) -> None:
        """Step until the end; the same frames again and again, whose repeats an engine drops early."""
        works = [(self.state.tasks[number].engine, frames) for number, frames in self.frames.items()]
        before_s = time.perf_counter()
        for engine, payload in cycle([(e, p) for e, payloads in works for p in payloads]):
            if self.ended.is_set():
                return
            with self.state.gate.stepping():
                self.pauses_s.append(time.perf_counter() - before_s)
                engine.step(payload, self.offset)
                self.offset += 1
                before_s = time.perf_counter()


def run(bench: Bench) -> Iterator[Figure]:
    """Measure scrapes of all pairs of a small universe, and of a selection of a large one."""
    yield from _measure(bench, Market(bench.size(200, 60)), "all pairs", MetricsSettings())
    large = Market(bench.size(MOST_PAIRS, 500))
    chosen = MetricsSettings(pairs_max=1, ranked_pairs=bench.size(80, 10))
    yield from _measure(
        bench, large, f"{2 * chosen.ranked_pairs} of {len(large.universe.pairs):,} pairs", chosen
    )


def _measure(bench: Bench, market: Market, name: str, settings: MetricsSettings) -> Iterator[Figure]:
    progress(f"{name}: warming engines")
    state, frames = _warm(bench, market)
    health = Health(state, WorkerSettings())
    registry = make_registry(WorkerCollector(state, health, settings, version="bench"))
    loop = Loop(state, frames)
    thread = threading.Thread(target=loop.run, daemon=True)
    with WorkerMetricsServer(registry, health, host="127.0.0.1", port=0) as server:
        thread.start()
        time.sleep(bench.size(5, 1))
        without, loop.pauses_s = loop.pauses_s, []
        times_s, texts = [], []
        for _ in range(bench.size(20, 3)):
            began_s = time.perf_counter()
            texts.append(_page(server.url))
            times_s.append(time.perf_counter() - began_s)
        during = loop.pauses_s
        loop.ended.set()
        thread.join()
    lines = [line for line in texts[-1].splitlines() if not line.startswith("#")]
    of_pairs = sum('pair="' in line for line in lines)
    held = [
        float(line.split()[-1]) for text in texts for line in text.splitlines() if line.startswith(_STALL)
    ]
    note = f"{len(lines):,} series, {of_pairs:,} of them of pairs; {len(texts[-1]) / 1e6:.1f} MB"
    yield figure(f"scrape of {name}", "ms", [1e3 * each for each in times_s], TIME_GOAL, note)
    yield figure(f"  state held for it, {name}", "ms", [1e3 * each for each in held])
    yield figure(f"  longest stall of the loop, {name}", "ms", 1e3 * max(during), STALL_GOAL)
    yield figure(f"  without a scrape, {name}", "ms", 1e3 * max(without))


_STALL = "rotascope_worker_scrape_stall_seconds "


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
        return cast("str", answer.read().decode())


def _warm(bench: Bench, market: Market) -> tuple[WorkerState, dict[int, list[bytes]]]:
    """Engines with a history and a part of a session; and the frames of more of it, by partition."""
    history = cut(framer(market, partitions=PARTITIONS, source_id=HISTORY_SOURCE), market.history())
    seconds = bench.size(900, 120)
    ticks = framer(market, partitions=PARTITIONS, source_id=TICKS_SOURCE)
    session = cut(ticks, market.trades(market.open_second, seconds, PER_SECOND))
    more = cut(ticks, market.trades(market.open_second + seconds, bench.size(600, 60), PER_SECOND))
    state = WorkerState()
    frames: dict[int, list[bytes]] = {}
    for partition in range(PARTITIONS):
        engine = market.engine(partition=partition, partitions=PARTITIONS)
        payloads = [payload for number, payload in (*history, *session) if number == partition]
        for offset, payload in enumerate(payloads):
            engine.step(payload, offset)
        state.tasks[partition] = _task(partition, engine)
        frames[partition] = [payload for number, payload in more if number == partition]
    return state, frames


@dataclass(eq=False)
class _NoSnapshots:
    captured_s: float | None = None
    written: int = 0


def _task(partition: int, engine: PartitionEngine) -> Any:
    """What a scrape reads of a partition's task."""
    return SimpleNamespace(
        partition=partition,
        engine=engine,
        phase=PartitionPhase.RUNNING,
        needs_engine=False,
        checkpointer=_NoSnapshots(),
        outbox=SimpleNamespace(records=0, bytes=0),
        ready=True,
        failures_in_a_row=0,
        unreadable_in_a_row=0,
        next_offset=0,
        restore_ratio=1.0,
        end_known=True,
        lag_records=0,
        last_append_ms=None,
        event_time_lag_seconds=0.0,
    )
