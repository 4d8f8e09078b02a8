"""Memory of a worker over twenty minutes: sixteen at 50,000 ticks a second, then four with marks only.

Event time runs with the wall clock. Most of a session is stepped before the clock runs, so that every
ring is full and its memory touched: what grows after that would grow for ever.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.model.records import NANOSECONDS_PER_SECOND
from core.model.settings import KafkaSettings
from deploy.kafka.broker import LocalKafka
from producers.framing.publisher import TICK_HEADERS, open_producer
from tests.bench.brokered import PARTITIONS, TICKS_TOPIC, publish, worker_arguments
from tests.bench.market import HISTORY_SOURCE, TICKS_SOURCE, Market, cut, framer, marks
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.support.kafka_broker import reset_topics
from tests.support.worker_process import WorkerProcess

PER_SECOND = 50_000
LOAD_S, IDLE_S = 16 * 60, 4 * 60
SLOPE_GOAL = Goal(100)
_BEFORE_S = 4 * 3_600
_SETTLED_S = 300
_EVERY_S = 2.0
_SLICES = 20


class Seen(NamedTuple):
    """The worker at one moment.

    Args:
        at_s: Since the clock runs.
        rss_kib: Memory it holds.
    """

    at_s: float
    rss_kib: int


def run(bench: Bench) -> Iterator[Figure]:
    """Play, watch, and fit a line to either part."""
    load_s, idle_s = bench.size(LOAD_S, 20), bench.size(IDLE_S, 10)
    per_second = bench.size(PER_SECOND, 5_000)
    market = Market(500)
    universe_file = bench.directory / "soak.toml"
    universe_file.write_text(market.text)
    reset_topics(bench.broker, PARTITIONS)
    progress("stepping most of a session")
    before_s = bench.size(_BEFORE_S, 600)
    publish(
        bench.broker, cut(framer(market, partitions=PARTITIONS, source_id=HISTORY_SOURCE), market.history())
    )
    ticks = framer(market, partitions=PARTITIONS, source_id=TICKS_SOURCE)
    for start in range(0, before_s, 600):
        publish(bench.broker, cut(ticks, market.trades(market.open_second + start, 600, 50)))
    with WorkerProcess(*worker_arguments(bench.broker, universe_file)) as worker:
        worker.wait_until_ready(deadline_s=600.0)
        seen, late_s = _play(bench.broker, market, worker.process.pid, before_s, load_s, idle_s, per_second)
        worker.terminate(deadline_s=120.0)
        assert worker.process.stdout is not None
        said = re.search(r"processed ([\d,]+) ticks", worker.process.stdout.read())
    stepped = 0 if said is None else int(said[1].replace(",", ""))
    settled_s = min(_SETTLED_S, load_s / 4)
    parts = (("under load", settled_s, load_s), ("idle", load_s + idle_s / 8, load_s + idle_s))
    for name, begin_s, end_s in parts:
        part = [each for each in seen if begin_s <= each.at_s < end_s]
        slope = float(np.polyfit([each.at_s / 60 for each in part], [each.rss_kib for each in part], 1)[0])
        note = f"{part[0].rss_kib / 1024:.1f} to {part[-1].rss_kib / 1024:.1f} MiB in {end_s - begin_s:.0f} s"
        yield figure(f"memory a minute, {name}", "KiB", slope, SLOPE_GOAL, note)
    yield figure("most memory", "MiB", max(each.rss_kib for each in seen) / 1024)
    note = f"{per_second:,} a second asked for; the sender was at most {late_s:.1f} s late"
    yield figure("ticks stepped", "M ticks", stepped / 1e6, note=note)


def _play(
    kafka: LocalKafka, market: Market, pid: int, before_s: int, load_s: int, idle_s: int, per_second: int
) -> tuple[list[Seen], float]:
    """Send on a thread, and look at the worker meanwhile."""
    late: list[float] = []
    first = market.open_second + before_s
    started_s = time.monotonic()
    sender = threading.Thread(
        target=_send, args=(kafka, market, first, load_s, idle_s, per_second, started_s, late), daemon=True
    )
    sender.start()
    seen: list[Seen] = []
    told_s = 0.0
    while sender.is_alive():
        seen.append(Seen(time.monotonic() - started_s, _rss_kib(pid)))
        if seen[-1].at_s - told_s >= 60:
            told_s = seen[-1].at_s
            progress(f"{told_s / 60:.0f} minutes: {seen[-1].rss_kib / 1024:.1f} MiB")
        time.sleep(_EVERY_S)
    if not late:
        raise RuntimeError("the sender has failed")
    return seen, max(late)


def _send(
    kafka: LocalKafka,
    market: Market,
    first: int,
    load_s: int,
    idle_s: int,
    per_second: int,
    started_s: float,
    late: list[float],
) -> None:
    producer = open_producer(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    # The framer of the time before has used the first sequences.
    frames = framer(market, partitions=PARTITIONS, source_id=TICKS_SOURCE, epoch=2)
    delays = []
    try:
        for second in range(load_s + idle_s):
            at_ns = (first + second) * NANOSECONDS_PER_SECOND
            batch = (
                marks(np.array([at_ns])) if second >= load_s else market.trades(first + second, 1, per_second)
            )
            for number, part in enumerate(np.array_split(batch, _SLICES if second < load_s else 1)):
                due_s = started_s + second + number / _SLICES
                wait_s = due_s - time.monotonic()
                if wait_s > 0:
                    time.sleep(wait_s)
                delays.append(max(0.0, -wait_s))
                for frame in (*frames.add(part, 0.0), *frames.flush()):
                    producer.send(TICKS_TOPIC, frame.payload, headers=TICK_HEADERS, partition=frame.partition)
        producer.flush(timeout=30)
    finally:
        producer.close(timeout=1)
    late += delays


def _rss_kib(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0
