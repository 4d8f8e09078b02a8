"""A worker whose broker is away when it starts."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from consumers.metrics.health import Health
from core.model.errors import ConfigurationError, TransportError
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import IDLE, event_ids, fill, make_worker, worker_settings

DEADLINE_S = 20.0
BY_HAND = {"delivery": "exactly_once", "membership": "manual"}


def test_a_worker_waits_for_a_broker_that_is_away_at_its_start() -> None:
    broker = FakeBroker()
    fill(broker, 8)
    transport = FakeTransport(broker)
    transport.fail_next_connects = 3
    worker, state, _ = make_worker(broker, transport)
    health = Health(state, worker_settings())

    class Stopping(threading.Thread):
        def run(self) -> None:
            while not broker.committed:
                threading.Event().wait(0.01)
            worker.stop()

    assert health.why_not_ready() == ["no broker has answered yet"]
    stopping = Stopping()
    stopping.start()
    worker.run()
    stopping.join()
    assert transport.fail_next_connects == 0
    assert len(event_ids(broker.published)) == 4


def test_a_stop_takes_effect_while_a_worker_waits_for_its_first_broker() -> None:
    transport = FakeTransport(FakeBroker())
    transport.away = True
    worker, _, _ = make_worker(transport.broker, transport)
    threading.Timer(0.2, worker.stop).start()
    worker.run()
    assert transport.closed


def test_a_worker_with_an_end_condition_does_not_wait_for_a_broker() -> None:
    transport = FakeTransport(FakeBroker())
    transport.away = True
    worker, _, _ = make_worker(transport.broker, transport)
    with pytest.raises(TransportError, match="no broker"):
        worker.run(IDLE)


def test_invalid_settings_end_a_worker_that_would_wait() -> None:
    broker = FakeBroker(partitions=1)
    worker, _, _ = make_worker(broker)
    broker.partitions = 2
    with pytest.raises(ConfigurationError, match="has 2 partitions"):
        worker.run()


def test_a_start_with_manual_assignment_sends_one_failed_request_and_leaves_the_rest_to_the_loop() -> None:
    """Regression: ten seconds for each partition, in which no stop was heard and no turn was made."""
    broker = FakeBroker(partitions=8)
    transport = FakeTransport(broker)
    transport.raising = {"committed"}
    how: dict[str, Any] = {**BY_HAND}
    worker, state, _ = make_worker(broker, transport, **how)
    worker.start()
    assert len(transport.questions_ms) == 1
    assert state.opening == tuple(range(8))
    transport.raising = set()
    deadline = time.monotonic() + DEADLINE_S
    while len(state.tasks) < 8:
        assert time.monotonic() < deadline
        worker.turn()
    assert None not in transport.questions_ms[1:]
