"""The workers: real processes, one a slot, each of which can be held at a point of its turn."""

from __future__ import annotations

import itertools
import json
import re
import signal
import time
import urllib.error
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.chaos.cluster import BROKERS, Cluster
from tests.chaos.control import Control, Point
from tests.chaos.market_day import PARTITIONS, VALUE_SHARDS, write_definitions
from tests.chaos.proxy import Lines, Proxies
from tests.chaos.warm import WarmProcess
from tests.support.worker_process import WorkerProcess

READY_DEADLINE_S = 90.0
SNAPSHOT_INTERVAL_MS = 3_000
"""So that every worker that goes leaves some behind, whole or begun."""
BROKER_SILENCE_MS = 3_000
"""So that the shortest outage shows in /readyz."""
_OWNED = re.compile(r'^rotascope_partition_ready\{partition="(\d+)"\} 1', re.MULTILINE)


@dataclass(frozen=True)
class Manner:
    """How the workers of a round share the partitions.

    Args:
        in_group: The group assigns; otherwise each worker has half of them by hand.
        exactly_once: With transactions.
        client: The library behind the seam.
    """

    in_group: bool = True
    exactly_once: bool = True
    client: str = "kafka-python"


class ChaosWorker(WorkerProcess):
    """One worker process.

    Args:
        slot: Which of the fleet it is.
        control: Where it can be held.
        arguments: Of the command `consume`.
        program: Of the launcher.
        environment: Settings.
        lines: Its way to the brokers.
        for_one_fault: Its settings are those of one fault, and no other is to find it.
    """

    def __init__(
        self,
        slot: int,
        control: Control,
        *arguments: str,
        program: Sequence[str],
        environment: Mapping[str, str],
        lines: Lines,
        for_one_fault: bool,
    ) -> None:
        super().__init__(*arguments, program=program, environment=environment)
        self.slot = slot
        self.lines = lines
        self.for_one_fault = for_one_fault
        self.control = control
        self.frozen = False

    def _start(self) -> WarmProcess:
        return WarmProcess([*self._program, *self._command], self._environment)

    def freeze(self) -> None:
        """Stop it where it stands; its connections stay open."""
        self.frozen = True
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self.frozen = False
        self.process.send_signal(signal.SIGCONT)

    def keep_log(self) -> None:
        """Write what it said beside its points."""
        lines = [json.dumps(line) for line in self._log]
        self.control.directory.joinpath("log").write_text("\n".join([*lines, self.errors]))

    @property
    def lives(self) -> bool:
        """Whether its process runs."""
        return self.process.poll() is None

    def ready_partitions(self) -> set[int]:
        """The partitions it has, all of them caught up; asks the worker itself."""
        if not self.lives or self.frozen:
            return set()
        with suppress(AssertionError, urllib.error.URLError, OSError):
            return {int(number) for number in _OWNED.findall(self.get("/metrics")[1])}
        return set()


class Owner(NamedTuple):
    """A worker, and what it had when it was looked at: a moment later it may be in a rebalance.

    Args:
        worker: It.
        partitions: All of its own, at least one.
    """

    worker: ChaosWorker
    partitions: set[int]


