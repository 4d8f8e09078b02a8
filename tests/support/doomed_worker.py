"""A worker that kills itself in the middle of a transaction: `python -m tests.support.doomed_worker`.

Arguments: bootstrap servers, group id, where to die, in which transaction.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from kafka import KafkaProducer

from consumers.transport.kafka_python import KafkaPythonTransport
from consumers.transport.kafka_python_transactions import KafkaPythonTransactions
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.model.settings import KafkaSettings, WorkerSettings
from tests.support.fake_engine import FakeEngine
from tests.support.kafka_broker import TEST_PARTITIONS

WHERE = ("before_offsets", "before_commit", "after_commit")
SLOT = "doomed"


def worker_settings(group_id: str, **changes: object) -> WorkerSettings:
    """A fleet that notices soon; the broker allows no shorter session."""
    quick = {"session_timeout_ms": 6_000, "poll_max_records": 5, "slot": SLOT}
    return WorkerSettings.model_validate({"group_id": group_id} | quick | changes)


def doomed(producer: Any, where: str, number: int) -> Any:
    """Let a producer end this process in its `number`-th transaction."""
    offsets, commit = producer.send_offsets_to_transaction, producer.commit_transaction
    count = iter(range(1, sys.maxsize))
    now = 0

    def die(at: str) -> None:
        if at == where and now == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def send_offsets(*arguments: Any) -> Any:
        nonlocal now
        now = next(count)
        die("before_offsets")
        return offsets(*arguments)

    def commit_transaction() -> None:
        die("before_commit")
        commit()
        die("after_commit")

    producer.send_offsets_to_transaction = send_offsets
    producer.commit_transaction = commit_transaction
    return producer


def main(servers: str, group_id: str, where: str, number: str) -> None:
    """Run until it dies."""
    kafka = KafkaSettings(bootstrap_servers=servers, partitions=TEST_PARTITIONS)
    settings = worker_settings(group_id)

    class Transactions(KafkaPythonTransactions):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            def make(**configuration: Any) -> Any:
                return doomed(KafkaProducer(**configuration), where, int(number))

            super().__init__(*arguments, **(named | {"make_producer": make}))

    import consumers.transport.kafka_python as seam  # the one place that makes it

    seam.KafkaPythonTransactions = Transactions  # type: ignore[attr-defined]
    transport = KafkaPythonTransport(kafka, settings)
    Worker(
        transport, lambda p, _: FakeEngine(p, every=1), kafka=kafka, settings=settings, state=WorkerState()
    ).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
