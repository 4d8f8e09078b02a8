"""Publishes the outboxes together with the corresponding offsets."""

from __future__ import annotations

import time
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
"""Large transactions get extra time, at 4 MB/s."""

Batches = Mapping[PartitionTask, OutgoingBatch]


class Committer(ABC):
    """Commits with retries; the subclasses implement the delivery guarantees.

    Output stays in an outbox until its offset is known to be committed, and the engine's state never
    goes back. After a failure everything is resent, because resending only a part would change the
    order in which a reader sees a pair's events.

    Args:
        transport: Sends records and commits.
        counters: Counters of the worker.
        settings: Timeouts and waits.
        trouble: Where failures are reported.
        monotonic_ns: Monotonic clock, ns.
    """

    error_label = "failed"
    """Outcome label of an attempt that failed."""

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

    def begin(self) -> None:  # noqa: B027  # nothing to prepare without transactions
        """Prepare for the first commit."""

    def commit(self, tasks: Iterable[PartitionTask]) -> bool:
        """Publish and commit new output.

        Returns:
            Whether everything present at the call is published and committed.

        Raises:
            TransportError: Not retriable.
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
            # Read only now, because an unknown outcome may just have been resolved.
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
            self._counters.last_commit_s = time.time()
            seconds = (self._monotonic_ns() - started_ns) / _NS_PER_SECOND
            self._counters.commit_duration.observe(seconds)
        return True

    @property
    def blocked(self) -> bool:
        """Whether nothing may be committed before another poll; not a failure."""
        return False

    def forget(self, partitions: Collection[int]) -> None:  # noqa: B027  # most need not remember
        """Forget partitions that are no longer ours."""

    def overtaken(self) -> set[int]:
        """Return partitions for which another member has committed since; each is returned once."""
        return set()

    def _settle_doubts(self) -> None:  # noqa: B027  # not needed if everything is resent
        """Resolve unknown outcomes of earlier attempts."""

    @abstractmethod
    def _attempt(self, batches: Batches) -> Outcome:
        """Make one attempt."""

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
    """Commits offsets after their output, so a crash in between repeats output.

    Events have deterministic ids and bars deterministic sequences, so readers can drop the repeats.
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
            # Records in flight would arrive after the resent ones.
            self._transport.discard_sends()
            raise


class ExactlyOnceCommitter(Committer):
    """Commits output and offsets in one transaction, which is open only during the commit.

    1. A transaction with an unknown outcome is resolved first: recreating the producer makes the outcome
       final, and the committed offset shows which it was.
    2. The transaction uses the group membership as of the last poll.
    3. Committed: remove the batches. Aborted: retry after a wait. Fenced: retry once a poll has
       returned a new membership; partitions revoked by then are dropped.
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
    def begin(self) -> None:
        """End an earlier run's open transaction of the same name, because it blocks readers."""
        try:
            self._transport.rebuild_producer(self._settings.transaction_deadline_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            # A new cluster may still be creating its transaction log; the first commit retries.
            self._trouble.failed("transactions not available yet", error=error.message)

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
        """See `Committer`: true while the membership is unknown, or was fenced."""
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
        """Look up how the transaction ended, and handle it accordingly."""
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
    """Create the configured committer. Takes the arguments of `Committer`."""
    kind = ExactlyOnceCommitter if settings.delivery == "exactly_once" else AtLeastOnceCommitter
    return kind(transport, counters, settings, trouble=trouble, monotonic_ns=monotonic_ns)
