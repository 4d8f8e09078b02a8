"""From a tick to the event in a reader's hands, in real time at 100,000 ticks a second.

Event time runs with the wall clock: every frame is sent at the instant at which a producer would
send it (512 ticks, or the first of them 8 ms old), to a worker with a process of its own, while this
process reads the events topics, committed events only. In each minute forty instruments jump by 4 %
at an instant of their own, against a benchmark that falls: each becomes a candidate for an opposite
move at the end of its minute, the grid step of the definition.

Counted from the tick, an event waits for its minute to end, then for the allowed lateness of one
second, after which the clock mark goes out that closes the minute; what comes then is Rotascope:
framing, Kafka, step, commit, Kafka.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np

from core.kafka.topic_reader import TopicReader
from core.model.event_families import EVENT_FAMILIES
from core.model.records import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND
from core.model.settings import KafkaSettings, ProducerSettings, WorkerSettings
from core.model.timestamps import rfc3339
from core.model.topics import EVENTS_PREFIX
from deploy.kafka.broker import LocalKafka
from producers.framing.framer import Framer
from producers.framing.publisher import TICK_HEADERS, open_producer
from tests.bench.brokered import PARTITIONS, TICKS_TOPIC, publish, worker_arguments
from tests.bench.market import HISTORY_SOURCE, TICKS_SOURCE, Market, cut, framer
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.support.kafka_broker import reset_topics
from tests.support.worker_process import WorkerProcess

PER_SECOND = 100_000
JUMPS_A_MINUTE = 40
GRID_STEP_S = 60
LATENESS_S = 1
OWN_MS = WorkerSettings().commit_interval_ms + 100
"""Only what is committed is seen, and a commit is made so often."""

TICK_GOAL = Goal((GRID_STEP_S + LATENESS_S) * 1_000 + OWN_MS)
MARK_GOAL = Goal(OWN_MS)
FIRST_GOAL = Goal(300)

_AFTER_OPEN_S = 3 * 3600
"""By then the benchmarks have fallen."""

_TAIL_S = 3


class Due(NamedTuple):
    """A frame, and the event time at which its producer sends it."""

    at_ns: int
    partition: int
    payload: bytes


class Arrival(NamedTuple):
    """An event as a subscriber got it."""

    arrived_s: float
    pair: str
    ts_event_ns: int
    is_jump: bool


@dataclass
class Script:
    """What is played.

    Args:
        start_ns: Event time at which it begins.
        frames: In the order in which they are sent.
        jumped_ns: Pair → event time of the first tick after its jump.
    """

    start_ns: int
    frames: list[Due] = field(default_factory=list)
    jumped_ns: dict[str, int] = field(default_factory=dict)


def run(bench: Bench) -> Iterator[Figure]:
    """Play some minutes' ends, and compare what was sent with what came."""
    minutes = bench.size(3, 1)
    market = Market(500)
    universe_file = bench.directory / "latency.toml"
    universe_file.write_text(market.text)
    progress("drawing the market")
    script = _script(market, minutes, lead_s=bench.size(10, 3), per_second=bench.size(PER_SECOND, 20_000))
    reset_topics(bench.broker, PARTITIONS)
    history = cut(framer(market, partitions=PARTITIONS, source_id=HISTORY_SOURCE), market.history())
    publish(bench.broker, history)
    with WorkerProcess(*worker_arguments(bench.broker, universe_file)) as worker:
        worker.wait_until_ready(deadline_s=300.0)
        seconds = (script.frames[-1].at_ns - script.start_ns) / NANOSECONDS_PER_SECOND
        progress(f"playing {seconds:.0f} s in real time")
        arrivals, started_s, late_s = _play(bench.broker, script)
        worker.terminate()
    yield from _figures(script, arrivals, started_s, f"the sender was at most {late_s * 1_000:.0f} ms late")


def _script(market: Market, minutes: int, *, lead_s: int, per_second: int) -> Script:
    """Draw ticks that end some minutes; in each, some of the instruments jump."""
    first_end = market.open_second + _AFTER_OPEN_S
    last_end = first_end + (minutes - 1) * GRID_STEP_S
    start = first_end - lead_s
    script = Script(start * NANOSECONDS_PER_SECOND)
    jumpers = market.benchmarks + np.arange(minutes * JUMPS_A_MINUTE).reshape(minutes, JUMPS_A_MINUTE)
    for number, rows in enumerate(jumpers):
        begin = max(start, first_end + (number - 1) * GRID_STEP_S) * NANOSECONDS_PER_SECOND
        end = (first_end + number * GRID_STEP_S) * NANOSECONDS_PER_SECOND
        # Not in the last of it: an instrument must trade once more before the minute ends.
        market.jumps_ns[rows] = np.linspace(begin, end - NANOSECONDS_PER_SECOND, len(rows)).astype(np.int64)
    frames = framer(market, partitions=PARTITIONS, source_id=TICKS_SOURCE)
    for second in range(start, last_end + _TAIL_S):
        ticks = market.trades(second, 1, per_second)
        _note_jumps(market, ticks, script)
        script.frames += _framed(frames, ticks, second * NANOSECONDS_PER_SECOND)
    return script


