"""Fetched records that are not processed yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

import structlog

from consumers.transport.seam import Transport
from consumers.worker.assignment import Assignment
from consumers.worker.duty import done
from consumers.worker.opener import POLL_MS
from consumers.worker.partition import PartitionTask
from consumers.worker.silence import SilenceWatch
from consumers.worker.state import WorkerState
from consumers.worker.trouble_log import TroubleLog
from core.kafka.records import Record
from core.model.errors import UnreadableError
from core.model.settings import WorkerSettings

_NS_PER_SECOND: Final = 1_000_000_000


class Intake:
    """Polls, buffers records until they are processed, and rejects records that would leave a gap.

    Args:
        transport: The transport to poll.
        assignment: Handles the group's rebalances.
        silence: Notified of partitions with records.
        settings: Time and size limits.
        state: Tasks and counters.
        trouble: Where failures are reported.
        drop: Called with partitions that are no longer ours.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        transport: Transport,
        assignment: Assignment,
        silence: SilenceWatch,
        *,
        settings: WorkerSettings,
        state: WorkerState,
        trouble: TroubleLog,
        drop: Callable[[set[int]], None],
        monotonic_ns: Callable[[], int],
    ) -> None:
        self.backlog: deque[Record] = deque()
        self.full = False
        """Whether fetching is paused because the outboxes are full."""
        self._transport = transport
        self._assignment = assignment
        self._silence = silence
        self._settings = settings
        self._state = state
        self._trouble = trouble
        self._drop = drop
        self._monotonic_ns = monotonic_ns
        self._unplaced: set[int] = set()
        self._last_poll_ns: int | None = None
        self._log = structlog.get_logger("rotascope.worker")

    def relieve(self) -> None:
        """Pause fetching while the outboxes are full, and resume where processing stopped.

        Polls continue meanwhile: a member that does not poll is removed from its group.
        """
        tasks = self._state.tasks
        full = sum(task.outbox.bytes for task in tasks.values()) > self._settings.outbox_max_bytes
        if full != self.full:
            self.full = full
            self.begin_anew()
        self._unplaced &= tasks.keys()
        for partition in sorted(self._unplaced):
            done(partial(self._place, tasks[partition]), self._trouble)

    def begin_anew(self) -> None:
        """Discard fetched records, and accept none until they have been fetched again."""
        self.backlog.clear()
        self._unplaced = set(self._state.tasks)

    def recovered(self, partitions: Collection[int]) -> None:
        """Discard fetched records of recovered partitions, which have been sought since."""
        self._unplaced.difference_update(partitions)
        self.forget(partitions)

    def forget(self, partitions: Collection[int]) -> None:
        """Discard fetched records of some partitions."""
        if partitions:
            self.backlog = deque(each for each in self.backlog if each.partition not in partitions)

    def fetch(self, wait_ms: int | None) -> None:
        """Fetch if nothing is left to process, otherwise only poll for group changes.

        A poll between any two slices keeps a slow worker in its group, and lets rebalances complete.

        Args:
            wait_ms: Time until a commit is due, which limits the poll; None for none.

        Raises:
            TransportError: Raised by the client, after group changes have been handled.
        """
        now_ns = self._monotonic_ns()
        if self._last_poll_ns is not None:
            self._state.counters.poll_gap.observe((now_ns - self._last_poll_ns) / _NS_PER_SECOND)
        # The poll is also short while a partition is waiting.
        timeout_ms = POLL_MS if self._assignment.opening else self._settings.poll_timeout_ms
        busy = bool(self.backlog)
        batches: dict[int, list[Record]] = {}
        try:
            batches = self._transport.poll(
                0 if busy else timeout_ms if wait_ms is None else min(timeout_ms, wait_ms),
                max_records=1 if busy else None,
            )
        except UnreadableError as error:
            self._unreadable(error)
            raise
        finally:
            self._last_poll_ns = self._monotonic_ns()
            self._drop(self._assignment.follow())
        tasks = self._state.tasks
        # A paused client may still return buffered records; after discarded ones they would leave a gap.
        taken = {} if self.full else {p: batches.get(p, []) for p in tasks if p not in self._unplaced}
        for records in taken.values():
            self.backlog.extend(records)
        waits = self.full or self._state.joined is False
        self._silence.received(tasks if waits else {record.partition for record in self.backlog})
        for partition, task in tasks.items():
            # Last, so that no returned record is lost if anything here fails.
            done(partial(self._note, task, taken.get(partition), busy), self._trouble)

    def _unreadable(self, error: UnreadableError) -> None:
        """Count a batch that cannot be unpacked; the client fetches it again, possibly forever."""
        task = self._state.tasks.get(error.partition)
        if task is None:
            return
        task.unreadable_in_a_row += 1
        self._silence.received([error.partition])  # Another client would get the same bytes.
        if task.unreadable_in_a_row == self._settings.failures_in_a_row_max:
            self._log.error(
                "a batch of the log cannot be unpacked",
                partition=error.partition,
                next_offset=task.next_offset,
                error=error.message,
                operator_action=error.operator_action,
            )

    def _place(self, task: PartitionTask) -> None:
        if self.full:
            self._transport.hold(task.partition)
        elif not task.needs_engine:  # otherwise it is sought when it has one
            self._transport.seek(task.partition, task.next_offset)
        self._unplaced.discard(task.partition)

    def _note(self, task: PartitionTask, records: list[Record] | None, busy: bool) -> None:
        """Record the end of the log, and skip offsets without records.

        Args:
            task: Task of the partition.
            records: Fetched records; None if none may be accepted.
            busy: Records are waiting to be processed, and nothing was fetched.
        """
        task.fetched(records or [], self._transport.end_seen(task.partition))
        if records == [] and not busy and task.lag_records:
            task.skip_to(self._transport.position(task.partition))
