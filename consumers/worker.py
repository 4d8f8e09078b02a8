"""The worker's loop: poll, step, publish, commit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from consumers.committer import Committer
from consumers.partition import Engine, PartitionTask
from consumers.position import plan_start
from consumers.transport import Record, Transport
from consumers.worker_state import Until, WorkerState
from core.errors import ConfigurationError, TransportError
from core.settings import KafkaSettings, WorkerSettings

_NS_PER_MS: Final = 1_000_000
_NS_PER_SECOND: Final = 1_000_000_000


class Worker:
    """Owns some partitions of the ticks and turns them into events and bars.

    Args:
        transport: The Kafka client; the worker closes it.
        make_engine: (partition, partitions) → a fresh engine. Called again after poison.
        kafka: Topic generation and number of partitions.
        settings: Pace and bounds.
        state: Where it is seen from outside.
        monotonic_ns: A clock that never steps back.
    """

    def __init__(
        self,
        transport: Transport,
        make_engine: Callable[[int, int], Engine],
        *,
        kafka: KafkaSettings,
        settings: WorkerSettings,
        state: WorkerState,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._transport = transport
        self._make_engine = make_engine
        self._kafka = kafka
        self._settings = settings
        self._state = state
        self._monotonic_ns = monotonic_ns
        self._stopping = False
        self._backlog: deque[Record] = deque()
        self._last_poll_ns: int | None = None
        self._idle_since_ns: int | None = None
        self._committer = Committer(
            transport,
            state.counters,
            flush_timeout_ms=settings.flush_timeout_ms,
            backoff_ms=settings.backoff_initial_ms,
            max_backoff_ms=settings.backoff_max_ms,
            monotonic_ns=monotonic_ns,
        )
        self._log = structlog.get_logger("rotascope.worker")

    def stop(self) -> None:
        """Ask the loop to finish its slice, publish, commit and return.

        A plain flag, so that a signal handler may call it: an event's lock could be held by the
        very thread that the signal interrupts.
        """
        self._stopping = True

    def run(self, until: Until | None = None) -> None:
        """Start, turn until told to end, publish what is left, close.

        Args:
            until: When to end; None runs until `stop`.

        Raises:
            ConfigurationError: The topic has another number of partitions.
            SnapshotError: A partition cannot be brought back to where it was.
            TransportError: The broker is not there at start, or what is left at the end could
                not be published in time; the next start publishes it.
        """
        try:
            self.start()
            while not self._stopping:
                self.turn()
                if until is not None and self._reached(until):
                    break
            self._finish()
        finally:
            with self._state.gate.stepping():
                self._state.tasks.clear()
            self._transport.close()

    def start(self) -> None:
        """Bring every assigned partition to the offset from which its output is news."""
        kafka, settings, transport = self._kafka, self._settings, self._transport
        found = transport.partitions(kafka.ticks_topic)
        if found != kafka.partitions:
            raise ConfigurationError(
                f"topic {kafka.ticks_topic} has {found} partitions, the settings say {kafka.partitions}",
                operator_action="the number is fixed for a topic's generation: correct --partitions, or "
                "make a new generation of the topic",
            )
        assigned = settings.assigned if settings.assigned is not None else tuple(range(found))
        if not assigned or not set(assigned) <= set(range(found)):
            raise ConfigurationError(
                f"partitions {assigned} are not a selection of 0 to {found - 1}",
                operator_action="correct --assign",
            )
        self._state.last_turn_ns = self._monotonic_ns()
        transport.assign(kafka.ticks_topic, assigned)
        for partition in assigned:
            task = self._open(partition)
            with self._state.gate.stepping():
                self._state.tasks[partition] = task

    def _open(self, partition: int) -> PartitionTask:
        end = self._transport.end_offset(partition)
        plan = plan_start(
            self._transport.committed(partition),
            partition=partition,
            begin_offset=self._transport.begin_offset(partition),
            end_offset=end,
            missing_baseline=self._settings.missing_baseline,
        )
        self._transport.seek(partition, plan.seek_to)
        self._log.info("partition opened", partition=partition, end_offset=end, **plan._asdict())
        return PartitionTask(
            partition,
            lambda: self._make_engine(partition, self._kafka.partitions),
            plan=plan,
            end_at_start=end,
            counters=self._state.counters,
            dead_letter_max_bytes=self._settings.dead_letter_max_bytes,
        )

    def turn(self) -> None:
        """One round: fetch when there is nothing left to step, step a slice, commit when due."""
        self._state.last_turn_ns = self._monotonic_ns()
        try:
            if self._outbox_bytes() > self._settings.outbox_max_bytes:
                time.sleep(self._settings.eager_commit_interval_ms / 1000)
            else:
                if not self._backlog:
                    self._fetch()
                self._step_slice()
                self._rebuild_poisoned()
        except TransportError as error:
            if not error.retriable:
                raise
            self._log.warning("broker failed, trying again", error=error.message)
            time.sleep(self._settings.backoff_initial_ms / 1000)
        if self._commit_wait_ms() == 0:
            self.commit()

    def _fetch(self) -> None:
        now_ns = self._monotonic_ns()
        if self._last_poll_ns is not None:
            self._state.counters.poll_gap.observe((now_ns - self._last_poll_ns) / _NS_PER_SECOND)
        # Never sleep past the moment at which a commit is due.
        wait_ms = self._commit_wait_ms()
        timeout_ms = self._settings.poll_timeout_ms
        batches = self._transport.poll(timeout_ms if wait_ms is None else min(timeout_ms, wait_ms))
        self._last_poll_ns = self._monotonic_ns()
        for partition, task in self._state.tasks.items():
            records = batches.get(partition, [])
            task.fetched(records, self._transport.end_seen(partition))
            self._backlog.extend(records)
            if not records and task.lag_records:
                task.skip_to(self._transport.position(partition))

    def _step_slice(self) -> None:
        """Step until the slice is over, the backlog is empty, or a scrape waits."""
        gate, backlog, tasks = self._state.gate, self._backlog, self._state.tasks
        clock = self._monotonic_ns
        deadline_ns = clock() + self._settings.step_slice_ms * _NS_PER_MS
        with gate.stepping():
            while backlog:
                record = backlog.popleft()
                tasks[record.partition].step(record)
                if gate.scrape_waits or clock() >= deadline_ns:
                    break

    def _rebuild_poisoned(self) -> None:
        for partition, task in self._state.tasks.items():
            if task.rebuild_from is None:
                continue
            self._transport.seek(partition, task.rebuild_from)
            self._backlog = deque(record for record in self._backlog if record.partition != partition)
            with self._state.gate.stepping():
                task.rebuilding()

    def _commit_wait_ms(self) -> int | None:
        """Time until the next commit is due; None while there is nothing to publish or commit."""
        tasks = self._state.tasks.values()
        if not any(task.outbox.dirty for task in tasks):
            return None
        settings = self._settings
        # Behind, a commit costs throughput; caught up, waiting only makes events late. In a steady
        # stream there is always a record on its way, so what one poll may bring counts as caught up.
        caught_up = sum(task.lag_records for task in tasks) <= settings.poll_max_records
        says_something = any(task.outbox.records for task in tasks)
        eager = caught_up and says_something
        interval_ms = settings.eager_commit_interval_ms if eager else settings.commit_interval_ms
        due_ns = max(
            self._committer.last_attempt_ns + interval_ms * _NS_PER_MS, self._committer.not_before_ns
        )
        return max(0, -(-(due_ns - self._monotonic_ns()) // _NS_PER_MS))

    def commit(self) -> bool:
        """Publish and commit now; True when nothing of what was there is left."""
        done = self._committer.commit(self._state.tasks.values())
        self._state.commit_failures_in_a_row = self._committer.failures_in_a_row
        return done

    def _reached(self, until: Until) -> bool:
        tasks = self._state.tasks.values()
        if until.event_time_ns is not None and all(
            task.engine.clock_ns >= until.event_time_ns for task in tasks
        ):
            return True
        if until.idle_ms is None or self._backlog or any(task.lag_records for task in tasks):
            self._idle_since_ns = None
            return False
        now_ns = self._monotonic_ns()
        if self._idle_since_ns is None:
            self._idle_since_ns = now_ns
        if now_ns - self._idle_since_ns < until.idle_ms * _NS_PER_MS:
            return False
        try:
            return all(task.next_offset >= self._transport.end_offset(task.partition) for task in tasks)
        except TransportError as error:
            self._log.warning("broker failed, trying again", error=error.message)
            return False

    def _finish(self) -> None:
        """Publish and commit what the last slice said; records not yet stepped stay in the log."""
        deadline_ns = self._monotonic_ns() + self._settings.shutdown_timeout_ms * _NS_PER_MS
        while not self.commit():
            if self._monotonic_ns() >= deadline_ns:
                waiting = sum(task.outbox.records for task in self._state.tasks.values())
                raise TransportError(
                    f"stopped with {waiting} records unpublished and their offsets uncommitted",
                    operator_action="nothing is lost: start the worker again once the broker answers",
                )
            time.sleep(self._settings.backoff_initial_ms / 1000)
        self._log.info("worker stopped", partitions=len(self._state.tasks))

    def _outbox_bytes(self) -> int:
        return sum(task.outbox.bytes for task in self._state.tasks.values())
