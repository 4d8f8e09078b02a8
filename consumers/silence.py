"""Partitions of which the client gives nothing although their log has grown.

A client can stop fetching one partition of several, without an error; the end of the log that it
reports stands still, too, so that no lag shows. Only the broker can say whether there is more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import structlog

from consumers.assignment import QUESTION_MS
from consumers.partition import PartitionTask
from consumers.transport import Transport
from consumers.worker_state import WorkerState
from core.errors import TransportError
from core.settings import WorkerSettings

_NS_PER_MS = 1_000_000


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
        self._log = structlog.get_logger("rotascope.worker")

    def heard(self, partitions: Iterable[int]) -> None:
        """Note partitions that gave records, or that were not asked for any."""
        now_ns = self._monotonic_ns()
        for partition in partitions:
            self._silent_since_ns[partition] = now_ns
            self._sought.discard(partition)

    def forget(self, partitions: Iterable[int]) -> None:
        """Partitions that went begin anew when they come back."""
        for partition in partitions:
            self._silent_since_ns.pop(partition, None)
            self._sought.discard(partition)

    def look(self) -> bool:
        """Ask about one partition that has been silent for too long, if there is one.

        1. No answer, or nothing new in the log: it is silent by right.
        2. The log has grown: the partition is sought again.
        3. Sought before, and still silent: the client has to be made anew.

        Returns:
            Whether it has come to 3.

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
            end_offset = self._transport.end_offset(partition, timeout_ms=QUESTION_MS)
        except TransportError as error:
            if not error.retriable:
                raise
            return False
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
        if partition in self._sought:
            self._sought.clear()
            return True
        self._sought.add(partition)
        self._transport.seek(partition, next_offset)
        return False

    def _silent(self, tasks: Mapping[int, PartitionTask]) -> int | None:
        now_ns = self._monotonic_ns()
        limit_ns = self._settings.fetch_silence_ms * _NS_PER_MS
        for partition in tasks:
            if now_ns - self._silent_since_ns.setdefault(partition, now_ns) >= limit_ns:
                return partition
        return None
