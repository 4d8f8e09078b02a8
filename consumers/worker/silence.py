"""Detects partitions from which the client returns nothing although their log has grown.

A client can stop fetching one of several partitions without an error; the log end that it reports then
also stays constant, so that no lag is visible. Only the broker knows whether there are more records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import structlog

from consumers.transport.seam import Transport
from consumers.worker.assignment import QUESTION_MS, longer_question_ms
from consumers.worker.partition import PartitionTask
from consumers.worker.state import WorkerState
from consumers.worker.trouble_log import TroubleLog
from core.model.errors import TransportError
from core.model.settings import WorkerSettings

_NS_PER_MS: Final = 1_000_000
_ASK_AGAIN_NS: Final = 1_000 * _NS_PER_MS
"""Delay after a request without a response, because each may block the loop."""
_NEW_NS: Final = 4_000 * _NS_PER_MS
"""Limit for a partition that has returned nothing yet although its log is not empty."""
_GIVE_UP_NS: Final = 4_000 * _NS_PER_MS
"""Time for three or four requests; the partition was silent for some time before."""


class _Unanswered(NamedTuple):
    """Since when requests about a partition have had no response, and the latest timeout."""

    since_ns: int
    question_ms: int


class SilenceWatch:
    """Queries the broker about a silent partition, and seeks it again if needed.

    Args:
        transport: Returns end offsets, and seeks.
        settings: Silence after which to query.
        state: Tasks and counters.
        trouble: Where failures are reported.
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(
        self,
        transport: Transport,
        settings: WorkerSettings,
        state: WorkerState,
        *,
        trouble: TroubleLog,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._trouble = trouble
        self._transport = transport
        self._settings = settings
        self._state = state
        self._monotonic_ns = monotonic_ns
        self._silent_since_ns: dict[int, int] = {}
        self._begun_at: dict[int, int] = {}
        self._sought: set[int] = set()
        self._unanswered: dict[int, _Unanswered] = {}
        self._log = structlog.get_logger("rotascope.worker")

    def received(self, partitions: Iterable[int]) -> None:
        """Note partitions that returned records, or that were not polled."""
        now_ns = self._monotonic_ns()
        for partition in partitions:
            self._silent_since_ns[partition] = now_ns
            self._sought.discard(partition)
            self._unanswered.pop(partition, None)

    def forget(self, partitions: Iterable[int]) -> None:
        """Forget partitions; they start afresh when they come back."""
        for partition in partitions:
            self._silent_since_ns.pop(partition, None)
            self._begun_at.pop(partition, None)
            self._sought.discard(partition)
            self._unanswered.pop(partition, None)

    def look(self, *, busy: bool) -> bool:
        """Query one partition that has been silent for too long, if any.

        1. Nothing new in the log: the silence is legitimate.
        2. The log has grown: the partition is sought again.
        3. Sought before, and still silent: the client must be recreated.
        4. No response to several requests: the client has no usable broker for them.

        Args:
            busy: Records of other partitions are waiting, which may explain the silence: no reason for 3.

        Returns:
            Whether case 3 or 4 applies.

        Raises:
            TransportError: Not retriable.
        """
        tasks = self._state.tasks
        partition = self._silent(tasks, busy=busy)
        if partition is None:
            return False
        self._silent_since_ns[partition] = self._monotonic_ns()
        next_offset = tasks[partition].next_offset
        before = self._unanswered.pop(partition, None)
        question_ms = QUESTION_MS if before is None else longer_question_ms(before.question_ms)
        try:
            end_offset = self._transport.end_offset(partition, timeout_ms=question_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            return self._is_unanswered(partition, before, question_ms)
        if end_offset <= next_offset:
            self._sought.discard(partition)
            return False
        self._state.counters.refetches += 1
        self._log.warning(
            "the log has records that the client does not return",
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

    def _is_unanswered(self, partition: int, before: _Unanswered | None, question_ms: int) -> bool:
        """Schedule another request with a longer timeout; return whether the limit is reached."""
        now_ns = self._monotonic_ns()
        since_ns = now_ns if before is None else before.since_ns
        if now_ns - since_ns >= _GIVE_UP_NS:
            self._trouble.failed("no broker reports the end of the log", partition=partition)
            return True
        self._unanswered[partition] = _Unanswered(since_ns, question_ms)
        limit_ns = self._settings.fetch_silence_ms * _NS_PER_MS
        self._silent_since_ns[partition] = now_ns - limit_ns + min(limit_ns, _ASK_AGAIN_NS)
        return False

    def _silent(self, tasks: Mapping[int, PartitionTask], *, busy: bool) -> int | None:
        now_ns = self._monotonic_ns()
        limit_ns = self._settings.fetch_silence_ms * _NS_PER_MS
        for partition, task in tasks.items():
            if (
                task.needs_engine
            ):  # paused: its silence is legitimate, and it must not be sought before it has an engine
                self._silent_since_ns[partition] = now_ns
                continue
            silent_ns = now_ns - self._silent_since_ns.setdefault(partition, now_ns)
            begun_at = self._begun_at.setdefault(partition, task.next_offset)
            # librdkafka can lose a seek directly after an assignment, so the limit is short.
            new = begun_at == task.next_offset and task.lag_records and partition not in self._sought
            if silent_ns >= (min(limit_ns, _NEW_NS) if new and not busy else limit_ns):
                return partition
        return None
