"""A scrape waits for the gate, so nothing that waits for somebody else may hold it."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.snapshots.checkpoint import Checkpointer
from consumers.transport.seam import Transport
from consumers.worker.state import WorkerState
from tests.support.fake_engine import RAISING_PRICE, frame
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import IDLE, fill, make_worker

SNAPSHOTS: dict[str, Any] = {
    "delivery": "exactly_once",
    "snapshots": True,
    "snapshot_interval_ms": 3_600_000,
    "commit_interval_ms": 0,
    "eager_commit_interval_ms": 0,
}
QUESTIONS = sorted(name for name in vars(Transport) if not name.startswith("_"))


class Watched(FakeTransport):
    """A transport that notes each call made while the gate is held."""

    def __init__(self, broker: FakeBroker) -> None:
        super().__init__(broker)
        self.state: WorkerState | None = None
        self.called: set[str] = set()
        self.under_the_gate: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in QUESTIONS:
            state = self.state
            self.called.add(name)
            if state is not None and state.gate._state.locked():
                self.under_the_gate.append(name)
        return super().__getattribute__(name)


def run(broker: FakeBroker, **changes: Any) -> Watched:
    transport = Watched(broker)
    worker, transport.state, _ = make_worker(broker, transport, **changes)
    worker.run(IDLE)
    return transport


def test_a_spoilt_engine_is_replaced_without_a_question_under_the_gate() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    broker.append(frame([RAISING_PRICE], sequence=70))
    fill(broker, 8, seed=3)
    transport = run(broker)
    assert transport.under_the_gate == []
    assert {"poll", "seek", "hold", "begin_offset", "end_offset", "commit"} <= transport.called


def test_a_partition_comes_and_goes_without_a_question_under_the_gate() -> None:
    broker = FakeBroker(partitions=2)
    fill(broker, 4)
    transport = Watched(broker)
    worker, transport.state, _ = make_worker(broker, transport, membership="dynamic")
    worker.start()
    transport.will(("assigned", [0, 1]), generation=0)
    while len(transport.state.tasks) < 2:
        worker.turn()
    transport.will(("revoked", [1]), generation=0)
    worker.turn()
    assert sorted(transport.state.tasks) == [0]
    assert transport.under_the_gate == []


def test_a_snapshot_of_changed_definitions_is_packed_outside_the_gate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = FakeBroker()
    fill(broker, 8)
    earlier, _, _ = make_worker(broker, **SNAPSHOTS | {"snapshot_interval_ms": 1})
    earlier.start()
    while 0 not in broker.committed or '"snapshot":null' in broker.committed[0].metadata:
        earlier.turn()
    transport = Watched(broker)
    worker, state, _ = make_worker(broker, transport, **SNAPSHOTS, definitions="second")
    transport.state = state
    held: list[bool] = []
    whole = Checkpointer.write_whole

    def watched(*arguments: Any) -> Any:
        held.append(state.gate._state.locked())
        return whole(*arguments)

    monkeypatch.setattr(Checkpointer, "write_whole", watched)
    worker.run(IDLE)
    assert held == [False]
    assert transport.under_the_gate == []