def _note_jumps(market: Market, ticks: np.ndarray, script: Script) -> None:
    """Find the first tick of each instrument after its jump."""
    trades = ticks[ticks["kind"] == 0]
    rows = trades["instrument_id"].astype(np.int64) - 1
    after = np.flatnonzero(trades["ts_event"] >= market.jumps_ns[rows])
    for row, position in zip(*np.unique(rows[after], return_index=True), strict=True):
        pair = f"S{row}/S{row % market.benchmarks}"
        script.jumped_ns.setdefault(pair, int(trades["ts_event"][after[position]]))


def _framed(frames: Framer, ticks: np.ndarray, start_ns: int) -> Iterator[Due]:
    """Cut one second's ticks as a producer does that gets them as they happen, looking each millisecond."""
    bounds_ns = start_ns + NANOSECONDS_PER_MILLISECOND * np.arange(1, 1_001)
    ends = np.searchsorted(ticks["ts_event"], bounds_ns)
    begin = 0
    for bound_ns, end in zip(bounds_ns.tolist(), ends.tolist(), strict=True):
        now_ms = bound_ns / NANOSECONDS_PER_MILLISECOND
        cut_now = frames.add(ticks[begin:end], now_ms) if end > begin else []
        for frame in (*cut_now, *frames.due(now_ms)):
            yield Due(bound_ns, frame.partition, frame.payload)
        begin = end


def _play(kafka: LocalKafka, script: Script) -> tuple[list[Arrival], float, float]:
    """Send on a thread and read on this one; gives arrivals, the start, and the worst delay of the sender."""
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    late: list[float] = []
    with TopicReader(settings) as reader:
        reader.start([EVENTS_PREFIX + family for family in EVENT_FAMILIES], from_beginning=False)
        started_s = time.perf_counter() + 0.5
        sender = threading.Thread(target=_send, args=(settings, script, started_s, late), daemon=True)
        sender.start()
        arrivals: list[Arrival] = []
        quiet_s = time.perf_counter()
        while sender.is_alive() or time.perf_counter() - quiet_s < LATENESS_S:
            for record in reader.poll(timeout_ms=50):
                quiet_s = time.perf_counter()
                arrivals.append(_arrival(record.value, dict(record.headers), quiet_s))
        sender.join()
    if not late:
        raise RuntimeError("the sender has failed")
    return arrivals, started_s, max(late)


def _arrival(value: bytes, headers: dict[str, bytes], arrived_s: float) -> Arrival:
    knowable = msgspec.json.decode(value)["knowable_time"]
    ts_event_ns = int(np.datetime64(knowable.removesuffix("Z"), "ns").astype(np.int64))
    if rfc3339(ts_event_ns) != knowable:
        raise ValueError(f"{knowable} is not an instant as events write it")
    pair = headers["ce_subject"].decode()
    return Arrival(arrived_s, pair, ts_event_ns, headers["ce_type"].endswith(b"opposite_day_up.candidate"))


def _send(settings: KafkaSettings, script: Script, started_s: float, late: list[float]) -> None:
    """Send each frame when it is due; `late` takes by how much each was not."""
    producer = open_producer(settings)
    delays = []
    try:
        for due in script.frames:
            due_s = started_s + (due.at_ns - script.start_ns) / NANOSECONDS_PER_SECOND
            while (wait_s := due_s - time.perf_counter()) > 0:
                time.sleep(wait_s)
            delays.append(-wait_s)
            producer.send(TICKS_TOPIC, due.payload, headers=TICK_HEADERS, partition=due.partition)
        producer.flush(timeout=10)
    finally:
        producer.close(timeout=1)
    late += delays


def _figures(script: Script, arrivals: Sequence[Arrival], started_s: float, note: str) -> Iterator[Figure]:
    def since_ms(arrival: Arrival, event_ns: int) -> float:
        """Milliseconds from the wall instant that stands for an event time until the arrival."""
        return 1_000 * (arrival.arrived_s - started_s) - (event_ns - script.start_ns) / 1e6

    jumps = [each for each in arrivals if each.is_jump and each.pair in script.jumped_ns]
    if len(jumps) < len(script.jumped_ns) // 2:
        raise RuntimeError(f"{len(script.jumped_ns)} jumps gave {len(jumps)} candidates")
    from_tick = [since_ms(each, script.jumped_ns[each.pair]) for each in jumps]
    from_mark = [since_ms(each, each.ts_event_ns) - LATENESS_S * 1_000 for each in arrivals]
    age_ms = ProducerSettings().frame_max_age_ms
    yield figure("tick to event, p50", "ms", float(np.percentile(from_tick, 50)))
    yield figure(
        "tick to event, p99", "ms", float(np.percentile(from_tick, 99)), TICK_GOAL, f"{len(jumps)} jumps"
    )
    yield figure("of which after the mark is due, p50", "ms", float(np.percentile(from_mark, 50)))
    # What a worker does for the first time, it does in the first minute that gives events.
    first_ns = min(each.ts_event_ns for each in arrivals)
    for when, goal, wanted in (
        ("the first minute's", FIRST_GOAL, [each.ts_event_ns == first_ns for each in arrivals]),
        ("later ones'", None, [each.ts_event_ns != first_ns for each in arrivals]),
    ):
        if any(wanted):
            median_ms = float(np.median(np.array(from_mark)[wanted]))
            yield figure(f"the same, {when}, p50", "ms", median_ms, goal, f"{sum(wanted)} events")
    yield figure(
        "of which after the mark is due, p99",
        "ms",
        float(np.percentile(from_mark, 99)),
        MARK_GOAL,
        f"{len(arrivals)} events; up to {age_ms} ms in the framer; {note}",
    )
