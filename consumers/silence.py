"""Partitions of which the client gives nothing although their log has grown.

A client can stop fetching one partition of several, without an error; the end of the log that it
reports stands still, too, so that no lag shows. Only the broker can say whether there is more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog

from consumers.assignment import LONGEST_QUESTION_MS, QUESTION_MS
from consumers.partition import PartitionTask
from consumers.transport import Transport
from consumers.worker_state import WorkerState
from core.errors import TransportError
from core.settings import WorkerSettings

_NS_PER_MS: Final = 1_000_000
_ASK_AGAIN_NS: Final = 1_000 * _NS_PER_MS
"""After a question without an answer: each may hold up the loop."""
_GIVE_UP_NS: Final = 4_000 * _NS_PER_MS
"""Three or four questions: a silent partition has had its time to come back already."""


class SilenceWatch:
    """Asks the broker about a partition that has been silent, and has the client begin anew with it.

    Args:
        transport: Answers, and is sought again.
        settings: How long a silence is worth a question.
        state: Tasks and counters.
        monotonic_ns: A clock that never steps back.
    """

    def __init__(
        self,
        transport: Transport,
        settings: WorkerSettings,
        state: WorkerState,
        *,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._transport = transport
        self._settings = settings
        self._state = state
        self._monotonic_ns = monotonic_ns
        self._silent_since_ns: dict[int, int] = {}
        self._sought: set[int] = set()
        self._unanswered_since_ns: dict[int, int] = {}
        self._question_ms: dict[int, int] = {}
        self._log = structlog.get_logger("rotascope.worker")

    def heard(self, partitions: Iterable[int]) -> None:
        """Note partitions that gave records, or that were not asked for any."""
        now_ns = self._monotonic_ns()
        for partition in partitions:
            self._silent_since_ns[partition] = now_ns
            self._sought.discard(partition)
            self._answered(partition)

    def forget(self, partitions: Iterable[int]) -> None:
        """Partitions that went begin anew when they come back."""
        for partition in partitions:
            self._silent_since_ns.pop(partition, None)
            self._sought.discard(partition)
            self._answered(partition)

    def look(self, *, busy: bool) -> bool:
        """Ask about one partition that has been silent for too long, if there is one.

        1. Nothing new in the log: it is silent by right.
        2. The log has grown: the partition is sought again.
        3. Sought before, and still silent: the client has to be made anew.
        4. No answer to several questions: the client no longer knows whom to ask.

        Args:
            busy: Records of others wait to be stepped, and it may be their turn: no reason for 3.

        Returns:
            Whether it has come to 3 or 4.

        Raises:
            TransportError: Not retriable.
        """
        tasks = self._state.tasks
        partition = self._silent(tasks)
        if partition is None:
            return False
        self._silent_since_ns[partition] = self._monotonic_ns()
        next_offset = tasks[partition].next_offset
        try:
            end_offset = self._transport.end_offset(
                partition, timeout_ms=self._question_ms.get(partition, QUESTION_MS)
            )
        except TransportError as error:
            if not error.retriable:
                raise
            return self._is_unanswered(partition)
        self._answered(partition)
        if end_offset <= next_offset:
            self._sought.discard(partition)
            return False
        self._state.counters.refetches += 1
        self._log.warning(
            "the log has records that the client does not give",
            partition=partition,
            next_offset=next_offset,
            end_offset=end_offset,
            sought_before=partition in self._sought,
        )
        if partition in self._sought and not busy:
            self._sought.clear()
            return True
        self._sought.add(partition)
        self._transport.seek(partition, next_offset)
        return False

    def _is_unanswered(self, partition: int) -> bool:
        """Ask again soon, and with more patience; or say that it has been long enough."""
        now_ns = self._monotonic_ns()
        since_ns = self._unanswered_since_ns.setdefault(partition, now_ns)
        if now_ns - since_ns >= _GIVE_UP_NS:
            self._log.warning("nobody says how far the log has grown", partition=partition)
            self._answered(partition)
            return True
        limit_ns = self._settings.fetch_silence_ms * _NS_PER_MS
        self._silent_since_ns[partition] = now_ns - limit_ns + min(limit_ns, _ASK_AGAIN_NS)
        asked_ms = self._question_ms.get(partition, QUESTION_MS)
        self._question_ms[partition] = min(2 * asked_ms, LONGEST_QUESTION_MS)
        return False

    def _answered(self, partition: int) -> None:
        self._unanswered_since_ns.pop(partition, None)
        self._question_ms.pop(partition, None)

    def _silent(self, tasks: Mapping[int, PartitionTask]) -> int | None:
        now_ns = self._monotonic_ns()
        limit_ns = self._settings.fetch_silence_ms * _NS_PER_MS
        for partition in tasks:
            if now_ns - self._silent_since_ns.setdefault(partition, now_ns) >= limit_ns:
                return partition
        return None
