"""Bytes of a Kafka record to ticks that have been checked whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from core.model.frames import decode_frame
from core.model.records import TICK
from tests.bench.market import TICKS_SOURCE, Market, payloads
from tests.bench.registry import Bench
from tests.bench.report import Figure, figure
from tests.bench.timing import time_call

FRAME_TICKS = (1, 128, 512, 1024)


def run(bench: Bench) -> Iterator[Figure]:
    """Time the decoder beside a bare view of the same bytes."""
    market = Market(500)
    ticks = market.trades(market.open_second, 60, 427)
    runs, times = 5, bench.size(20_000, 2_000)
    for size in FRAME_TICKS:
        payload = payloads(market, ticks, TICKS_SOURCE, size)[0]
        nanoseconds = time_call(partial(decode_frame, payload), runs=runs, times=times)
        name = f"frame decode, {size}-tick frame"
        yield figure(name, "µs a frame", [each / 1000 for each in nanoseconds])
        yield figure(f"{name}, a tick", "ns a tick", [each / size for each in nanoseconds])
    bare = time_call(lambda: np.frombuffer(payload, TICK, offset=32), runs=runs, times=times)
    yield figure("peer: a view of 1024 ticks, unchecked", "µs a frame", [each / 1000 for each in bare])
