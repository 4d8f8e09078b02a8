"""consumers.metrics.state_copy: every open partition is copied once, and the loop gets turns in between."""

from __future__ import annotations

import threading
import time

from consumers.metrics.state_copy import copy_engines
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.engine.exposed import Exposed
from core.model.settings import KafkaSettings, WorkerSettings
from tests.support.fake_engine import RAISING_PRICE, FakeEngine, frame
from tests.support.fake_transport import FakeBroker, FakeTransport

PARTITIONS = 4


class Slow(FakeEngine):
    """Takes longer to copy than the loop may be held."""

    def expose(self) -> Exposed:
        time.sleep(0.01)
        return super().expose()


def started(engine: type[FakeEngine] = FakeEngine) -> tuple[Worker, WorkerState, FakeBroker]:
    broker, state = FakeBroker(partitions=PARTITIONS), WorkerState()
    settings = WorkerSettings().model_copy(update={"membership": "manual", "commit_interval_ms": 0})
    worker = Worker(
        FakeTransport(broker),
        lambda partition, _: engine(partition),
        kafka=KafkaSettings(partitions=PARTITIONS),
        settings=settings,
        state=state,
    )
    worker.start()
    return worker, state, broker


def test_each_partition_is_copied_once_in_order() -> None:
    _, state, _ = started()
    copies, longest_s = copy_engines(state)
    assert [copy.exposed.pairs[0].name for copy in copies] == [f"P{each}/SPX" for each in range(PARTITIONS)]
    assert [copy.engine for copy in copies] == [state.tasks[each].engine for each in range(PARTITIONS)]
    assert longest_s > 0


def test_the_loop_gets_a_turn_between_slow_copies() -> None:
    _, state, _ = started(Slow)
    turns, ended = [0], threading.Event()

    def step() -> None:
        while not ended.is_set():
            with state.gate.stepping():
                turns[0] += 1
            time.sleep(0)

    loop = threading.Thread(target=step)
    loop.start()
    try:
        before = turns[0]
        copies, longest_s = copy_engines(state)
        between = turns[0] - before
    finally:
        ended.set()
        loop.join()
    assert len(copies) == PARTITIONS
    assert between >= PARTITIONS - 1
    assert longest_s < 0.01 * PARTITIONS


def test_an_engine_that_awaits_replacement_is_not_read() -> None:
    worker, state, broker = started()
    broker.append(frame([RAISING_PRICE], sequence=0), 1)
    worker._fetch()
    worker._step_slice()
    assert state.tasks[1].needs_engine
    copies, _ = copy_engines(state)
    assert [copy.exposed.pairs[0].name for copy in copies] == ["P0/SPX", "P2/SPX", "P3/SPX"]


def test_without_partitions_there_is_nothing_to_copy() -> None:
    assert copy_engines(WorkerState())[0] == []