class Fleet:
    """Workers of one group.

    Args:
        cluster: What they read and write.
        directory: For definitions and points.
        manner: How they share the partitions.
        group_id: Of the round.
        mutations: Rules taken out of every worker.
    """

    def __init__(
        self,
        cluster: Cluster,
        directory: Path,
        manner: Manner,
        *,
        group_id: str,
        mutations: Sequence[str] = (),
    ) -> None:
        self.workers: dict[int, ChaosWorker] = {}
        self.group_id = group_id
        self.manner = manner
        self.universe, self.catalogue = write_definitions(directory)
        self._cluster = cluster
        self._directory = directory
        self._mutations = mutations
        self._numbers = itertools.count()
        self._proxies = Proxies()
        self._proxies.__enter__()
        self.gone: list[ChaosWorker] = []
        """Every process that ever ended, for what it said."""

    def start(
        self,
        slot: int,
        *,
        settings: Mapping[str, str] | None = None,
        for_one_fault: bool = False,
        held_at: Sequence[Point] = (),
    ) -> ChaosWorker:
        """Start the worker of a slot.

        Args:
            slot: 0, 1, …; it names the worker's transactions.
            settings: Further environment.
            for_one_fault: `restore` puts a worker with the usual settings in its place.
            held_at: Points at which to stop it at the first pass.
        """
        if (before := self.workers.pop(slot, None)) is not None:
            assert not before.lives, f"slot {slot} is taken"
            self.gone.append(before)
        directory = self._directory / f"worker-{next(self._numbers)}"
        directory.mkdir()
        control = Control(directory)
        for point in held_at:
            control.ask(point)
        kafka = self._cluster.kafka
        lines = self._proxies.lines_to([kafka.port(broker) for broker in BROKERS])
        program = ["--control", str(directory)]
        for detour in lines.detours:
            program += ["--detour", detour]
        for name in self._mutations:
            program += ["--mutation", name]
        worker = ChaosWorker(
            slot,
            control,
            *self._arguments(slot),
            program=[*program, "--"],
            environment=self._environment(slot) | dict(settings or {}),
            lines=lines,
            for_one_fault=for_one_fault,
        )
        worker.__enter__()
        self.workers[slot] = worker
        return worker

    def refuse(self) -> None:
        """Close every worker's way to the brokers, as the ports of brokers that are gone are closed."""
        self._proxies.refuse()

    def accept(self) -> None:
        """Open them again."""
        self._proxies.accept()

    def kill(self, slot: int) -> None:
        """End a worker as a crash would."""
        self.workers[slot].kill()

    def leave(self, slot: int) -> None:
        """Let a worker end in good order, and take it off the fleet."""
        worker = self.workers.pop(slot)
        self.gone.append(worker)
        code = worker.terminate()
        assert code == 0, f"worker {slot} ended with {code}: {worker.errors}"

    def release(self) -> None:
        """Let every worker go on, wherever a fault that went wrong has left it."""
        for worker in self.workers.values():
            if worker.frozen:
                worker.thaw()
            for point in Point:
                worker.control.let_go(point)

    def restore(self, size: int) -> None:
        """Bring the fleet back to slots 0 … size − 1, all alive, none with the settings of one fault."""
        for slot, worker in sorted(self.workers.items()):
            if slot >= size or (worker.lives and worker.for_one_fault):
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
            time.sleep(0.2)

    def wait_until_all_work(self, size: int, deadline_s: float = READY_DEADLINE_S) -> dict[int, set[int]]:
        """Wait until every worker has some partition, and every partition is somebody's.

        Returns:
            As `owned`.
        """
        self.wait_until_ready(deadline_s)
        deadline = time.monotonic() + deadline_s
        while sum(map(bool, (owned := self.owned()).values())) < size:
            assert time.monotonic() < deadline, f"not all of {size} workers have a partition: {owned}"
            time.sleep(0.2)
        return owned

    def owned(self) -> dict[int, set[int]]:
        """Slot → the partitions that it has and that are caught up."""
        return {slot: worker.ready_partitions() for slot, worker in self.workers.items()}

    def owner_of(self, partition: int) -> Owner:
        """The worker that has a partition, and all it has, of one look; waits until one does."""
        deadline = time.monotonic() + READY_DEADLINE_S
        while True:
            for slot, own in self.owned().items():
                if partition in own:
                    return Owner(self.workers[slot], own)
            assert time.monotonic() < deadline, f"partition {partition} is nobody's"
            time.sleep(0.2)

    def told(self) -> str:
        """What each worker says of itself, for whoever looks for the cause of a failure."""
        said = []
        for slot, worker in sorted(self.workers.items()):
            if not worker.lives or worker.frozen:
                continue
            with suppress(AssertionError, urllib.error.URLError, OSError):
                said.append(f"worker {slot}: {', '.join(worker.get('/readyz')[1].splitlines())}")
        return "; ".join(said) or "no worker answers"

    def close(self) -> None:
        """End every process, whatever state it is in."""
        for worker in [*self.workers.values(), *self.gone]:
            worker.__exit__()
            worker.keep_log()
        self._proxies.__exit__()

    def slot_name(self, slot: int) -> str:
        """What a worker's transactional id ends in."""
        return f"{self.group_id}-{slot}"

    def _arguments(self, slot: int) -> list[str]:
        arguments = [
            *("--bootstrap-servers", self._cluster.bootstrap_servers, "--partitions", str(PARTITIONS)),
            *("--group-id", self.group_id),
            *("--universe", str(self.universe), "--catalogue", str(self.catalogue)),
        ]
        if not self.manner.in_group:
            for partition in range(slot, PARTITIONS, 2):
                arguments += ["--assign", str(partition)]
        return arguments

    def _environment(self, slot: int) -> dict[str, str]:
        return {
            "ROTASCOPE_LOG__FORMAT": "json",
            "ROTASCOPE_KAFKA__CLIENT": self.manner.client,
            "ROTASCOPE_KAFKA__VALUE_SHARDS": str(VALUE_SHARDS),
            "ROTASCOPE_WORKER__PUBLISH_VALUES": "true",
            "ROTASCOPE_WORKER__SNAPSHOT_INTERVAL_MS": str(SNAPSHOT_INTERVAL_MS),
            "ROTASCOPE_WORKER__BROKER_SILENCE_MS": str(BROKER_SILENCE_MS),
            "ROTASCOPE_WORKER__SLOT": self.slot_name(slot),
            "ROTASCOPE_WORKER__MEMBERSHIP": "dynamic" if self.manner.in_group else "manual",
            "ROTASCOPE_WORKER__DELIVERY": "exactly_once" if self.manner.exactly_once else "at_least_once",
        }
