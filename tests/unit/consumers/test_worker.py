"""The worker's loop over a log in memory: nothing lost, nothing repeated in silence."""

from __future__ import annotations

import json

import pytest

from consumers.outbox import OutboxRecord
from consumers.position import Position
from consumers.transport import Committed, Record
from consumers.worker import Worker
from consumers.worker_state import Until, WorkerState
from core.errors import ConfigurationError, SnapshotError, TransportError
from core.frames import decode_frame
from core.records import BAR
from core.settings import KafkaSettings, WorkerSettings
from tests.support.fake_engine import BAD_PRICE, POISON_PRICE, FakeEngine, baseline, clock, frame
from tests.support.fake_transport import FakeBroker, FakeTransport

IDLE = Until(idle_ms=0)


def _settings(**changes: object) -> WorkerSettings:
    """Short waits; without validation, so that a bound may be as tight as the test needs."""
    waits = {"backoff_initial_ms": 1, "backoff_max_ms": 2, "poll_timeout_ms": 1}
    return WorkerSettings().model_copy(update=waits | changes)


def _make(
    broker: FakeBroker, transport: FakeTransport | None = None, **changes: object
) -> tuple[Worker, WorkerState, list[FakeEngine]]:
    state = WorkerState()
    engines: list[FakeEngine] = []

    def make_engine(partition: int, partitions: int) -> FakeEngine:
        assert partitions == broker.partitions
        engines.append(FakeEngine(partition))
        return engines[-1]

    worker = Worker(
        transport or FakeTransport(broker),
        make_engine,
        kafka=KafkaSettings(partitions=broker.partitions),
        settings=_settings(**changes),
        state=state,
    )
    return worker, state, engines


def _run(broker: FakeBroker, **changes: object) -> WorkerState:
    worker, state, _ = _make(broker, **changes)
    worker.run(IDLE)
    return state


def _event_ids(records: list[OutboxRecord]) -> list[str]:
    return [
        dict(record.headers)["ce_id"].decode()
        for record in records
        if record.topic.startswith("rotascope.events")
    ]


def _dead_letters(broker: FakeBroker) -> list[tuple[str, int]]:
    letters = [json.loads(r.value) for r in broker.published if r.topic == "rotascope.dead-letters"]
    return [(letter["reason"], letter["offset"]) for letter in letters]


def _bar_sequences(broker: FakeBroker) -> list[int]:
    return [
        decode_frame(record.value, BAR)[0].sequence
        for record in broker.published
        if record.topic == "rotascope.bars.1m"
    ]


def _fill(broker: FakeBroker, frames: int, *, partition: int = 0, seed: int = 0) -> None:
    """Frames of 5 trades with varying prices, a clock mark after every fourth."""
    for number in range(frames):
        broker.append(frame([1000 + seed + number * 7 + k for k in range(5)], sequence=2 * number), partition)
        if number % 4 == 3:
            broker.append(clock(number + 1, sequence=2 * number + 1), partition)


def test_every_event_is_published_once_and_the_offset_committed() -> None:
    broker = FakeBroker()
    _fill(broker, 40)
    state = _run(broker)
    ids = _event_ids(broker.published)
    assert len(ids) == len(set(ids)) == 20
    assert broker.committed[0].offset == 50
    assert state.counters.events["every_nth", "opened"] == 20
    assert _bar_sequences(broker) == list(range(10))


def test_a_second_run_has_nothing_to_say() -> None:
    broker = FakeBroker()
    _fill(broker, 40)
    _run(broker)
    published = list(broker.published)
    _run(broker)
    assert broker.published == published


