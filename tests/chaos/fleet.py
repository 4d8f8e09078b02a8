"""The workers: real processes, one a slot, each of which can be held at a point of its turn."""

from __future__ import annotations

import itertools
import re
import time
import urllib.error
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.chaos.cluster import Cluster
from tests.chaos.control import Control
from tests.chaos.market_day import PARTITIONS, write_definitions
from tests.support.worker_process import WorkerProcess

FLEET_SIZE = 2
READY_DEADLINE_S = 90.0
_OWNED = re.compile(r'^rotascope_partition_ready\{partition="(\d+)"\} 1', re.MULTILINE)


class ChaosWorker(WorkerProcess):
    """One worker process.

    Args:
        slot: Which of the fleet it is.
        control: Where it can be held.
        arguments: Of the command `consume`.
        program: What Python runs.
        environment: Settings.
    """

    def __init__(
        self,
        slot: int,
        control: Control,
        *arguments: str,
        program: Sequence[str],
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(*arguments, program=program, environment=environment)
        self.slot = slot
        self.control = control

    @property
    def lives(self) -> bool:
        """Whether its process runs."""
        return self.process.poll() is None

    def ready_partitions(self) -> set[int]:
        """The partitions it has, all of them caught up; asks the worker itself."""
        if not self.lives:
            return set()
        with suppress(AssertionError, urllib.error.URLError, OSError):
            return {int(number) for number in _OWNED.findall(self.get("/metrics")[1])}
        return set()


class Fleet:
    """Workers of one group.

    Args:
        cluster: What they read and write.
        directory: For definitions and points.
        group_id: Of the round.
    """

    def __init__(
        self,
        cluster: Cluster,
        directory: Path,
        *,
        group_id: str,
    ) -> None:
        self.workers: dict[int, ChaosWorker] = {}
        self.group_id = group_id
        self.universe, self.catalogue = write_definitions(directory)
        self._cluster = cluster
        self._directory = directory
        self._numbers = itertools.count()
        self.gone: list[ChaosWorker] = []
        """Every process that ever ended, for what it said."""

    def start(self, slot: int) -> ChaosWorker:
        """Start the worker of a slot, which decides its partitions."""
        if (before := self.workers.pop(slot, None)) is not None:
            assert not before.lives, f"slot {slot} is taken"
            self.gone.append(before)
        directory = self._directory / f"worker-{next(self._numbers)}"
        directory.mkdir()
        control = Control(directory)
        program = ["-m", "tests.chaos.launch", "--control", str(directory)]
        worker = ChaosWorker(
            slot,
            control,
            *self._arguments(slot),
            program=[*program, "--"],
            environment={"ROTASCOPE_LOG__FORMAT": "json"},
        )
        worker.__enter__()
        self.workers[slot] = worker
        return worker

    def kill(self, slot: int) -> None:
        """End a worker as a crash would."""
        self.workers[slot].kill()

    def leave(self, slot: int) -> None:
        """Let a worker end in good order, and take it off the fleet."""
        worker = self.workers.pop(slot)
        self.gone.append(worker)
        code = worker.terminate()
        assert code == 0, f"worker {slot} ended with {code}: {worker.errors}"

    def restore(self, size: int) -> None:
        """Bring the fleet back to slots 0 … size − 1, all alive."""
        for slot in sorted(self.workers):
            if slot >= size:
                self.leave(slot)
        for slot in range(size):
            if slot not in self.workers or not self.workers[slot].lives:
                self.start(slot)

    def wait_until_ready(self, deadline_s: float = READY_DEADLINE_S) -> None:
        """Wait until every partition is somebody's, and caught up."""
        deadline = time.monotonic() + deadline_s
        while missing := set(range(PARTITIONS)) - {p for own in self.owned().values() for p in own}:
            assert time.monotonic() < deadline, f"partitions {missing} are nobody's after {deadline_s:g} s"
            for worker in self.workers.values():
                assert worker.lives, f"worker {worker.slot} ended by itself: {worker.errors[-2000:]}"
            time.sleep(0.1)

    def owned(self) -> dict[int, set[int]]:
        """Slot → the partitions that it has and that are caught up."""
        return {slot: worker.ready_partitions() for slot, worker in self.workers.items()}

    def owner_of(self, partition: int) -> ChaosWorker:
        """The worker that has a partition; waits until one does."""
        deadline = time.monotonic() + READY_DEADLINE_S
        while True:
            for slot, own in self.owned().items():
                if partition in own:
                    return self.workers[slot]
            assert time.monotonic() < deadline, f"partition {partition} is nobody's"
            time.sleep(0.05)

    def close(self) -> None:
        """End every process, whatever state it is in."""
        for worker in [*self.workers.values(), *self.gone]:
            worker.__exit__()

    def _arguments(self, slot: int) -> list[str]:
        arguments = [
            *("--bootstrap-servers", self._cluster.bootstrap_servers, "--partitions", str(PARTITIONS)),
            *("--group-id", self.group_id),
            *("--universe", str(self.universe), "--catalogue", str(self.catalogue)),
        ]
        for partition in range(slot, PARTITIONS, FLEET_SIZE):
            arguments += ["--assign", str(partition)]
        return arguments
