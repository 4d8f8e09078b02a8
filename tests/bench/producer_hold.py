"""How long a producer holds 20,000 ticks a second without a broker, and what its memory is at the bound."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from core.model.frames import HEADER_BYTES
from core.model.records import TICK
from core.model.settings import ProducerSettings
from producers.framing.framer import Framer
from producers.framing.held import Held
from producers.framing.hold import Hold
from producers.framing.outlet import TICK_HEADERS
from tests.bench.market import TICKS_SOURCE, Market
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure

TICKS_A_SECOND = 20_000
STEPS_A_SECOND = 125
"""Frames are cut every 8 ms, so this load fills none of them: as many and as small as they get."""

MIB = 1024 * 1024


class Outcome(NamedTuple):
    """One run to the bound.

    Args:
        seconds: Event time until the first frame was dropped.
        resident_bytes: What the process needed for it.
        held_bytes: What the hold says that it holds.
        ticks_held: Copies included.
        frames: How many.
    """

    seconds: float
    resident_bytes: int
    held_bytes: int
    ticks_held: int
    frames: int


def run(bench: Bench) -> Iterator[Figure]:
    """Fill the hold of 4, 8 and 24 partitions, each in a process of its own."""
    bound = bench.size(ProducerSettings().hold_max_bytes, 8 * MIB)
    goal = None if bench.short else Goal(60, at_least=True)
    yield figure("bound, hold_max_bytes", "MiB", [bound / MIB])
    for partitions in (4, 8, 24):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            outcome = pool.apply(fill, (partitions, bound))
        name = f"{partitions} partitions"
        yield figure(f"{name}: held before a tick is dropped", "s", [outcome.seconds], goal=goal)
        yield figure(f"{name}: copies of each tick", "", [outcome.ticks_held / _ticks(outcome.seconds)])
        yield figure(f"{name}: frames held", "", [outcome.frames])
        yield figure(f"{name}: resident memory at the bound", "MiB", [outcome.resident_bytes / MIB])
        yield figure(
            f"{name}: resident memory, a byte counted", "B", [outcome.resident_bytes / outcome.held_bytes]
        )


def fill(partitions: int, bound: int) -> Outcome:
    """Frame ticks and hold them until the next would make one be dropped."""
    market = Market(500)
    ticks = market.trades(market.open_second, 4, TICKS_A_SECOND)
    framer = Framer(market.universe, partitions=partitions, source_id=TICKS_SOURCE, epoch=1, max_age_ms=8)
    hold = Hold(bound, 10**9, 10**9)
    step = TICKS_A_SECOND // STEPS_A_SECOND
    # Once before anything is measured: what the arrays need is not the hold's.
    [*framer.add(ticks[:step], 0.0), *framer.flush()]
    before, number, held_ticks, frames = resident_bytes(), 0, 0, 0
    while hold.bytes <= bound:
        start = number * step % (len(ticks) - step)
        now_ms = 8.0 * number
        for frame in [*framer.add(ticks[start : start + step], now_ms), *framer.flush()]:
            place = frame.partition
            hold.of(place).add(Held(place, "ticks", None, frame.payload, TICK_HEADERS, place, now_ms / 1000))
            held_ticks += (len(frame.payload) - HEADER_BYTES) // TICK.itemsize
            frames += 1
        number += 1
    return Outcome(number / STEPS_A_SECOND, resident_bytes() - before, hold.bytes, held_ticks, frames)


def resident_bytes() -> int:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _ticks(seconds: float) -> float:
    return seconds * TICKS_A_SECOND
