"""The worker's loop: poll, step, publish, commit."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

import structlog

from consumers.snapshots.store import SnapshotStore
from consumers.transport.seam import Transport
from consumers.worker.assignment import Assignment
from consumers.worker.broker_watch import BrokerWatch
from consumers.worker.committer import make_committer
from consumers.worker.duty import done
from consumers.worker.ending import Ending
from consumers.worker.ends import Ends
from consumers.worker.first_connection import FirstConnection
from consumers.worker.intake import Intake
from consumers.worker.mender import Mender
from consumers.worker.opener import MakeEngine, Opener
from consumers.worker.publications import output_topics
from consumers.worker.renewal import Renewal
from consumers.worker.silence import SilenceWatch
from consumers.worker.state import Until, WorkerState
from consumers.worker.trouble_log import TroubleLog
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError, TransportError
from core.model.settings import KafkaSettings, WorkerSettings
from core.runtime.closing import close_quietly

_NS_PER_MS: Final = 1_000_000
_NS_PER_SECOND: Final = 1_000_000_000
_GROUP_PATIENCE_MS: Final = 5_000
"""How long a stop waits for a rebalance to end, so that it can commit. A join takes under a second once
every member has asked for it."""
_NAP_S: Final = 0.05
"""How long a wait may go on after a signal."""


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
        self._kafka = kafka
        self._trouble = trouble = TroubleLog(monotonic_ns)
        self._committer = make_committer(
            transport, state.counters, settings, trouble=trouble, monotonic_ns=monotonic_ns
        )
        self._opener = Opener(
            transport,
            make_engine,
            kafka=kafka,
            settings=settings,
            state=state,
            store=store,
            monotonic_ns=monotonic_ns,
        )
        files = SecurityFiles(kafka.security, monotonic_ns=monotonic_ns)
        self._assignment = Assignment(
            transport,
            self._opener,
            kafka=kafka,
            settings=settings,
            files=files,
            state=state,
            trouble=trouble,
            monotonic_ns=monotonic_ns,
        )
        self._renewal = Renewal(
            files,
            commit=self.commit,
            rejoin=self._assignment.rejoin_with_replaced_files,
            renewed=self._begin_with_new_clients,
            trouble=trouble,
            monotonic_ns=monotonic_ns,
        )
        self._silence = SilenceWatch(transport, settings, state, trouble=trouble, monotonic_ns=monotonic_ns)
        self._broker = BrokerWatch(
            transport, kafka=kafka, settings=settings, state=state, trouble=trouble, monotonic_ns=monotonic_ns
        )
        self._intake = Intake(
            transport,
            self._assignment,
            self._silence,
            settings=settings,
            state=state,
            trouble=trouble,
            drop=self._forget,
            monotonic_ns=monotonic_ns,
        )
        self._mender = Mender(self._opener, state, trouble, monotonic_ns=monotonic_ns)
        self._ends = Ends(transport, state, monotonic_ns=monotonic_ns)
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
            TransportError: What is left at the end could not be published in time: the next start
                publishes it. With `until`, also: no broker answers at start. Without, it is waited for.
        """
        try:
            self._begin(wait=until is None)
            ending = until and Ending(
                until, self._transport, self._assignment, self._state, monotonic_ns=self._monotonic_ns
            )
            while not (self._stopping or (ending and ending.reached)):
                self.turn()
                if ending:
                    done(partial(ending.look, busy=bool(self._intake.backlog)), self._trouble)
            self._finish()
        finally:
            with self._state.gate.stepping():
                self._state.tasks.clear()
            close_quietly(self._opener.close, "the opener of partitions")
            close_quietly(self._transport.close, "the Kafka client")

    def start(self) -> None:
        """Join the group, or bring what was assigned by hand to its place."""
        self._state.last_turn_ns = self._monotonic_ns()
        self._transport.connect(self._kafka.bootstrap_timeout_ms)
        self._broker.look()
        self._assignment.start()
        self._transport.sends_to(output_topics(self._kafka))
        if self._settings.delivery == "exactly_once":
            self._end_earlier_transactions()

    def _begin(self, *, wait: bool) -> None:
        """Start; a worker that is to run for ever may come before its broker, and waits for it."""
        wait_for_broker = FirstConnection(
            self._transport, self._kafka, self._settings, self._trouble, monotonic_ns=self._monotonic_ns
        )
        while not self._stopping:
            self._state.last_turn_ns = self._monotonic_ns()
            try:
                if wait:
                    wait_for_broker.attempt()
                self.start()
            except TransportError as error:
                if not (wait and error.retriable):
                    raise
                wait_for_broker.failed(error)
                self._pause(wait_for_broker.wait_ms())
            else:
                wait_for_broker.succeeded()
                return

    def _end_earlier_transactions(self) -> None:
        """End what an earlier run under this name has left open, before readers wait for it."""
        try:
            self._transport.rebuild_producer(self._settings.transaction_deadline_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            # A young cluster still makes its transaction log: the first commit tries again.
            self._trouble.failed("no transactions yet", error=error.message)

    def turn(self) -> None:
        """One round: poll, step a slice, bring a partition nearer to its place, commit when due.

        Each duty stands for itself: where one fails, the others still have their turn, and the failed
        one has its next in the next round.
        """
        self._state.last_turn_ns = self._monotonic_ns()
        duties = (
            self._intake.relieve,
            self._fetch,
            self._step_slice,
            self._tend_engines,
            self._assignment.open_next,
            self._assignment.rejoin_if_stuck,
            self._look_for_broker,
            self._look_for_silence,
            self._ends.ask_next,
            self._commit_when_due,
            self._renewal.look,
        )
        if not all([self._done(duty) for duty in duties]):
            self._pause(self._settings.backoff_initial_ms)

    def _done(self, duty: Callable[[], object]) -> bool:
        """Do it; a refusal counts as no answer where certificates or secrets were replaced meanwhile."""
        try:
            return done(duty, self._trouble)
        except AccessRefusedError as error:
            if not self._renewal.bears(error):
                raise
            return False

    def _begin_with_new_clients(self) -> None:
        """Send with new clients; what was fetched by hand is fetched again."""
        self._transport.discard_sends()
        if self._settings.membership == "manual":
            self._intake.begin_anew()

    def _pause(self, wait_ms: float) -> None:
        """Wait, and no longer than until it is told to stop."""
        deadline_ns = time.monotonic_ns() + int(wait_ms * _NS_PER_MS)
        while not self._stopping and (left_ns := deadline_ns - time.monotonic_ns()) > 0:
            time.sleep(min(left_ns / _NS_PER_SECOND, _NAP_S))

    def _fetch(self) -> None:
        self._intake.fetch(self._commit_wait_ms())

    def _forget(self, dropped: set[int]) -> None:
        if dropped:
            self._intake.forget(dropped)
            self._committer.forget(dropped)
            self._silence.forget(dropped)

    def _step_slice(self) -> None:
        """Step until the slice is over, the backlog is empty, or a scrape waits."""
        gate, backlog, tasks = self._state.gate, self._intake.backlog, self._state.tasks
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
        for task in self._state.tasks.values():
            if not task.needs_engine and not self._intake.full:
                if task.engine.definitions_wait:
                    task.adopt_definitions(self._state.gate)
                task.checkpoint()
        if mended := self._mender.mend():
            self._intake.mended(mended)

    def _look_for_silence(self) -> None:
        # While no broker answers, every partition is silent.
        if not self._state.broker_away and self._silence.look(busy=bool(self._intake.backlog)):
            self._assignment.rejoin_for_silence()

    def _look_for_broker(self) -> None:
        """Note whether a broker answers, and what follows when one does again, or only others do."""
        if self._broker.look():
            self._assignment.broker_is_back()
            self._silence.heard(self._state.tasks)
            self._ends.forget()
            # One that has waited through an outage may need seconds until it tries again.
            self._transport.discard_sends()
        # With a new client in a group the next poll tells that everything is lost.
        if (
            self._broker.own_client_is_deaf
            and self._assignment.rejoin_for_answers()
            and self._settings.membership == "manual"
        ):
            self._intake.begin_anew()

    def _commit_when_due(self) -> None:
        if self._commit_wait_ms() == 0:
            self.commit()

    def _commit_wait_ms(self) -> int | None:
        """Time until the next commit is due; None while there is nothing to publish or commit."""
        tasks = self._state.tasks.values()
        # While no broker answers, a try would only hold up the loop until its deadline.
        if self._state.broker_away or self._committer.blocked or not any(task.outbox.dirty for task in tasks):
            return None
        settings = self._settings
        # Behind, a commit costs throughput; caught up, waiting only makes events late. In a steady
        # stream there is always a record on its way, so what one poll may bring counts as caught up.
        caught_up = sum(task.lag_records for task in tasks) <= settings.poll_max_records
        says_something = any(task.outbox.records for task in tasks)
        eager = caught_up and says_something
        interval_ms = settings.eager_commit_interval_ms if eager else settings.commit_interval_ms
        if self._intake.full:
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

    def _finish(self) -> None:
        """Publish and commit what the last slice produced; records not yet stepped stay in the log.

        A group in a rebalance allows no commit. Whoever gets the partitions next produces the same
        output from the committed offsets, so a stop does not wait long for that.
        """
        started_ns = self._monotonic_ns()
        while not self.commit():
            waited_ms = (self._monotonic_ns() - started_ns) // _NS_PER_MS
            waiting = sum(task.outbox.records for task in self._state.tasks.values())
            patience_ms = min(_GROUP_PATIENCE_MS, self._settings.shutdown_timeout_ms)
            if self._leaves_output_to_the_group() and waited_ms >= patience_ms:
                self._log.warning(
                    "stopped during a rebalance: the next owner of the partitions produces what is left",
                    records=waiting,
                )
                break
            if waited_ms >= self._settings.shutdown_timeout_ms:
                raise TransportError(
                    f"stopped with {waiting} records unpublished and their offsets uncommitted",
                    operator_action="nothing is lost: start the worker again once the broker answers",
                )
            time.sleep(self._settings.backoff_initial_ms / 1000)
            self._state.last_turn_ns = self._monotonic_ns()
            self._poll_for_the_group()
        self._log.info("worker stopped", partitions=len(self._state.tasks))

    def _leaves_output_to_the_group(self) -> bool:
        """Whether a commit is impossible for the group's state alone, with brokers that answer."""
        by_group = self._settings.membership != "manual"
        return by_group and self._committer.blocked and not self._state.broker_away

    def _poll_for_the_group(self) -> None:
        """Learn what the group has done; what the poll brings stays in the log for the next start."""
        done(lambda: self._transport.poll(0), self._trouble)
        self._forget(self._assignment.follow())