@pytest.mark.parametrize("killed_after", [1, 2, 5, 9, 30])
def test_killed_anywhere_and_restarted_gives_the_same_events(killed_after: int) -> None:
    """A kill is: turns taken, some of them committed, and then nothing more of that worker."""
    calm, killed = FakeBroker(), FakeBroker()
    for broker in (calm, killed):
        _fill(broker, 16)
        broker.append(baseline(sequence=99))
        _fill(broker, 40, seed=3)
    _run(calm)
    worker, _, _ = _make(killed, FakeTransport(killed, poll_records=3), commit_interval_ms=0)
    worker.start()
    for _ in range(killed_after):
        worker.turn()
    _run(killed)
    assert sorted(set(_event_ids(killed.published))) == sorted(_event_ids(calm.published))
    assert len(_event_ids(calm.published)) == 28
    assert killed.committed[0].offset == calm.committed[0].offset
    assert sorted(set(_bar_sequences(killed))) == _bar_sequences(calm)


def test_repeats_after_a_kill_between_flush_and_commit_carry_the_same_ids_and_bytes() -> None:
    broker = FakeBroker()
    _fill(broker, 40)
    transport = FakeTransport(broker)
    worker, state, _ = _make(broker, transport)
    transport.fail_next_commits = 1
    worker.start()
    worker.turn()
    worker.commit()
    assert state.commit_failures_in_a_row == 1
    first = list(broker.published)
    assert first
    _run(broker)
    assert broker.published[len(first) :] == first


def test_restart_steps_from_the_baseline_with_its_output_muted() -> None:
    broker = FakeBroker()
    _fill(broker, 8)
    at = broker.append(baseline(sequence=99))
    _fill(broker, 8)
    _run(broker)
    assert json.loads(broker.committed[0].metadata)["baseline"] == at
    published = len(broker.published)
    worker, state, (engine,) = _started_with_engine(broker)
    assert state.tasks[0].next_offset == at
    while state.tasks[0].next_offset < broker.committed[0].offset:
        assert not state.tasks[0].ready
        worker.turn()
    assert engine.trades == 40
    assert state.tasks[0].ready
    assert len(broker.published) == published


def _started_with_engine(broker: FakeBroker) -> tuple[Worker, WorkerState, list[FakeEngine]]:
    worker, state, engines = _make(broker, FakeTransport(broker, poll_records=2))
    worker.start()
    return worker, state, engines


def test_a_frame_that_is_none_becomes_a_dead_letter_and_the_stream_goes_on() -> None:
    broker = FakeBroker()
    _fill(broker, 4)
    good = frame([1] * 5, sequence=50)
    broker.append(b"")
    broker.append(good[:-1])
    broker.append(good[:40] + b"\xff" + good[41:])
    broker.append(b"\x09" + good[1:])
    _fill(broker, 4)
    state = _run(broker)
    assert _dead_letters(broker) == [("length", 5), ("length", 6), ("crc", 7), ("version", 8)]
    assert state.counters.dead_letters == {"length": 2, "crc": 1, "version": 1}
    assert len(_event_ids(broker.published)) == 4


def test_ticks_the_engine_refuses_become_dead_letters() -> None:
    broker = FakeBroker()
    broker.append(frame([5, BAD_PRICE, 7], sequence=0))
    state = _run(broker)
    assert _dead_letters(broker) == [("price", 0)]
    assert state.counters.dead_letters["price"] == 1
    assert state.counters.partitions[0].ticks == 3


def test_a_poison_record_leaves_no_trace_in_the_state() -> None:
    """The step raises after it has changed the state: going on with that engine would be wrong."""
    clean, poisoned = FakeBroker(), FakeBroker()
    for broker in (clean, poisoned):
        _fill(broker, 8)
        if broker is poisoned:
            broker.append(frame([1, 2, POISON_PRICE, 3], sequence=70))
        _fill(broker, 8, seed=3)
    _run(clean)
    state = _run(poisoned)
    assert _event_ids(poisoned.published) == _event_ids(clean.published)
    assert _dead_letters(poisoned) == [("step_raised", 10)]
    assert state.counters.partitions[0].poisoned == 1
    assert _bar_sequences(poisoned) == _bar_sequences(clean)


