"""Opens partitions on a separate thread: restores their engine and seeks."""

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
from consumers.worker.publications import ValuesTopic
from consumers.worker.state import WorkerState
from core.kafka.records import Committed
from core.model.settings import KafkaSettings, WorkerSettings

MakeEngine = Callable[[int, int], Engine]
"""(partition, partitions) → a fresh engine."""
POLL_MS: Final = 20
"""Poll timeout while a partition is being opened."""


class _Asked(NamedTuple):
    opening: Future[Opened[Engine]]
    end_offset: int


class Opener:
    """Reads snapshots and restores engines on its own thread, one partition at a time.

    Args:
        transport: Returns log offsets and committed offsets; used on the loop only.
        make_engine: Creates a fresh engine.
        kafka: Number of partitions.
        settings: Action without a baseline, and snapshot interval.
        state: Holds the counters of tasks.
        store: Snapshot store; None if disabled. Used on the thread only.
        monotonic_ns: Monotonic clock, ns.
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
        """Open a partition, as far as possible now.

        Args:
            partition: Partition number.
            timeout_ms: Timeout of requests, which block the loop; None to wait until it is open.

        Returns:
            Its task, after seeking; None while it is being restored.

        Raises:
            SnapshotError: Its state cannot be restored.
            TransportError: The broker does not answer; the next attempt asks again.
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
            values_topic=ValuesTopic.of(self._kafka),
            counters=self._state.counters,
            dead_letter_max_bytes=self._settings.dead_letter_max_bytes,
        )
        self._transport.seek(partition, task.next_offset)
        return task

    def is_restoring(self, partition: int) -> bool:
        """Whether a partition's requests are answered and its restore is in progress."""
        return partition in self._asked

    def restore(self, task: PartitionTask, timeout_ms: int) -> bool:
        """Replace the failed engine of a task; see `open`.

        Sends requests to the broker, so it is called outside the gate, which it only holds to replace the
        engine.

        Returns:
            Whether the engine was replaced; previously fetched records must then be discarded.
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
        """Cancel opening partitions that are no longer ours."""
        for partition in partitions:
            asked = self._asked.pop(partition, None)
            if asked is not None:
                asked.opening.cancel()

    def close(self) -> None:
        """Stop the threads; a restore in progress ends when its snapshot log is closed."""
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
