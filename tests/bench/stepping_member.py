"""A worker that notes when it steps: `python -m tests.bench.stepping_member BOOTSTRAP_SERVERS N GROUP`.

The real loop, client and transactions, with an engine that does next to nothing. Prints a line when
it first steps a partition after another has, and at its end the instants of all steps as JSON.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import defaultdict

from consumers.transport.registry import make_transport
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.engine.step_output import StepOutput
from core.model.settings import KafkaSettings, WorkerSettings
from tests.support.fake_engine import FakeEngine


class TimedEngine(FakeEngine):
    """Notes the wall time of each step."""

    def __init__(self, partition: int, stepped_ns: list[int]) -> None:
        super().__init__(partition)
        self._stepped_ns = stepped_ns
        print(f"opened {partition}", flush=True)

    def step(self, payload: bytes, offset: int) -> StepOutput:
        self._stepped_ns.append(time.time_ns())
        return super().step(payload, offset)


def main(servers: str, partitions: int, group_id: str) -> None:
    """Run until SIGTERM."""
    kafka = KafkaSettings(bootstrap_servers=servers, partitions=partitions)
    settings = WorkerSettings(group_id=group_id, membership="dynamic")
    stepped: defaultdict[int, list[int]] = defaultdict(list)
    worker = Worker(
        make_transport(kafka, settings),
        lambda partition, _: TimedEngine(partition, stepped[partition]),
        kafka=kafka,
        settings=settings,
        state=WorkerState(),
    )
    signal.signal(signal.SIGTERM, lambda number, frame: worker.stop())
    worker.run()
    print(json.dumps(stepped))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
