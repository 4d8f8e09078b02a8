"""Publish what the outboxes hold together with the offsets that stand for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

import structlog
from typing_extensions import override

from consumers.metrics.counters import WorkerCounters
from consumers.snapshots.position import same_place
from consumers.transport.seam import Membership, Outcome, OutcomeKind, Transport, first_failure, raise_refusal
from consumers.worker.partition import PartitionTask
from consumers.worker.retry_wait import retry_wait
from consumers.worker.trouble_log import TroubleLog
from core.kafka.records import OutgoingBatch, OutgoingRecord
from core.model.errors import TransportError
from core.model.settings import WorkerSettings

_NS_PER_MS: Final = 1_000_000
_NS_PER_SECOND: Final = 1_000_000_000
_SLOWEST_BYTES_PER_MS: Final = 4_000
"""A transaction may take longer when it is large: as long as 4 MB/s take."""

Batches = Mapping[PartitionTask, OutgoingBatch]


class Committer(ABC):
    """When to commit, and what follows from a failure; how is for the two kinds to say.

    Nothing is ever taken out of an outbox before it is known that its offset is committed, and
    the engine's state never goes back: what failed is sent again, all of it, since sending only a
    part would change the order in which a reader sees a pair's events.

    Args:
        transport: Where to send.
        counters: Where to count.
        settings: Time-outs and waits.
        trouble: Where failures are told.
        monotonic_ns: A clock that never steps back.
    """

    error_label = "failed"
    """Outcome of a try that ended with an error, as it is counted."""

    def __init__(
        self,
        transport: Transport,
        counters: WorkerCounters,
        settings: WorkerSettings,
        *,
        trouble: TroubleLog,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self.failures_in_a_row = 0
        self.last_attempt_ns = self.not_before_ns = monotonic_ns()
        self._transport = transport
        self._counters = counters
        self._settings = settings
        self._monotonic_ns = monotonic_ns
        self._wait = retry_wait(settings)
        self._trouble = trouble
        self._log = structlog.get_logger("rotascope.worker")

    def commit(self, tasks: Iterable[PartitionTask]) -> bool:
        """Publish and commit what is new.

        Returns:
            True when nothing is left to publish or to commit of what was there.

        Raises:
            TransportError: Not retriable: no other try can succeed.
        """
        waiting = [task for task in tasks if task.outbox.dirty]
        if not waiting:
            return True
        started_ns = self._monotonic_ns()
        self.last_attempt_ns = started_ns
        try:
            self._settle_doubts()
            if self.blocked:
                return False
            # Taken only now: what was in doubt may just have been settled.
            batches = {task: task.batch() for task in waiting if task.outbox.dirty}
            outcome = self._attempt(batches) if batches else Outcome(OutcomeKind.COMMITTED)
        except TransportError as error:
            if not error.retriable:
                raise
            self._failed(self.error_label, error.message)
            return False
        if outcome.kind is not OutcomeKind.COMMITTED:
            self._failed(outcome.kind, outcome.reason)
            return False
        self.failures_in_a_row = 0
        self._wait.reset()
        for task, batch in batches.items():
            task.settle(batch)
        if batches:
            self._counters.commits[outcome.kind] += 1
            seconds = (self._monotonic_ns() - started_ns) / _NS_PER_SECOND
            self._counters.commit_duration.observe(seconds)
        return True

    @property
    def blocked(self) -> bool:
        """Whether nothing may be committed before another poll: no failure, and not to be tried."""
        return False

    def forget(self, partitions: Collection[int]) -> None:  # noqa: B027  # most need not remember
        """These partitions are no longer ours."""

    def overtaken(self) -> set[int]:
        """Partitions that somebody else has committed for since; told once."""
        return set()

    def _settle_doubts(self) -> None:  # noqa: B027  # where all is sent again there are none
        """Find out how an earlier try ended, where that is not known."""

    @abstractmethod
    def _attempt(self, batches: Batches) -> Outcome:
        """Try once."""

    def _failed(self, label: str, reason: str) -> None:
        self._counters.commits[label] += 1
        self.failures_in_a_row += 1
        wait_ms = self._wait.next_ms()
        self.not_before_ns = self._monotonic_ns() + int(wait_ms * _NS_PER_MS)
        self._trouble.failed(
            "commit failed, outbox kept",
            outcome=str(label),
            reason=reason,
            failures_in_a_row=self.failures_in_a_row,
            retry_in_ms=round(wait_ms),
        )


class AtLeastOnceCommitter(Committer):
    """Offsets follow their output, so a crash in between repeats output.

    Events have deterministic ids and bars deterministic sequences: whoever reads them can drop
    the repeats.
    """

    def _attempt(self, batches: Batches) -> Outcome:
        """Send everything, flush, check the outcome of every single record, then commit."""
        self._publish(record for batch in batches.values() for record in batch.records)
        self._transport.commit({task.partition: batch.position for task, batch in batches.items()})
        return Outcome(OutcomeKind.COMMITTED)

    def _publish(self, records: Iterable[OutgoingRecord]) -> None:
        try:
            deliveries = [self._transport.send(*record) for record in records]
            if deliveries:
                self._transport.flush(self._settings.flush_timeout_ms)
            raise_refusal(deliveries)
            if (failure := first_failure(deliveries)) is not None:
                raise TransportError(failure)
        except TransportError:
            # What is on its way would arrive behind what is sent again.
            self._transport.discard_sends()
            raise


class ExactlyOnceCommitter(Committer):
    """Output and offsets in one transaction, opened only now and closed at once.

    1. A transaction whose outcome is unknown comes first: the producer is made anew, which makes
       the outcome final, and the committed offset says which it was.
    2. The transaction carries the membership that the last poll left behind.
    3. Committed: forget the batches. Aborted: the same again, after a wait. Fenced: the same
       again once a poll has brought another membership; what the group took away by then is gone.
    """

    error_label = OutcomeKind.UNKNOWN.value

    def __init__(
        self,
        transport: Transport,
        counters: WorkerCounters,
        settings: WorkerSettings,
        *,
        trouble: TroubleLog,
        monotonic_ns: Callable[[], int],
    ) -> None:
        super().__init__(transport, counters, settings, trouble=trouble, monotonic_ns=monotonic_ns)
        self._unresolved: dict[PartitionTask, OutgoingBatch] = {}
        self._overtaken: set[int] = set()
        self._refused: tuple[int, str] | None = None

    @override
    def forget(self, partitions: Collection[int]) -> None:
        for task in [task for task in self._unresolved if task.partition in partitions]:
            del self._unresolved[task]

    @override
    def overtaken(self) -> set[int]:
        overtaken, self._overtaken = self._overtaken, set()
        return overtaken

    @property
    @override
    def blocked(self) -> bool:
        """While the group has not said who we are, or has and was not believed."""
        if self._overtaken:
            return True
        if self._unresolved or self._settings.membership == "manual":
            return False
        membership = self._transport.membership()
        return membership is None or _name(membership) == self._refused

    def _settle_doubts(self) -> None:
        # 1
        if self._unresolved:
            self._resolve()

    def _attempt(self, batches: Batches) -> Outcome:
        # 2
        membership = self._transport.membership()
        waiting_bytes = sum(task.outbox.bytes for task in batches)
        outcome = self._transport.transact(
            [record for batch in batches.values() for record in batch.records],
            {task.partition: batch.position for task, batch in batches.items()},
            membership,
            self._deadline_ms(waiting_bytes),
        )
        # 3
        if outcome.kind is OutcomeKind.FENCED:
            self._refused = _name(membership)
        elif outcome.kind is OutcomeKind.UNKNOWN:
            self._unresolved = dict(batches)
        return outcome

    def _resolve(self) -> None:
        """Find out how the transaction ended, and act as if that had been known at once."""
        self._transport.rebuild_producer(self._settings.transaction_deadline_ms)
        for task, batch in list(self._unresolved.items()):
            found = self._transport.committed(
                task.partition, timeout_ms=self._settings.transaction_deadline_ms
            )
            if same_place(found, batch.position):
                how = "committed"
                task.settle(batch)
            elif same_place(found, task.committed):
                how = "aborted"
            else:
                how = "overtaken"
                self._overtaken.add(task.partition)
            del self._unresolved[task]
            self._counters.resolved[how] += 1
            self._log.info(
                "outcome looked up",
                partition=task.partition,
                outcome=how,
                committed=None if found is None else found.offset,
                sent=batch.position.offset,
            )

    def _deadline_ms(self, waiting_bytes: int) -> int:
        settings = self._settings
        longest_ms = settings.transaction_deadline_ms + waiting_bytes // _SLOWEST_BYTES_PER_MS
        return min(settings.transaction_timeout_ms, longest_ms)


def _name(membership: Membership | None) -> tuple[int, str] | None:
    return None if membership is None else (membership.generation, membership.member_id)


def make_committer(
    transport: Transport,
    counters: WorkerCounters,
    settings: WorkerSettings,
    *,
    trouble: TroubleLog,
    monotonic_ns: Callable[[], int],
) -> Committer:
    """The committer that the settings ask for. Arguments as of `Committer`."""
    kind = ExactlyOnceCommitter if settings.delivery == "exactly_once" else AtLeastOnceCommitter
    return kind(transport, counters, settings, trouble=trouble, monotonic_ns=monotonic_ns)
