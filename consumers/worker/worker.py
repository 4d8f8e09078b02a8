"""The worker's loop: poll, process, publish, commit."""

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
from consumers.worker.commit_wait import CommitWait
from consumers.worker.committer import make_committer
from consumers.worker.duty import done
from consumers.worker.ending import Ending
from consumers.worker.ends import Ends
from consumers.worker.first_connection import FirstConnection
from consumers.worker.intake import Intake
from consumers.worker.last_commit import LastCommit
from consumers.worker.opener import MakeEngine, Opener
from consumers.worker.publications import output_topics
from consumers.worker.recovery import Recovery
from consumers.worker.renewal import Renewal
from consumers.worker.silence import SilenceWatch
from consumers.worker.state import Until, WorkerState
from consumers.worker.trouble_log import TroubleLog
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError
from core.model.settings import KafkaSettings, WorkerSettings
from core.runtime.closing import close_quietly

_NS_PER_MS: Final = 1_000_000
_NS_PER_SECOND: Final = 1_000_000_000
_NAP_S: Final = 0.05
"""Maximum delay of a wait after a signal."""


class Worker:
    """Processes some partitions of the ticks topic to events and bars.

    Args:
        transport: The Kafka client; the worker closes it.
        make_engine: (partition, partitions) → a fresh engine. Called again after a quarantined record.
        kafka: Topic generation and number of partitions.
        settings: Time and size limits.
        state: Externally visible state.
        store: Snapshot store; None if disabled.
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
        self._commit_wait = CommitWait(self._committer, settings, state, monotonic_ns=monotonic_ns)
        self._last_commit = LastCommit(self._committer, settings, state, monotonic_ns=monotonic_ns)
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
        self._recovery = Recovery(self._opener, state, trouble, monotonic_ns=monotonic_ns)
        self._ends = Ends(transport, state, monotonic_ns=monotonic_ns)
        self._log = structlog.get_logger("rotascope.worker")

    def stop(self) -> None:
        """Request that the loop finish its slice, publish, commit and return.

        A plain flag, so that a signal handler may call it: the lock of a `threading.Event` could be held by
        the interrupted thread.
        """
        self._stopping = True

    def run(self, until: Until | None = None) -> None:
        """Start, run the loop until stopped, publish the remaining output, close.

        Args:
            until: End condition; None to run until `stop`.

        Raises:
            ConfigurationError: The topic has a different number of partitions.
            SnapshotError: A partition's state cannot be restored.
            TransportError: The remaining output could not be published in time; the next start
                publishes it. With `until`, also if no broker answers at start; otherwise the worker
                waits for one.
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
        """Join the group, or open the manually assigned partitions."""
        self._state.last_turn_ns = self._monotonic_ns()
        self._transport.connect(self._kafka.bootstrap_timeout_ms)
        self._broker.look()
        self._assignment.start()
        self._transport.sends_to(output_topics(self._kafka, values=self._settings.publish_values))
        self._committer.begin()

    def _begin(self, *, wait: bool) -> None:
        """Start; a worker without an end condition waits for its broker."""
        first = FirstConnection(
            self._transport, self._kafka, self._settings, self._trouble, monotonic_ns=self._monotonic_ns
        )
        while not self._stopping:
            self._state.last_turn_ns = self._monotonic_ns()
            if first.made(self.start, wait=wait):
                return
            self._pause(first.wait_ms())

    def turn(self) -> None:
        """Run one round: poll, process a slice, advance the opening of a partition, commit when due.

        Duties are isolated: if one fails, the others still run, and the failed one is retried in the next
        round.
        """
        self._state.last_turn_ns = self._monotonic_ns()
        duties = (
            self._intake.relieve,
            self._fetch,
            self._step_slice,
            self._maintain_engines,
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
        """Run a duty; a refusal is retried if certificates or secrets have been replaced meanwhile."""
        try:
            return done(duty, self._trouble)
        except AccessRefusedError as error:
            if not self._renewal.may_resolve(error):
                raise
            return False

    def _begin_with_new_clients(self) -> None:
        """Send with new clients; with manual assignment, fetch again."""
        self._transport.discard_sends()
        if self._settings.membership == "manual":
            self._intake.begin_anew()

    def _pause(self, wait_ms: float) -> None:
        """Sleep, but at most until a stop is requested."""
        deadline_ns = time.monotonic_ns() + int(wait_ms * _NS_PER_MS)
        while not self._stopping and (left_ns := deadline_ns - time.monotonic_ns()) > 0:
            time.sleep(min(left_ns / _NS_PER_SECOND, _NAP_S))

    def _fetch(self) -> None:
        self._intake.fetch(self._commit_wait.left_ms(full=self._intake.full))

    def _forget(self, dropped: set[int]) -> None:
        if dropped:
            self._intake.forget(dropped)
            self._committer.forget(dropped)
            self._silence.forget(dropped)

    def _step_slice(self) -> None:
        """Process until the slice is over, the backlog is empty, or a scrape is waiting."""
        gate, backlog, tasks = self._state.gate, self._intake.backlog, self._state.tasks
        clock = self._monotonic_ns
        deadline_ns = clock() + self._settings.step_slice_ms * _NS_PER_MS
        with gate.stepping():
            while backlog:
                record = backlog[0]
                tasks[record.partition].step(record)
                backlog.popleft()  # only now: a step that a broker's failure has ended is tried again
                if gate.scrape_waits or clock() >= deadline_ns:
                    break

    def _maintain_engines(self) -> None:
        """Recover failed engines, change definitions, start and write snapshots."""
        for task in self._state.tasks.values():
            if not task.needs_engine and not self._intake.full:
                if task.engine.definitions_wait:
                    task.adopt_definitions(self._state.gate)
                task.checkpoint()
        if recovered := self._recovery.advance():
            self._intake.recovered(recovered)

    def _look_for_silence(self) -> None:
        # While no broker answers, every partition is silent.
        if not self._state.broker_away and self._silence.look(busy=bool(self._intake.backlog)):
            self._assignment.rejoin_for_silence()

    def _look_for_broker(self) -> None:
        """Check whether a broker answers, and handle the end of an outage or an unanswered client."""
        if self._broker.look():
            self._assignment.broker_is_back()
            self._silence.received(self._state.tasks)
            self._ends.forget()
            # A client that has waited through an outage may need seconds until its next attempt.
            self._transport.discard_sends()
        # With a new client in a group, the next poll reports all partitions as lost.
        if (
            self._broker.own_client_is_unanswered
            and self._assignment.rejoin_for_answers()
            and self._settings.membership == "manual"
        ):
            self._intake.begin_anew()

    def _commit_when_due(self) -> None:
        if self._commit_wait.left_ms(full=self._intake.full) == 0:
            self.commit()

    def commit(self) -> bool:
        """Publish and commit now; return whether everything present was committed."""
        done = self._committer.commit(self._state.tasks.values())
        if overtaken := self._committer.overtaken():
            self._forget(self._assignment.reopen(overtaken))
        self._state.commit_failures_in_a_row = self._committer.failures_in_a_row
        return done

    def _finish(self) -> None:
        """Publish and commit the output of the last slice; unprocessed records stay in the log."""
        self._last_commit.make(self.commit, self._poll_for_the_group)
        self._log.info("worker stopped", partitions=len(self._state.tasks))

    def _poll_for_the_group(self) -> None:
        """Poll only for group changes; returned records are left to the next start."""
        self._state.last_turn_ns = self._monotonic_ns()
        done(lambda: self._transport.poll(0), self._trouble)
        self._forget(self._assignment.follow())
