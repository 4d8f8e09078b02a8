"""The worker's loop: poll, step, publish, commit."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from consumers.assignment import QUESTION_MS, Assignment
from consumers.committer import make_committer
from consumers.opener import POLL_MS, MakeEngine, Opener
from consumers.silence import SilenceWatch
from consumers.snapshot_store import SnapshotStore
from consumers.transport import Record, Transport
from consumers.worker_state import Until, WorkerState
from core.errors import TransportError
from core.settings import KafkaSettings, WorkerSettings
from deploy.edge.closing import close_quietly

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
        store: Where snapshots stand; None for none.
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
        store: SnapshotStore | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._state = state
        self._monotonic_ns = monotonic_ns
        self._stopping = False
        self._backlog: deque[Record] = deque()
        self._last_poll_ns: int | None = None
        self._idle_since_ns: int | None = None
        self._full = False
        self._committer = make_committer(transport, state.counters, settings, monotonic_ns=monotonic_ns)
        self._opener = Opener(
            transport,
            make_engine,
            kafka=kafka,
            settings=settings,
            state=state,
            store=store,
            monotonic_ns=monotonic_ns,
        )
        self._assignment = Assignment(
            transport, self._opener, kafka=kafka, settings=settings, state=state, monotonic_ns=monotonic_ns
        )
        self._silence = SilenceWatch(transport, settings, state, monotonic_ns=monotonic_ns)
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
            close_quietly(self._opener.close, "the opener of partitions")
            close_quietly(self._transport.close, "the Kafka client")

    def start(self) -> None:
        """Join the group, or bring what was assigned by hand to its place."""
        self._state.last_turn_ns = self._monotonic_ns()
        self._assignment.start()
        if self._settings.delivery == "exactly_once":
            self._end_earlier_transactions()

    def _end_earlier_transactions(self) -> None:
        """End what an earlier run under this name has left open, before readers wait for it."""
        try:
            self._transport.rebuild_producer(self._settings.transaction_deadline_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            # A young cluster still makes its transaction log: the first commit tries again.
            self._log.warning("no transactions yet", error=error.message)

    def turn(self) -> None:
        """One round: poll, step a slice, bring a partition nearer to its place, commit when due."""
        self._state.last_turn_ns = self._monotonic_ns()
        try:
            self._relieve()
            self._fetch()
            self._step_slice()
            self._tend_engines()
            self._assignment.open_next()
            self._assignment.rejoin_if_stuck()
            if self._silence.look(busy=bool(self._backlog)):
                self._assignment.rejoin_for_silence()
        except TransportError as error:
            if not error.retriable:
                raise
            self._log.warning("broker failed, trying again", error=error.message)
            time.sleep(self._settings.backoff_initial_ms / 1000)
        if self._commit_wait_ms() == 0:
            self.commit()

    def _relieve(self) -> None:
        """Fetch nothing while the outboxes are full, and go on where stepping stopped.

        Polls go on meanwhile: a loop that does not poll is thrown out of its group.
        """
        full = self._outbox_bytes() > self._settings.outbox_max_bytes
        if full == self._full:
            return
        self._full = full
        self._backlog.clear()
        for partition, task in self._state.tasks.items():
            if full:
                self._transport.hold(partition)
            else:
                self._transport.seek(partition, task.next_offset)

    def _fetch(self) -> None:
        """Fetch when there is nothing left to step, else only ask what the group wants.

        A poll between any two slices is what keeps a slow worker in its group, and the others from
        waiting for it.
        """
        now_ns = self._monotonic_ns()
        if self._last_poll_ns is not None:
            self._state.counters.poll_gap.observe((now_ns - self._last_poll_ns) / _NS_PER_SECOND)
        # Never sleep past the moment at which a commit is due, or while a partition waits.
        wait_ms = self._commit_wait_ms()
        timeout_ms = POLL_MS if self._assignment.opening else self._settings.poll_timeout_ms
        busy = bool(self._backlog)
        batches = self._transport.poll(
            0 if busy else timeout_ms if wait_ms is None else min(timeout_ms, wait_ms),
            max_records=1 if busy else None,
        )
        self._last_poll_ns = self._monotonic_ns()
        self._forget(self._assignment.follow())
        for partition, task in self._state.tasks.items():
            # Held, a client may still give what it had; behind what was put back, it would be a hole.
            records = [] if self._full else batches.get(partition, [])
            task.fetched(records, self._transport.end_seen(partition))
            self._backlog.extend(records)
            if not records and not busy and not self._full and task.lag_records:
                task.skip_to(self._transport.position(partition))
        waits = self._full or self._state.joined is False
        self._silence.heard(self._state.tasks if waits else {record.partition for record in self._backlog})

    def _forget(self, dropped: set[int]) -> None:
        if dropped:
            self._backlog = deque(record for record in self._backlog if record.partition not in dropped)
            self._committer.forget(dropped)
            self._silence.forget(dropped)

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

    def _tend_engines(self) -> None:
        """Replace engines that a step has spoilt, change definitions, begin and hand out snapshots."""
        for partition, task in self._state.tasks.items():
            if task.needs_engine:
                with self._state.gate.stepping():
                    restored = self._opener.restore(task, QUESTION_MS)
                if restored:
                    self._backlog = deque(each for each in self._backlog if each.partition != partition)
            elif not self._full:
                if task.engine.definitions_wait:
                    with self._state.gate.stepping():
                        task.adopt_definitions()
                task.checkpoint()

    def _commit_wait_ms(self) -> int | None:
        """Time until the next commit is due; None while there is nothing to publish or commit."""
        tasks = self._state.tasks.values()
        if self._committer.blocked or not any(task.outbox.dirty for task in tasks):
            return None
        settings = self._settings
        # Behind, a commit costs throughput; caught up, waiting only makes events late. In a steady
        # stream there is always a record on its way, so what one poll may bring counts as caught up.
        caught_up = sum(task.lag_records for task in tasks) <= settings.poll_max_records
        says_something = any(task.outbox.records for task in tasks)
        eager = caught_up and says_something
        interval_ms = settings.eager_commit_interval_ms if eager else settings.commit_interval_ms
        if self._full:
            interval_ms = 0
        due_ns = max(
            self._committer.last_attempt_ns + interval_ms * _NS_PER_MS, self._committer.not_before_ns
        )
        return max(0, -(-(due_ns - self._monotonic_ns()) // _NS_PER_MS))

    def commit(self) -> bool:
        """Publish and commit now; True when nothing of what was there is left."""
        done = self._committer.commit(self._state.tasks.values())
        if overtaken := self._committer.overtaken():
            self._forget(self._assignment.reopen(overtaken))
        self._state.commit_failures_in_a_row = self._committer.failures_in_a_row
        return done

    def _reached(self, until: Until) -> bool:
        tasks = self._state.tasks.values()
        awaited = self._assignment.opening or any(task.needs_engine for task in tasks)
        if self._state.joined is False or awaited:
            self._idle_since_ns = None
            return False
        if (
            tasks
            and until.event_time_ns is not None
            and all(task.engine.clock_ns >= until.event_time_ns for task in tasks)
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
            self._poll_for_the_group()
        self._log.info("worker stopped", partitions=len(self._state.tasks))

    def _poll_for_the_group(self) -> None:
        """Learn what the group has done; what the poll brings stays in the log for the next start."""
        try:
            self._transport.poll(0)
        except TransportError as error:
            self._log.warning("broker failed, trying again", error=error.message)
        self._forget(self._assignment.follow())

    def _outbox_bytes(self) -> int:
        return sum(task.outbox.bytes for task in self._state.tasks.values())
