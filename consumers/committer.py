"""Publish what the outboxes hold, then commit the offsets that stand for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from consumers.counters import WorkerCounters
from consumers.outbox import OutboxRecord
from consumers.partition import PartitionTask
from consumers.transport import Transport, first_failure
from core.errors import TransportError

_NS_PER_MS: Final = 1_000_000
_NS_PER_SECOND: Final = 1_000_000_000


class Committer:
    """At-least-once: offsets follow their output, so a crash in between repeats output.

    Events have deterministic ids and bars deterministic sequences: whoever reads them drops the
    repeats. Nothing is ever taken out of an outbox before its offset is committed.

    Args:
        transport: Where to send.
        counters: Where to count.
        flush_timeout_ms: After this a record without an answer counts as failed.
        backoff_ms: Wait after the first failure; doubled each time, jittered.
        max_backoff_ms: Longest wait.
        monotonic_ns: A clock that never steps back.
    """

    def __init__(
        self,
        transport: Transport,
        counters: WorkerCounters,
        *,
        flush_timeout_ms: int,
        backoff_ms: int,
        max_backoff_ms: int,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self.failures_in_a_row = 0
        self.last_attempt_ns = self.not_before_ns = monotonic_ns()
        self._transport = transport
        self._counters = counters
        self._flush_timeout_ms = flush_timeout_ms
        self._backoff_ms = backoff_ms
        self._max_backoff_ms = max_backoff_ms
        self._monotonic_ns = monotonic_ns
        # Jitter spreads the retries of many workers; it decides nothing that is published.
        self._random = random.Random()  # noqa: S311
        self._log = structlog.get_logger("rotascope.worker")

    def commit(self, tasks: Iterable[PartitionTask]) -> bool:
        """Publish and commit what is new.

        1. Take the batch of every outbox that has something new.
        2. Send all their records, in the order of each outbox.
        3. Flush.
        4. Check the outcome of every single record.
        5. Commit the offsets with their metadata.
        6. Only now forget the batches.

        A failure anywhere leaves every outbox whole; all of it is sent again, since resending
        only what failed would change the order in which a reader sees a pair's events.

        Returns:
            True when nothing is left to publish or to commit of what was there.
        """
        # 1
        batches = {task: task.batch() for task in tasks if task.outbox.dirty}
        if not batches:
            return True
        started_ns = self._monotonic_ns()
        self.last_attempt_ns = started_ns
        try:
            self._publish(record for batch in batches.values() for record in batch.records)
            # 5
            self._transport.commit({task.partition: batch.position for task, batch in batches.items()})
        except TransportError as error:
            self._failed(error)
            return False
        # 6
        for task, batch in batches.items():
            task.outbox.settle(batch)
        self.failures_in_a_row = 0
        self._counters.commits["committed"] += 1
        self._counters.commit_duration.observe((self._monotonic_ns() - started_ns) / _NS_PER_SECOND)
        return True

    def _publish(self, records: Iterable[OutboxRecord]) -> None:
        try:
            # 2
            deliveries = [self._transport.send(*record) for record in records]
            # 3
            if deliveries:
                self._transport.flush(self._flush_timeout_ms)
            # 4
            if (failure := first_failure(deliveries)) is not None:
                raise TransportError(failure)
        except TransportError:
            # What is on its way would arrive behind what is sent again.
            self._transport.discard_sends()
            raise

    def _failed(self, error: TransportError) -> None:
        self.failures_in_a_row += 1
        self._counters.commits["failed"] += 1
        wait_ms = min(self._max_backoff_ms, self._backoff_ms * 2 ** min(self.failures_in_a_row - 1, 20))
        wait_ms *= self._random.uniform(0.5, 1.0)
        self.not_before_ns = self._monotonic_ns() + int(wait_ms * _NS_PER_MS)
        self._log.warning(
            "commit failed, outbox kept",
            error=error.message,
            failures_in_a_row=self.failures_in_a_row,
            retry_in_ms=round(wait_ms),
        )