def test_a_restart_remembers_poison_and_does_not_report_it_again() -> None:
    broker = FakeBroker()
    _fill(broker, 8)
    broker.append(frame([POISON_PRICE], sequence=70))
    _run(broker)
    assert json.loads(broker.committed[0].metadata)["poison"] == [10]
    _fill(broker, 8, seed=3)
    state = _run(broker)
    assert _dead_letters(broker) == [("step_raised", 10)]
    assert state.counters.partitions[0].poisoned == 0
    assert len(_event_ids(broker.published)) == 8


def test_poison_that_found_no_room_in_the_metadata_is_found_again_in_silence() -> None:
    broker = FakeBroker()
    _fill(broker, 8)
    broker.append(frame([POISON_PRICE], sequence=70))
    _run(broker)
    broker.committed[0] = Committed(
        broker.committed[0].offset, Position(baseline=0, bars_sequence=2).encode()
    )
    _fill(broker, 8, seed=3)
    state = _run(broker)
    assert _dead_letters(broker) == [("step_raised", 10)]
    assert state.counters.partitions[0].poisoned == 1
    assert len(set(_event_ids(broker.published))) == len(_event_ids(broker.published)) == 8


def test_bad_records_in_a_row_are_counted_over_the_rebuilds_between_them() -> None:
    broker = FakeBroker()
    _fill(broker, 4)
    for number in range(3):
        broker.append(frame([POISON_PRICE], sequence=70 + number))
    worker, state, _ = _make(broker)
    worker.start()
    while state.tasks[0].lag_records or state.tasks[0].next_offset < 8:
        worker.turn()
    assert state.tasks[0].failures_in_a_row == 3
    broker.append(frame([5], sequence=90))
    worker.turn()
    assert state.tasks[0].failures_in_a_row == 0


def test_a_failed_send_keeps_the_outbox_and_offset_and_all_of_it_is_sent_again() -> None:
    broker = FakeBroker()
    _fill(broker, 8)
    transport = FakeTransport(broker)
    transport.fail_next_sends = 1
    worker, state, _ = _make(broker, transport)
    worker.start()
    worker.turn()
    waiting = state.tasks[0].outbox.records
    assert waiting == 6
    assert not worker.commit()
    assert state.tasks[0].outbox.records == waiting
    assert broker.committed == {}
    assert worker.commit()
    assert (state.tasks[0].outbox.records, state.tasks[0].outbox.bytes) == (0, 0)
    assert state.counters.commits == {"failed": 1, "committed": 1}
    assert len(set(_event_ids(broker.published))) == 4


def test_an_outbox_that_is_full_stops_the_stepping_and_loses_nothing() -> None:
    broker = FakeBroker()
    _fill(broker, 8)
    transport = FakeTransport(broker, poll_records=1)
    transport.fail_next_commits = 10**9
    worker, state, _ = _make(broker, transport, outbox_max_bytes=1)
    worker.start()
    for _ in range(30):
        worker.turn()
    stopped_at = state.tasks[0].next_offset
    assert stopped_at < 10
    assert state.commit_failures_in_a_row > 0
    transport.fail_next_commits = 0
    while state.tasks[0].lag_records:
        worker.turn()
    worker.commit()
    assert len(set(_event_ids(broker.published))) == 4


def test_a_broker_that_fails_for_a_while_is_waited_for() -> None:
    broker = FakeBroker()
    _fill(broker, 8)
    transport = FakeTransport(broker)
    transport.fail_next_polls = 3
    worker, _, _ = _make(broker, transport)
    worker.run(IDLE)
    assert len(_event_ids(broker.published)) == 4


