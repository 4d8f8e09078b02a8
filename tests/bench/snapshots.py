"""Snapshots of a partition with 1,000 instruments and full rings: what is in them, and how fast they are.

Prices are in cents, as feeds quote them; a whole session has been traded, so every ring is full.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from core.engine.engine import PartitionEngine
from core.engine.snapshot import Snapshot
from tests.bench.market import TICKS_SOURCE, Market, payloads, warm_engine
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress

INSTRUMENTS = 1_000
PER_SECOND = 427
RUNS = 5
SIZE_GOAL = Goal(20)
RESTORE_GOAL = Goal(2)
_CENT = 10**7
_FRAME_TICKS = 1_024


def run(bench: Bench) -> Iterator[Figure]:
    """Measure size, copy, packing and restore."""
    market = Market(bench.size(INSTRUMENTS, 50))
    progress(f"{market.instruments:,} instruments: history and a session")
    engine = warm_engine(market)
    trade_session(bench, market, engine)
    data = engine.snapshot()
    yield from _sizes(market, data)
    copying, packing, restoring = [], [], []
    for number in range(bench.size(RUNS, 1)):
        progress(f"snapshot and restore, run {number + 1}")
        started = perf_counter()
        capture = engine.capture()
        copying.append((perf_counter() - started) * 1_000)
        started = perf_counter()
        capture.pack()
        packing.append((perf_counter() - started) * 1_000)
        other = market.engine()
        started = perf_counter()
        other.restore(data)
        restoring.append(perf_counter() - started)
    where = f"{market.instruments:,} instruments"
    yield figure(f"snapshot, copied while the loop waits, {where}", "ms", copying)
    yield figure(f"snapshot, packed beside the loop, {where}", "ms", packing)
    yield figure(f"restore from bytes, {where}", "s", restoring, RESTORE_GOAL, "without reading the topic")


def trade_session(bench: Bench, market: Market, engine: PartitionEngine) -> None:
    stop = market.close_second if not bench.short else market.open_second + 120
    for offset, start in enumerate(range(market.open_second, stop, 1_800)):
        ticks = market.trades(start, min(1_800, stop - start), PER_SECOND)
        ticks["price"] -= ticks["price"] % _CENT
        for payload in payloads(market, ticks, TICKS_SOURCE, _FRAME_TICKS):
            engine.step(payload, offset)


def _sizes(market: Market, data: bytes) -> Iterator[Figure]:
    stored = Snapshot(data).stored_bytes
    count = market.instruments
    raw = sum(length for _, length in stored.values())
    yield figure(
        "snapshot, compressed, an instrument",
        "KB",
        len(data) / count / 1_000,
        SIZE_GOAL,
        f"{raw / count / 1_000:.1f} KB in memory",
    )
    groups: dict[str, tuple[int, int]] = {}
    for name, (compressed, length) in stored.items():
        group = name.partition("/")[0]
        before = groups.get(group, (0, 0))
        groups[group] = (before[0] + compressed, before[1] + length)
    for group, (compressed, length) in sorted(groups.items()):
        note = f"{length / count / 1_000:.2f} KB in memory"
        yield figure(f"  of it {_NAMES.get(group, group)}", "KB", compressed / count / 1_000, note=note)


_NAMES = {
    "instruments": "rings of seconds and minutes, open seconds, instruments",
    "pairs": "rings of daily closes and volumes, clocks",
    "family": "indicator families with their undo copies",
    "definition": "lives of definitions with their undo copies",
}
