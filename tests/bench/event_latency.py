"""From a tick to the event in a reader's hands, in real time at 100,000 ticks a second.

The market runs at the pace of the wall clock: each second's ticks are sent as they fall due, behind
the clock mark of their second, through Kafka to a worker with a process and a core of its own, while
this process reads the events topics as a subscriber would.

An event of a running session becomes true at the end of a minute. Its latency is counted from the
wall instant that stands for that end: the ticks that decide it were sent before. It holds the
allowed lateness (1 s, for which every second stays open), the wait for the mark that closes the
second (sent at the next second's begin), and everything Rotascope adds: framing, Kafka twice, step,
publication. Counted from the tick itself, the grid step comes on top.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import msgspec
import numpy as np
from kafka import KafkaProducer

from consumers.topic_reader import TopicReader
from core.events import FAMILIES, TOPIC_PREFIX
from core.records import NANOSECONDS_PER_SECOND
from core.settings import KafkaSettings
from core.timestamps import rfc3339
from deploy.kafka.broker import LocalKafka
from tests.bench.brokered import PARTITIONS, TICKS_TOPIC, pin, publish, worker_arguments
from tests.bench.market import HISTORY_SOURCE, TICKS_SOURCE, Market, cut, framer
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.support.kafka_broker import reset_topics
from tests.support.worker_process import WorkerProcess

PER_SECOND = 100_000
SLICES_PER_SECOND = 20
"""Ticks are sent in slices of 50 ms, 5,000 at a time."""

LATENESS_S = 1.0
GOAL = Goal(1_000 * LATENESS_S + 100)
DEADLINE_S = 30.0


def run(bench: Bench) -> Iterator[Figure]:
    """Run the market for some minutes and say how long its events took."""
    per_second = bench.size(PER_SECOND, 5_000)
    seconds = bench.size(242, 62)
    market = Market(500)
    universe_file = bench.directory / "latency.toml"
    universe_file.write_text(market.text)
    kafka = bench.broker
    reset_topics(kafka, PARTITIONS)
    publish(kafka, cut(framer(market, partitions=PARTITIONS, source_id=HISTORY_SOURCE), market.history()))
    with WorkerProcess(*worker_arguments(kafka, universe_file)) as worker:
        pin(worker.process.pid)
        worker.wait_until_ready(deadline_s=300.0)
        subscriber = _Subscriber(kafka)
        subscriber.start()
        progress(f"{seconds} s of market at {per_second:,} ticks/s, in real time")
        started_s, late_s = _play(kafka, market, seconds, per_second)
        subscriber.finish()
        worker.terminate()
    latencies = [
        1_000 * (arrived_s - started_s - (event_ns / NANOSECONDS_PER_SECOND - market.open_second))
        for event_ns, arrived_s in subscriber.arrivals
    ]
    if not latencies:
        raise RuntimeError("no event came: there is no latency to speak of")
    note = f"{len(latencies)} events; the sender was at most {1_000 * late_s:.0f} ms behind its own clock"
    yield figure("tick to event, p50", "ms", float(np.percentile(latencies, 50)), note=note)
    yield figure(
        "tick to event, p99", "ms", float(np.percentile(latencies, 99)), GOAL, "beyond the grid step"
    )


class _Subscriber(threading.Thread):
    """Reads every events topic from now on, and notes when each event of a running session came."""

    def __init__(self, kafka: LocalKafka) -> None:
        super().__init__(daemon=True)
        self.arrivals: list[tuple[int, float]] = []
        self._reader = TopicReader(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
        self._reader.start([TOPIC_PREFIX + family for family in FAMILIES], from_beginning=False)
        self._finishing = threading.Event()

    def run(self) -> None:
        while not self._finishing.is_set():
            for record in self._reader.poll(timeout_ms=100):
                arrived_s = time.time()
                data = msgspec.json.decode(record.value)
                self.arrivals.append((_nanoseconds(data["knowable_time"]), arrived_s))
        self._reader.close()

    def finish(self) -> None:
        """Read on for two seconds, then stop."""
        self._finishing.wait(2.0)
        self._finishing.set()
        self.join(DEADLINE_S)


def _nanoseconds(text: str) -> int:
    """Instants here are whole seconds: a minute's end."""
    instant = int(np.datetime64(text.removesuffix("Z"), "ns").astype(np.int64))
    assert rfc3339(instant) == text
    return instant


def _play(kafka: LocalKafka, market: Market, seconds: int, per_second: int) -> tuple[float, float]:
    """Send each slice when it falls due; gives the wall time of the open and the worst delay."""
    ticks = framer(market, partitions=PARTITIONS, source_id=TICKS_SOURCE)
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers,
        linger_ms=0,
        batch_size=256 * 1024,
        max_request_size=2 * 1024 * 1024,
    )
    slice_ns = NANOSECONDS_PER_SECOND // SLICES_PER_SECOND
    started_s = time.time() + 1.0
    late_s = 0.0
    try:
        for second in range(seconds):
            first_ns = (market.open_second + second) * NANOSECONDS_PER_SECOND
            drawn = market.trades(market.open_second + second, 1, per_second)
            bounds = np.searchsorted(drawn["ts_event"], first_ns + slice_ns * np.arange(1, SLICES_PER_SECOND))
            for number, part in enumerate(np.split(drawn, bounds)):
                # A mark is due at its second's begin, a slice of ticks when its last one has happened.
                due_s = started_s + second + (number + 1) / SLICES_PER_SECOND
                if number == 0:
                    _send(producer, cut(ticks, part[:1]))
                    part = part[1:]
                _sleep_until(due_s)
                late_s = max(late_s, time.time() - due_s)
                _send(producer, cut(ticks, part))
        producer.flush(timeout=DEADLINE_S)
    finally:
        producer.close()
    return started_s, late_s


def _send(producer: KafkaProducer, frames: list[tuple[int, bytes]]) -> None:
    for partition, payload in frames:
        producer.send(TICKS_TOPIC, payload, partition=partition)


def _sleep_until(due_s: float) -> None:
    wait_s = due_s - time.time()
    if wait_s > 0:
        time.sleep(wait_s)
