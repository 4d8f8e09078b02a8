"""Brings partitions to their place in the log, beside the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from consumers.snapshots.checkpoint import Checkpointer
from consumers.snapshots.restore import Opened, open_partition
from consumers.snapshots.store import SnapshotStore
from consumers.transport.seam import Transport
from consumers.worker.engine import Engine
from consumers.worker.partition import PartitionTask
from consumers.worker.state import WorkerState
from core.kafka.records import Committed
from core.model.settings import KafkaSettings, WorkerSettings

MakeEngine = Callable[[int, int], Engine]
"""(partition, partitions) → a fresh engine."""
POLL_MS: Final = 20
"""How long a loop that waits for a partition should wait for records."""


class _Asked(NamedTuple):
    opening: Future[Opened[Engine]]
    end_offset: int


class Opener:
    """Reads snapshots and restores engines on a thread of its own; one partition after another.

    Args:
        transport: Asked where the log begins and ends, and what is committed; from the loop only.
        make_engine: Makes a fresh engine.
        kafka: Number of partitions.
        settings: What to do without a baseline, and how often to write snapshots.
        state: Where tasks count.
        store: Where snapshots stand; None for none. Used on the thread only.
        monotonic_ns: A clock that never steps back.
    """

    def __init__(
        self,
        transport: Transport,
        make_engine: MakeEngine,
        *,
        kafka: KafkaSettings,
        settings: WorkerSettings,
        state: WorkerState,
        store: SnapshotStore | None,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._transport = transport
        self._make_engine = make_engine
        self._kafka = kafka
        self._settings = settings
        self._state = state
        self._store = store
        self._monotonic_ns = monotonic_ns
        self._asked: dict[int, _Asked] = {}
        self._restorer = ThreadPoolExecutor(1, "rotascope-restore")
        self._packer = ThreadPoolExecutor(1, "rotascope-snapshot")

    def open(self, partition: int, timeout_ms: int | None) -> PartitionTask | None:
        """Bring a partition to its place, as far as that goes now.

        Args:
            partition: Which.
            timeout_ms: How long a question may hold up the loop; None waits for the end.

        Returns:
            Its task, sought to its place; None while it is being restored.

        Raises:
            SnapshotError: It cannot be brought back to where it was.
            TransportError: The broker does not answer; the next try asks anew.
        """
        asked = self._asked.get(partition)
        if asked is None:
            end = self._transport.end_offset(partition, timeout_ms=timeout_ms)
            committed = self._transport.committed(partition, timeout_ms=timeout_ms)
            begin = self._transport.begin_offset(partition, timeout_ms=timeout_ms)
            asked = self._asked[partition] = self._ask(partition, committed, begin, end)
        if timeout_ms is not None and not asked.opening.done():
            return None
        opened = self._answer(partition, asked)
        task = PartitionTask(
            partition,
            opened,
            checkpointer=self._checkpointer(partition, opened),
            end_at_start=asked.end_offset,
            counters=self._state.counters,
            dead_letter_max_bytes=self._settings.dead_letter_max_bytes,
        )
        self._transport.seek(partition, task.next_offset)
        return task

    def is_restoring(self, partition: int) -> bool:
        """Whether a partition's questions are answered and its restore is under way."""
        return partition in self._asked

    def restore(self, task: PartitionTask, timeout_ms: int) -> bool:
        """Give a task another engine in place of one that a step has spoilt; as `open`.

        Asks the broker, so it is called outside the gate, and holds it only to exchange the engine.

        Returns:
            Whether it has it; what was fetched for the partition before is then worth nothing.
        """
        partition = task.partition
        asked = self._asked.get(partition)
        if asked is None:
            self._transport.hold(partition)
            begin = self._transport.begin_offset(partition, timeout_ms=timeout_ms)
            end = max(task.end_offset, task.next_offset)
            asked = self._asked[partition] = self._ask(partition, task.restart_position(), begin, end)
        if not asked.opening.done():
            return False
        opened = self._answer(partition, asked)
        self._transport.seek(partition, opened.plan.seek_to)
        with self._state.gate.stepping():
            task.restored(opened)
        return True

    def forget(self, partitions: Iterable[int]) -> None:
        """Give up what was begun for partitions that have gone."""
        for partition in partitions:
            asked = self._asked.pop(partition, None)
            if asked is not None:
                asked.opening.cancel()

    def close(self) -> None:
        """End the threads; a restore that is under way ends when its snapshots are closed."""
        self._restorer.shutdown(wait=False, cancel_futures=True)
        self._packer.shutdown(cancel_futures=True)

    def _ask(self, partition: int, committed: Committed | None, begin: int, end: int) -> _Asked:
        opening = self._restorer.submit(
            open_partition,
            lambda: self._make_engine(partition, self._kafka.partitions),
            committed,
            self._store,
            partition=partition,
            begin_offset=begin,
            end_offset=end,
            missing_baseline=self._settings.missing_baseline,
        )
        return _Asked(opening, end)

    def _answer(self, partition: int, asked: _Asked) -> Opened[Engine]:
        try:
            return asked.opening.result()
        finally:
            del self._asked[partition]

    def _checkpointer(self, partition: int, opened: Opened[Engine]) -> Checkpointer:
        interval_ms = self._settings.snapshot_interval_ms
        return Checkpointer(
            partition,
            named=opened.plan.position.snapshot,
            interval_ms=interval_ms if self._store is not None and interval_ms else None,
            helper=self._packer,
            topic=self._kafka.snapshots_topic,
            monotonic_ns=self._monotonic_ns,
        )
