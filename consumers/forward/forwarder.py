"""The loop of a forwarder: read, hand out, collect, commit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import structlog
from kafka import TopicPartition

from consumers.forward.admission import Admission, RecentlySent
from consumers.forward.attempts import Reason, StepKind
from consumers.forward.counters import DEAD_LETTER, FILTERED, REPEATED, SENT, ForwardCounters
from consumers.forward.dead_letters import DeadLetters
from consumers.forward.group_reader import GroupReader
from consumers.forward.lanes import Lanes
from consumers.forward.places import Places
from consumers.forward.posting import Posting
from consumers.forward.reconnecting import Reconnecting
from consumers.forward.state import ForwardState
from core.kafka.records import Record
from core.model.errors import InputError, TransportError
from core.model.forward_settings import ForwardSettings
from core.runtime.reason_log import printable_bytes
from core.runtime.signals import StopFlag

_POLL_MS: Final = 100
_BUSY_POLL_MS: Final = 20
"""While posts are under way, what is finished should not wait for a poll."""
_LAG_S: Final = 5.0
_SHORT_LAG_S: Final = 0.5
_STEP_S: Final = 0.02


class Forwarder:
    """Posts the events of the group's partitions, and commits the place behind what was posted.

    Args:
        reader: Reads as a member of the group.
        reconnecting: Makes its client.
        admission: Which records are posted.
        lanes: Where they wait.
        posting: The threads that post.
        dead_letters: What cannot be delivered.
        settings: Limits and intervals.
        counters: What happened.
        state: For metrics and probes.
        stop: Asks for the end.
        until_end: End once nothing is left.
        wall_s: Wall clock, s UTC.
        monotonic_s: Monotonic clock, s.
    """

    def __init__(
        self,
        reader: GroupReader,
        reconnecting: Reconnecting,
        admission: Admission,
        lanes: Lanes,
        posting: Posting,
        dead_letters: DeadLetters,
        settings: ForwardSettings,
        counters: ForwardCounters,
        state: ForwardState,
        stop: StopFlag,
        *,
        until_end: bool,
        wall_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._reconnecting = reconnecting
        self._admission = admission
        self._lanes = lanes
        self._posting = posting
        self._dead_letters = dead_letters
        self._settings = settings
        self._counters = counters
        self._state = state
        self._stop = stop
        self._until_end = until_end
        self._wall_s = wall_s
        self._monotonic_s = monotonic_s
        self._places: Places[TopicPartition] = Places()
        self._recent = RecentlySent()
        self._committed: dict[TopicPartition, int] = {}
        self._committed_s = self._asked_s = 0.0
        self._behind_since_s: float | None = None
        self._paused = False
        self._looked_at: set[TopicPartition] = set()
        self._log = structlog.get_logger("rotascope.forward")

    def run(self) -> None:
        """Forward until a stop is asked for, or with `until_end` until nothing is left.

        Raises:
            TransportError: Not retriable; or no broker answers at the start of a run with an end.
        """
        self._posting.start()
        try:
            while not self._stop.is_set() and not self._turn():
                self._state.last_turn_s = self._monotonic_s()
        finally:
            self._end()

    def _turn(self) -> bool:
        """Go round once; True once nothing is left."""
        if not self._reconnecting.connected:
            if not self._reconnecting.first():
                self._stop.wait(self._reconnecting.wait_s())
            return False
        try:
            self._read()
            self._collect()
            self._commit_if_due()
            caught_up = self._look_at_lag()
        except TransportError as error:
            if self._reconnecting.refused(error):
                raise
            self._reconnecting.note("Kafka does not do what was asked; trying again", error=error.message)
            self._stop.wait(_STEP_S)
            caught_up = False
        why = self._reconnecting.stuck(self._behind_since_s)
        if why is not None and self._reconnecting.renew(why):
            self._counters.rejoins += 1
            self._forget(self._known())
            self._behind_since_s = None
        return self._until_end and caught_up

    def _read(self) -> None:
        pending = self._places.pending()
        # Full, and half empty again: a pause for each record would fetch everything anew.
        limit = self._settings.pending_max
        self._paused = pending >= limit or (self._paused and pending > limit // 2)
        records = self._reader.poll(_BUSY_POLL_MS if pending else _POLL_MS, paused=self._paused)
        self._forget(self._reader.taken())
        self._state.joined = self._reader.joined
        assigned = self._reader.assigned()
        self._state.partitions = len(assigned)
        if records:
            self._behind_since_s = None
        self._look_for_gaps(assigned)
        for record in records:
            part = TopicPartition(record.topic, record.partition)
            if part in assigned:
                self._admit(part, record)
        self._state.pending = self._places.pending()

    def _look_for_gaps(self, assigned: set[TopicPartition]) -> None:
        """Say which records were deleted before they were read; one new partition a turn."""
        self._looked_at &= assigned
        for part in sorted(assigned - self._looked_at)[:1]:
            deleted = self._reader.deleted_before_read(part)
            self._looked_at.add(part)
            if deleted:
                self._counters.deleted += deleted
                self._log.warning(
                    "records were deleted before they were forwarded; longer retention keeps them",
                    topic=part.topic,
                    partition=part.partition,
                    records=deleted,
                )

    def _admit(self, part: TopicPartition, record: Record) -> None:
        self._places.add(part, record.offset)
        try:
            event = self._admission.admit(part, record)
        except InputError as error:
            self._bury(part, record.offset, Reason.NOT_AN_EVENT, record.value, error.message)
            return
        if event is None:
            self._finish(part, record.offset, FILTERED)
        elif (part, record.offset, event.event_id) in self._recent:
            self._finish(part, record.offset, REPEATED)
        else:
            self._lanes.add(record.key, event)

    def _collect(self) -> None:
        """Take note of what was posted, and of dead letters that are in the log."""
        for event, step, message in self._posting.finished():
            if step.kind is StepKind.DONE:
                self._recent.add((event.part, event.offset, event.event_id))
                self._state.last_success_wall_s = self._wall_s()
                self._finish(event.part, event.offset, SENT)
            elif step.reason is not None:
                self._bury(event.part, event.offset, step.reason, event.payload, message)
        for letter in self._dead_letters.turn():
            self._finish(letter.part, letter.offset, DEAD_LETTER)

    def _bury(self, part: Any, offset: int, reason: Reason, payload: bytes, message: str) -> None:
        self._counters.dead_letters.add(reason)
        self._counters.dead_letter_log.note(
            reason,
            lambda: f"{message}: {printable_bytes(payload)}",
            topic=part.topic,
            partition=part.partition,
            offset=offset,
        )
        self._dead_letters.add(part, offset, reason, payload, message)

    def _finish(self, part: Any, offset: int, outcome: str) -> None:
        self._counters.events.add(outcome)
        self._places.done(part, offset)

    def _commit_if_due(self, *, now: bool = False) -> None:
        now_s = self._monotonic_s()
        if not now and (now_s - self._committed_s) * 1000 < self._settings.commit_interval_ms:
            return
        if not self._reader.joined:
            return  # a place that is committed in a rebalance may be another member's by now
        self._committed_s = now_s
        offsets = {
            part: self._places.next_offset(part, position=position)
            for part, position in self._reader.positions().items()
        }
        changed = {part: offset for part, offset in offsets.items() if self._committed.get(part) != offset}
        if not changed:
            return
        try:
            self._reader.commit(changed)
        except TransportError:
            self._counters.commits.add("failed")
            self._state.commit_failures_in_a_row += 1
            raise
        self._counters.commits.add("committed")
        self._state.commit_failures_in_a_row = 0
        self._committed |= changed
        self._lanes.sweep()

    def _look_at_lag(self) -> bool:
        """Compare the places with the ends of the log; True if nothing is left."""
        now_s = self._monotonic_s()
        if now_s - self._asked_s < (_SHORT_LAG_S if self._until_end else _LAG_S) or not self._reader.joined:
            return False
        self._asked_s = now_s
        ends, positions = self._reader.ends(), self._reader.positions()
        if not ends or len(positions) < len(ends):
            return False
        unread = sum(max(0, end - positions[part]) for part, end in ends.items())
        places = {part: self._places.next_offset(part, position=positions[part]) for part in ends}
        self._state.lag_records = sum(max(0, end - places[part]) for part, end in ends.items())
        if unread == 0 or self._paused:
            self._behind_since_s = None
        elif self._behind_since_s is None:
            self._behind_since_s = now_s
        return unread == 0 and self._places.pending() == 0 and self._dead_letters.pending == 0

    def _known(self) -> set[TopicPartition]:
        return set(self._committed) | self._reader.assigned() | self._places.parts()

    def _forget(self, parts: set[TopicPartition]) -> None:
        if not parts:
            return
        self._lanes.drop(parts)
        for part in parts:
            self._places.forget(part)
            self._committed.pop(part, None)
        self._state.lag_records = None

    def _end(self) -> None:
        """Let posts under way come to an end, commit what they did, and leave the group."""
        self._posting.stop(self._settings.shutdown_timeout_ms / 1000)
        try:
            if self._reconnecting.connected and not self._state.away:
                self._collect()
                self._commit_if_due(now=True)
        except TransportError as error:
            self._reconnecting.note(
                "the last place was not committed; those events repeat", error=error.message
            )
        finally:
            self._dead_letters.close()
            self._reader.close()