def test_what_cannot_be_published_at_the_end_is_a_named_error_and_stays_uncommitted() -> None:
    broker = FakeBroker()
    _fill(broker, 8)
    transport = FakeTransport(broker)
    transport.fail_next_commits = 10**9
    worker, _, _ = _make(broker, transport, shutdown_timeout_ms=5)
    with pytest.raises(TransportError, match="6 records unpublished") as raised:
        worker.run(IDLE)
    assert raised.value.operator_action is not None
    assert broker.committed == {}
    assert transport.closed


def test_partitions_do_not_mix() -> None:
    broker = FakeBroker(partitions=4)
    for partition in range(4):
        _fill(broker, 8 + 4 * partition, partition=partition)
    _run(broker)
    ids = _event_ids(broker.published)
    assert len(ids) == len(set(ids)) == 4 + 6 + 8 + 10
    assert {partition: position.offset for partition, position in broker.committed.items()} == {
        0: 10,
        1: 15,
        2: 20,
        3: 25,
    }


def test_only_assigned_partitions_are_read() -> None:
    broker = FakeBroker(partitions=4)
    for partition in range(4):
        _fill(broker, 8, partition=partition)
    _run(broker, assigned=(1, 3))
    assert set(broker.committed) == {1, 3}


@pytest.mark.parametrize(("partitions", "assigned"), [(3, None), (4, (4,)), (4, ())])
def test_a_wrong_number_of_partitions_is_refused(partitions: int, assigned: tuple[int, ...] | None) -> None:
    broker = FakeBroker(partitions=4)
    worker = Worker(
        FakeTransport(broker),
        lambda partition, _: FakeEngine(partition),
        kafka=KafkaSettings(partitions=partitions),
        settings=_settings(assigned=assigned),
        state=WorkerState(),
    )
    with pytest.raises(ConfigurationError, match="partitions"):
        worker.run(IDLE)


def test_a_lost_baseline_stops_the_start() -> None:
    broker = FakeBroker()
    _fill(broker, 8)
    _run(broker)
    broker.begin = 3
    with pytest.raises(SnapshotError, match="the log starts at 3"):
        _run(broker)


def test_ends_when_every_clock_has_reached_the_event_time() -> None:
    broker = FakeBroker(partitions=2)
    for partition in range(2):
        _fill(broker, 40, partition=partition)
    worker, _, engines = _make(broker, FakeTransport(broker, poll_records=1))
    worker.run(Until(event_time_ns=12))
    assert all(12 <= engine.clock_ns < 40 for engine in engines)
    assert all(position.offset < 50 for position in broker.committed.values())


def test_stop_finishes_publishes_and_closes() -> None:
    class StoppingTransport(FakeTransport):
        def poll(self, timeout_ms: int) -> dict[int, list[Record]]:
            worker.stop()
            return super().poll(timeout_ms)

    broker = FakeBroker()
    _fill(broker, 8)
    transport = StoppingTransport(broker, poll_records=5)
    worker, state, _ = _make(broker, transport)
    worker.run()
    assert transport.closed
    assert state.tasks == {}
    assert broker.committed[0].offset == 5
    assert len(_event_ids(broker.published)) == 2


def test_control_records_are_passed_and_do_not_hold_up_readiness() -> None:
    """A transactional producer's markers take offsets that no poll returns."""
    broker = FakeBroker()
    _fill(broker, 4)
    broker.append(None)
    broker.append(None)
    worker, state, _ = _make(broker)
    worker.start()
    worker.turn()
    worker.turn()
    assert state.tasks[0].next_offset == 7
    assert state.tasks[0].ready
    worker.commit()
    assert broker.committed[0].offset == 7


def test_caught_up_output_does_not_wait_for_the_commit_interval() -> None:
    broker = FakeBroker()
    worker, _, _ = _make(broker, commit_interval_ms=60_000, eager_commit_interval_ms=0)
    worker.start()
    worker.turn()
    broker.append(frame([7] * 10, sequence=0))
    worker.turn()
    worker.turn()
    assert len(_event_ids(broker.published)) == 1
