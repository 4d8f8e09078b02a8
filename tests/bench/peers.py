"""Bare readers of the ticks topic, to set beside the worker: the client alone, and a first prototype.

    python -m tests.bench.peers poll|loop BOOTSTRAP_SERVERS OFFSET …

reads each partition from its offset to its end and prints JSON. `poll` takes the records and drops
them; `loop` keeps the last price of each instrument in a small kernel and checks nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import numpy as np
from kafka import KafkaConsumer, TopicPartition

from core.kafka.kafka_python import consumer_configuration
from core.kernels.jit import I8, TICKS, array_of, kernel
from core.model.frames import HEADER_BYTES
from core.model.records import TICK
from core.model.settings import KafkaSettings, WorkerSettings

_MOST_IDS = 1 << 16


@kernel(I8, TICKS, array_of(I8))
def _last_prices(ticks, prices):  # type: ignore[no-untyped-def]
    for index in range(len(ticks)):
        tick = ticks[index]
        if tick.instrument_id < len(prices):
            prices[tick.instrument_id] = tick.price
    return len(ticks)


def _drop(payload: bytes) -> None:
    """Do nothing."""


def _prototype() -> Callable[[bytes], None]:
    prices = np.zeros(_MOST_IDS, np.int64)

    def work(payload: bytes) -> None:
        _last_prices(np.frombuffer(payload, TICK, offset=HEADER_BYTES), prices)

    return work


def main(peer: str, servers: str, offsets: list[int]) -> None:
    """Read everything; prints ticks, wall and CPU seconds from the first record on."""
    settings = KafkaSettings(bootstrap_servers=servers)
    work = _drop if peer == "poll" else _prototype()
    consumer = KafkaConsumer(
        max_poll_records=WorkerSettings().poll_max_records, **consumer_configuration(settings)
    )
    places = [TopicPartition(settings.ticks_topic, partition) for partition in range(len(offsets))]
    consumer.assign(places)
    left = sum(consumer.end_offsets(places).values()) - sum(offsets)
    for place, offset in zip(places, offsets, strict=True):
        consumer.seek(place, offset)
    ticks, started_s, cpu_s = 0, time.perf_counter(), time.process_time()
    while left > 0:
        for batch in consumer.poll(timeout_ms=100).values():
            for record in batch:
                work(record.value)
                ticks += (len(record.value) - HEADER_BYTES) // TICK.itemsize
            left -= len(batch)
    took = {"wall_s": time.perf_counter() - started_s, "cpu_s": time.process_time() - cpu_s}
    consumer.close(autocommit=False)
    print(json.dumps({"ticks": ticks, **took}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], [int(argument) for argument in sys.argv[3:]])
