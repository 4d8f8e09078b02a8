"""How soon a partition is back: its snapshot read from Apache Kafka, then the log from there on.

One partition with 1,000 instruments after a whole session, so that every ring is full.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, process_time

from consumers.metrics.counters import WorkerCounters
from consumers.snapshots.checkpoint import Checkpointer
from consumers.snapshots.log import TopicSnapshotLog
from consumers.snapshots.position import Plan, Position
from consumers.snapshots.records import snapshot_records
from consumers.snapshots.restore import Opened, open_partition
from consumers.snapshots.store import SnapshotStore
from consumers.transport.kafka_python import KafkaPythonTransport
from consumers.transport.seam import first_failure
from consumers.worker.engine import Engine
from consumers.worker.partition import PartitionTask
from consumers.worker.publications import ValuesTopic
from core.engine.engine import PartitionEngine
from core.kafka.records import Committed
from core.model.settings import KafkaSettings, WorkerSettings
from tests.bench.brokered import publish, tick_count
from tests.bench.market import TICKS_SOURCE, Market, cut, framer, warm_engine
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.bench.snapshots import INSTRUMENTS, trade_session
from tests.support.kafka_broker import reset_topics

RUNS = 5
TICKS = 2_000_000
PER_SECOND = 5_000
"""What one partition of twelve carries when 60,000 ticks come a second."""

RESTORE_GOAL = Goal(2)
REPLAY_GOAL = Goal(2, at_least=True)
_POLL_MS = 100
_SEND_MS = 60_000


def run(bench: Bench) -> Iterator[Figure]:
    """Measure both halves."""
    market = Market(bench.size(INSTRUMENTS, 50))
    progress(f"{market.instruments:,} instruments: history and a session")
    engine = warm_engine(market)
    trade_session(bench, market, engine)
    settings = KafkaSettings(bootstrap_servers=bench.broker.bootstrap_servers, partitions=1)
    reset_topics(bench.broker, 1)
    transport = KafkaPythonTransport(settings, WorkerSettings(group_id="restore", membership="manual"))
    try:
        yield from _from_snapshot(bench, market, engine, settings, transport)
        yield from _replay(bench, market, settings, transport)
    finally:
        transport.close()


def _from_snapshot(
    bench: Bench,
    market: Market,
    engine: PartitionEngine,
    settings: KafkaSettings,
    transport: KafkaPythonTransport,
) -> Iterator[Figure]:
    data = engine.snapshot()
    name, records = snapshot_records(data, {}, partition=0, number=1, next_offset=0)
    deliveries = [transport.send(*record) for record in records]
    transport.flush(_SEND_MS)
    if failure := first_failure(deliveries):
        raise RuntimeError(failure)
    committed = Committed(0, Position(baseline=0, snapshot=name).encode())
    seconds, cpu = [], []
    for number in range(bench.size(RUNS, 1)):
        progress(f"restore, run {number + 1}")
        started, started_cpu = perf_counter(), process_time()
        log = TopicSnapshotLog(settings)
        opened = open_partition(
            market.engine, committed, SnapshotStore(log), partition=0, begin_offset=0, end_offset=0
        )
        seconds.append(perf_counter() - started)
        cpu.append(process_time() - started_cpu)
        log.close()
        if opened.restored != name:
            raise RuntimeError(f"not restored: {opened.problems}")
    note = f"{len(data) / 1e6:.1f} MB; connection, topic, new engine and restore"
    yield figure(f"restore, {market.instruments:,} instruments", "s", seconds, RESTORE_GOAL, note)
    yield figure(f"restore, {market.instruments:,} instruments, CPU", "s", cpu)


def _opened(engine: PartitionEngine, plan: Plan) -> Opened[Engine]:
    return Opened(
        engine=engine,
        plan=plan,
        restored=None,
        adopt_again_at=None,
        rebuilt=False,
        problems=(),
    )


def _replay(
    bench: Bench, market: Market, settings: KafkaSettings, transport: KafkaPythonTransport
) -> Iterator[Figure]:
    count = bench.size(TICKS, 50_000)
    ticks = framer(market, partitions=1, source_id=TICKS_SOURCE)
    seconds = count // PER_SECOND
    start = market.open_second + 600
    frames = cut(ticks, *(market.trades(start + second, 1, PER_SECOND) for second in range(seconds)))
    publish(bench.broker, frames)
    transport.assign(settings.ticks_topic, [0])
    rates, cpu = [], []
    for number in range(bench.size(RUNS, 1)):
        progress(f"replay, run {number + 1}")
        task = PartitionTask(
            0,
            _opened(warm_engine(market), Plan(0, len(frames), Position(baseline=0))),
            checkpointer=Checkpointer(
                0,
                named=None,
                interval_ms=None,
                helper=ThreadPoolExecutor(1),
                topic=settings.snapshots_topic,
            ),
            end_at_start=len(frames),
            values_topic=ValuesTopic.of(settings),
            counters=WorkerCounters(),
            dead_letter_max_bytes=0,
        )
        transport.seek(0, 0)
        started, started_cpu = perf_counter(), process_time()
        while not task.ready:
            for record in transport.poll(_POLL_MS).get(0, []):
                task.step(record)
        rates.append(tick_count(frames) / (perf_counter() - started) / 1e6)
        cpu.append((process_time() - started_cpu) / tick_count(frames) * 1e6)
    note = f"{tick_count(frames):,} ticks, {PER_SECOND:,} an event second, muted"
    yield figure(f"replay, {market.instruments:,} instruments", "M ticks/s", rates, REPLAY_GOAL, note)
    yield figure(f"replay, {market.instruments:,} instruments, CPU", "s a M ticks", cpu, note="all threads")
