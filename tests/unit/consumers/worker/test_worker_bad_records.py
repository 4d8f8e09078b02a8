"""Records that cannot be used: set aside, counted, and without a trace in the state."""

from __future__ import annotations

import json
import re
import threading
from typing import Any

import pytest
from structlog.testing import capture_logs

from consumers.snapshots.position import Position
from consumers.snapshots.restore import open_partition
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.engine.step_output import StepOutput
from core.kafka.records import Committed
from core.model.errors import SessionError
from core.model.settings import KafkaSettings
from core.runtime.exit_codes import EXIT_INPUT, exit_code
from tests.support.fake_engine import BAD_PRICE, RAISING_PRICE, FakeEngine, frame
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import (
    IDLE,
    bar_sequences,
    dead_letters,
    event_ids,
    fill,
    make_worker,
    run_to_the_end,
    worker_settings,
)


def test_a_frame_that_is_none_becomes_a_dead_letter_and_the_stream_goes_on() -> None:
    broker = FakeBroker()
    fill(broker, 4)
    good = frame([1] * 5, sequence=50)
    broker.append(b"")
    broker.append(good[:-1])
    broker.append(good[:40] + b"\xff" + good[41:])
    broker.append(b"\x09" + good[1:])
    fill(broker, 4)
    state = run_to_the_end(broker)
    assert dead_letters(broker) == [("length", 5), ("length", 6), ("crc", 7), ("version", 8)]
    assert state.counters.dead_letters == {"length": 2, "crc": 1, "version": 1}
    assert len(event_ids(broker.published)) == 4


def test_ticks_the_engine_refuses_become_dead_letters() -> None:
    broker = FakeBroker()
    broker.append(frame([5, BAD_PRICE, 7], sequence=0))
    state = run_to_the_end(broker)
    assert dead_letters(broker) == [("price", 0)]
    assert state.counters.dead_letters["price"] == 1
    assert state.counters.partitions[0].ticks == 3


def test_dead_letters_are_logged_once_for_each_reason_with_the_first() -> None:
    broker = FakeBroker()
    broker.append(frame([5, *[BAD_PRICE] * 20, 7], sequence=0))
    broker.append(b"short")
    broker.append(b"shorter")
    with capture_logs() as logged:
        run_to_the_end(broker)
    lines = [line for line in logged if line["event"] == "input dead-lettered"]
    assert [(line["reason"], line["partition"], line["offset"]) for line in lines] == [
        ("price", 0, 0),
        ("length", 0, 1),
    ]
    assert re.search(r"trade of instrument \d+ from source \d+ at \d{4}-", lines[0]["example"])
    assert "bytes" in lines[1]["example"]


def test_a_quarantined_record_leaves_no_trace_in_the_state() -> None:
    """The step raises after it has changed the state: going on with that engine would be wrong."""
    clean, raising = FakeBroker(), FakeBroker()
    for broker in (clean, raising):
        fill(broker, 8)
        if broker is raising:
            broker.append(frame([1, 2, RAISING_PRICE, 3], sequence=70))
        fill(broker, 8, seed=3)
    run_to_the_end(clean)
    state = run_to_the_end(raising)
    assert event_ids(raising.published) == event_ids(clean.published)
    assert dead_letters(raising) == [("step_raised", 10)]
    assert state.counters.partitions[0].quarantined == 1
    assert bar_sequences(raising) == bar_sequences(clean)


def test_a_restart_keeps_quarantined_offsets_and_does_not_report_it_again() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    broker.append(frame([RAISING_PRICE], sequence=70))
    run_to_the_end(broker)
    assert json.loads(broker.committed[0].metadata)["poison"] == [10]
    fill(broker, 8, seed=3)
    state = run_to_the_end(broker)
    assert dead_letters(broker) == [("step_raised", 10)]
    assert state.counters.partitions[0].quarantined == 0
    assert len(event_ids(broker.published)) == 8


def test_a_quarantined_offset_without_room_in_the_metadata_is_found_again_without_output() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    broker.append(frame([RAISING_PRICE], sequence=70))
    run_to_the_end(broker)
    broker.committed[0] = Committed(
        broker.committed[0].offset, Position(baseline=0, bars_sequence=2).encode()
    )
    fill(broker, 8, seed=3)
    state = run_to_the_end(broker)
    assert dead_letters(broker) == [("step_raised", 10)]
    assert state.counters.partitions[0].quarantined == 1
    assert len(set(event_ids(broker.published))) == len(event_ids(broker.published)) == 8


def test_bad_records_in_a_row_are_counted_over_the_rebuilds_between_them() -> None:
    broker = FakeBroker()
    fill(broker, 4)
    for number in range(3):
        broker.append(frame([RAISING_PRICE], sequence=70 + number))
    worker, state, _ = make_worker(broker)
    worker.start()
    while state.tasks[0].lag_records or state.tasks[0].needs_engine:
        worker.turn()
    assert state.tasks[0].failures_in_a_row == 3
    broker.append(frame([5], sequence=90))
    while state.tasks[0].next_offset < 9:
        worker.turn()
    assert state.tasks[0].failures_in_a_row == 0


def test_a_calendar_at_its_end_stops_the_worker_and_blames_no_record() -> None:
    class Ended(FakeEngine):
        def step(self, payload: bytes, offset: int) -> StepOutput:
            if offset == 6:
                raise SessionError("calendar XNYS ends on 2030-12-31")
            return super().step(payload, offset)

    broker = FakeBroker()
    fill(broker, 8)
    state = WorkerState()
    worker = Worker(
        FakeTransport(broker),
        lambda partition, _: Ended(partition),
        kafka=KafkaSettings(partitions=1),
        settings=worker_settings(),
        state=state,
    )
    with pytest.raises(SessionError, match="calendar XNYS ends") as caught:
        worker.run(IDLE)
    assert exit_code(caught.value) == EXIT_INPUT
    assert dead_letters(broker) == []
    assert state.counters.dead_letters == {}


def test_no_offset_is_passed_while_a_failed_engine_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: what a poll had brought after a quarantined record was committed, and never stepped."""

    def at_leisure(*args: Any, **named: Any) -> Any:
        assert may_restore.wait(10)
        return open_partition(*args, **named)

    may_restore = threading.Event()
    broker = FakeBroker()
    broker.append(frame([5] * 10, sequence=0))
    broker.append(frame([RAISING_PRICE], sequence=1))
    for number in range(5):
        broker.append(frame([5] * 10, sequence=2 + number))
    worker, state, _ = make_worker(broker, commit_interval_ms=1, eager_commit_interval_ms=1)
    worker.start()
    monkeypatch.setattr("consumers.worker.opener.open_partition", at_leisure)
    try:
        for _ in range(5):
            worker.turn()
        assert worker.commit()
        assert state.tasks[0].needs_engine
        assert broker.committed[0].offset == 2
    finally:
        may_restore.set()
    monkeypatch.undo()
    run_to_the_end(broker)  # as after a crash
    assert len(event_ids(broker.published)) == 6
