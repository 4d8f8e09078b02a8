"""Assigned partitions and their life cycle.

    assigned ──► restoring ──► running
       │             │            │
       └─────────────┴────────────┴──► revoked, lost, overtaken: dropped

A revoked partition's outbox is discarded, also on a clean revocation. Its output was not committed, so the
next owner produces it again. Committing it late, in a group generation in which another member may already
have read the offset, would duplicate events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from consumers.metrics.counters import NEW_MEMBER, OVERTAKEN
from consumers.transport.seam import ChangeKind, Transport
from consumers.worker.opener import Opener
from consumers.worker.partition import PartitionTask
from consumers.worker.reconnect import Reconnect
from consumers.worker.rejoin import Rejoin
from consumers.worker.state import WorkerState
from consumers.worker.trouble_log import TroubleLog
from consumers.worker.turns import Pace
from core.kafka.security_files import SecurityFiles
from core.model.errors import ConfigurationError, TransportError
from core.model.settings import KafkaSettings, WorkerSettings

QUESTION_MS: Final = 200
"""Initial timeout of a request about one partition, which blocks all others."""
_LONGEST_QUESTION_MS: Final = 2_000


def longer_question_ms(question_ms: int) -> int:
    """Double the timeout of an unanswered request: on an overloaded machine 200 ms may never be enough."""
    return min(2 * question_ms, _LONGEST_QUESTION_MS)


class Assignment:
    """Follows the group's assignment, or uses a manual one.

    Args:
        transport: Reports the group's rebalances.
        opener: Opens partitions.
        kafka: Topic and number of partitions.
        settings: Who assigns, and how long a join may take.
        files: Security files of the current client.
        state: Holds the tasks, and the partitions without one.
        trouble: Where failures are reported.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        transport: Transport,
        opener: Opener,
        *,
        kafka: KafkaSettings,
        settings: WorkerSettings,
        files: SecurityFiles,
        state: WorkerState,
        trouble: TroubleLog,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._trouble = trouble
        self._transport = transport
        self._opener = opener
        self._kafka = kafka
        self._settings = settings
        self._state = state
        self._waiting: deque[int] = deque()
        self._opened_as: dict[int, str] = {}
        self._question_ms = QUESTION_MS
        self._pace = Pace(monotonic_ns)
        reconnect = Reconnect(transport, settings, files, state, trouble, monotonic_ns=monotonic_ns)
        self._rejoin = Rejoin(reconnect, kafka=kafka, settings=settings, monotonic_ns=monotonic_ns)
        self._log = structlog.get_logger("rotascope.worker")

    @property
    def opening(self) -> bool:
        """Whether a partition is waiting to be opened."""
        return bool(self._waiting)

    def start(self) -> None:
        """Join the group, or open the manually assigned partitions.

        Raises:
            ConfigurationError: The topic has a different number of partitions.
            SnapshotError: A partition's state cannot be restored.
            TransportError: The broker does not return the topic's metadata; may be retried.
        """
        topic, settings = self._kafka.ticks_topic, self._settings
        found = self._require_partitions(topic, self._kafka.partitions, "--partitions")
        if settings.publish_values:
            self._require_partitions(self._kafka.values_topic, self._kafka.value_shards, "kafka.value_shards")
        if settings.membership != "manual":
            self._state.joined = False
            self._rejoin.joining()
            self._transport.subscribe(topic)
            return
        assigned = settings.assigned if settings.assigned is not None else tuple(range(found))
        if not assigned or not set(assigned) <= set(range(found)):
            raise ConfigurationError(
                f"partitions {assigned} are not all within 0 to {found - 1}",
                operator_action="correct --assign",
            )
        self._transport.assign(topic, assigned)
        for number, partition in enumerate(assigned):
            try:
                task = self._opener.open(partition, None)
            except TransportError as error:
                if not error.retriable:
                    raise
                # The others may block as long each, without checking for a stop, so the loop opens them.
                self._not_answered(partition, error)
                self._await(assigned[number:])
                return
            if task is not None:
                self._enter(task)

    def _require_partitions(self, topic: str, wanted: int, setting: str) -> int:
        """Return a topic's number of partitions; refuse another than the settings'."""
        found = self._transport.partitions(topic)
        if found != wanted:
            raise ConfigurationError(
                f"topic {topic} has {found} partitions, the settings say {wanted}",
                operator_action=f"the number is fixed for a topic's generation: correct {setting}, or "
                "create a new generation of the topic",
            )
        return found

    def follow(self) -> set[int]:
        """Handle the assignment changes of the last poll.

        Returns:
            Dropped partitions: neither their fetched records nor their output may be used.
        """
        dropped: set[int] = set()
        for kind, partitions in self._transport.assignment_changes():
            self._state.counters.rebalances[kind] += 1
            self._log.info(f"partitions {kind}", partitions=partitions)
            if kind is ChangeKind.ASSIGNED:
                self._await(partitions)
            else:
                dropped |= self._drop(partitions, kind)
            if kind is ChangeKind.REVOKED:
                self._rejoin.revoked()
        return dropped | self._check_member()

    def reopen(self, partitions: Iterable[int]) -> set[int]:
        """Reopen partitions for which another member has committed since.

        Returns:
            See `follow`.
        """
        again = {partition for partition in partitions if partition in self._state.tasks}
        dropped = self._drop(again, OVERTAKEN)
        self._await(sorted(again))
        self._hold(again)
        return dropped

    def open_next(self) -> None:
        """Open one waiting partition, or retry it in a later turn.

        Raises:
            SnapshotError: Its state cannot be restored.
            TransportError: Not retriable.
        """
        if not self._waiting or not self._pace.may_ask:
            return
        partition = self._waiting[0]
        self._waiting.rotate(-1)
        self._pace.begin()
        try:
            task = self._opener.open(partition, self._question_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            self._not_answered(partition, error)
            self._pace.unanswered()
            self._question_ms = longer_question_ms(self._question_ms)
            self._rejoin.unanswered()
            return
        if task is None:
            return
        self._rejoin.answered()
        self._question_ms = QUESTION_MS
        self._waiting.remove(partition)
        if not self._waiting:
            self._rejoin.all_open()
        self._enter(task)

    def rejoin_if_stuck(self) -> bool:
        """Recreate the client if it has not become a stable member, or gets no responses, for too long.

        Returns:
            Whether it was recreated.
        """
        return self._rejoin.if_stuck(self._waiting)

    def rejoin_for_silence(self) -> None:
        """Recreate a client that returns nothing from a partition although it was sought again.

        With manual assignment there is no group to rejoin, so another seek must suffice.
        """
        if self._settings.membership != "manual":
            self._rejoin.attempt("a partition stays silent: rejoining", self._waiting)

    def rejoin_for_answers(self) -> bool:
        """Recreate a client that gets no responses although a new one does.

        Returns:
            Whether it was recreated.
        """
        return self._rejoin.attempt(
            "only new clients get responses: reconnecting", self._waiting, although_away=True
        )

    def rejoin_with_replaced_files(self) -> bool:
        """Recreate the client from certificates and secrets that were replaced.

        Returns:
            Whether it was recreated.

        Raises:
            AccessRefusedError: A broker refuses the new files; the old client stays in use.
        """
        return self._rejoin.attempt(
            "certificates or secrets were replaced: reconnecting", self._waiting, although_away=True
        )

    def broker_is_back(self) -> None:
        """Restart the client's time limits: its waiting time during an outage does not count."""
        self._rejoin.broker_is_back()
        self._question_ms = QUESTION_MS
        self._pace.forget()

    def _check_member(self) -> set[int]:
        """Drop partitions if the member id has changed: another member may have owned them in between."""
        if self._settings.membership == "manual":
            return set()
        membership = self._transport.membership()
        self._state.joined = membership is not None
        if membership is None:
            self._rejoin.unstable()
            return set()
        self._rejoin.stable(membership.generation)
        held = {*self._state.tasks, *self._waiting}
        foreign = {
            p for p in held if self._opened_as.setdefault(p, membership.member_id) != membership.member_id
        }
        dropped = self._drop(foreign, NEW_MEMBER)
        self._await(sorted(foreign))
        for partition in foreign:
            self._opened_as[partition] = membership.member_id
        self._hold(foreign)
        return dropped

    def _hold(self, partitions: Iterable[int]) -> None:
        """Pause a partition; on failure the client fetches unused records, because opening seeks anyway."""
        for partition in partitions:
            try:
                self._transport.hold(partition)
            except TransportError as error:
                if not error.retriable:
                    raise

    def _not_answered(self, partition: int, error: TransportError) -> None:
        self._trouble.failed("partition is waiting for a response", partition=partition, error=error.message)

    def _await(self, partitions: Iterable[int]) -> None:
        self._waiting.extend(partitions)
        self._show_waiting()

    def _enter(self, task: PartitionTask) -> None:
        with self._state.gate.stepping():
            self._state.tasks[task.partition] = task
        self._show_waiting()

    def _drop(self, partitions: Iterable[int], reason: str) -> set[int]:
        dropped = set(partitions)
        for partition in dropped:
            with self._state.gate.stepping():
                task = self._state.tasks.pop(partition, None)
            self._state.counters.forget(partition)
            if task is not None and task.outbox.records:
                self._state.counters.dropped_records[reason] += task.outbox.records
            self._opened_as.pop(partition, None)
        self._opener.forget(dropped)
        self._waiting = deque(partition for partition in self._waiting if partition not in dropped)
        if not self._waiting:
            self._rejoin.answered()
        self._show_waiting()
        return dropped

    def _show_waiting(self) -> None:
        self._state.opening = tuple(self._waiting)
