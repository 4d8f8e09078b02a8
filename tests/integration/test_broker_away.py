"""Workers with both clients, before their broker is there, and while it is away for 35 s."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from consumers.transport.registry import TRANSPORTS
from deploy.kafka.broker import LocalKafka
from tests.support.demo_log import RECENT_HISTORY, demo_log
from tests.support.engine_events import engine_event_ids
from tests.support.kafka_broker import TEST_PARTITIONS, reset_topics
from tests.support.kafka_log import Log, committed_offsets, event_ids, publish
from tests.support.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

AWAY_S = 35.0
SILENCE_MS = 5_000
DEADLINE_S = 120.0
END_NS = 1_720_584_000_000_000_000
"""2024-07-10 04:00 UTC: the first two of the demo's eight days."""
FLUSH_RECORDS = 64
LAG = "rotascope_partition_lag_records{"
LINES_AT_MOST = 4
"""In an outage of less than a minute: a failure, that no broker answers, that partitions are lost; and one
that may come when it ends."""


@pytest.fixture(scope="module")
def log() -> Log:
    return demo_log(
        TEST_PARTITIONS, flush_records=FLUSH_RECORDS, before_ns=END_NS, history_from=RECENT_HISTORY
    )


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[LocalKafka]:
    """A broker that may be stopped: the session's serves other tests."""
    with LocalKafka(tmp_path / "kafka") as kafka:
        reset_topics(kafka)
        yield kafka


def _part(log: Log, first: float, last: float) -> Log:
    return {p: values[int(len(values) * first) : int(len(values) * last)] for p, values in log.items()}


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def _watch_outage(workers: dict[str, WorkerProcess]) -> None:
    """Alive all the time, and from some moment on not ready."""
    last: dict[str, tuple[int, str]] = {}
    ready_at_the_end = time.monotonic() + AWAY_S
    while time.monotonic() < ready_at_the_end:
        for client, worker in workers.items():
            assert worker.get("/livez")[0] == 200
            last[client] = worker.get("/readyz")
        time.sleep(1.0)
    for client, worker in workers.items():
        status, body = last[client]
        assert status == 503
        assert "no broker has answered for" in body
        metrics = worker.get("/metrics")[1]
        assert "rotascope_worker_ready 0.0" in metrics
        assert "rotascope_worker_joined 0.0" in metrics
        assert LAG not in metrics
        assert len(worker.lines_of("no broker answers")) == 1


def test_an_outage_ends_and_every_event_is_there_once(own_kafka: LocalKafka, log: Log) -> None:
    kafka = own_kafka
    expected = engine_event_ids(log, TEST_PARTITIONS)
    assert len(expected) == len(set(expected)) > 10
    kafka.stop()
    with ExitStack() as stack:
        workers = {
            client: stack.enter_context(
                WorkerProcess(
                    *("--bootstrap-servers", kafka.bootstrap_servers),
                    *("--partitions", str(TEST_PARTITIONS)),
                    *("--client", client, "--group-id", client, "--slot", client),
                    environment={"ROTASCOPE_WORKER__BROKER_SILENCE_MS": str(SILENCE_MS)},
                )
            )
            for client in TRANSPORTS
        }
        for worker in workers.values():
            worker.logged("waiting for a broker")
            assert worker.get("/livez")[0] == 200
            assert worker.get("/readyz") == (503, "no broker has answered yet\n")
        kafka.start()
        publish(kafka, _part(log, 0.0, 0.5))
        half = sum(len(values) for values in _part(log, 0.0, 0.5).values())
        for client, worker in workers.items():
            worker.wait_until_ready()
            _wait(lambda c=client: sum(committed_offsets(kafka, c).values()) == half, client)  # type: ignore[misc]
        said = {client: len(worker._log) for client, worker in workers.items()}
        kafka.stop()
        _watch_outage(workers)
        for client, worker in workers.items():
            lines = [line["event"] for line in list(worker._log)[said[client] :]]
            assert len(lines) <= LINES_AT_MOST, lines
        kafka.start()
        publish(kafka, _part(log, 0.5, 1.0))
        total = sum(len(values) for values in log.values())
        for client, worker in workers.items():
            _wait(lambda c=client: sum(committed_offsets(kafka, c).values()) == total, client)  # type: ignore[misc]
            worker.wait_until_ready()
            assert worker.lines_of("a broker answers again")
            _wait(lambda w=worker: LAG in w.get("/metrics")[1], client)  # type: ignore[misc]
        for worker in workers.values():
            assert worker.terminate() == 0, worker.errors
            assert worker.errors == "", "neither tracebacks nor lines of the client's own"
    assert Counter(event_ids(kafka)) == dict.fromkeys(expected, len(workers))
