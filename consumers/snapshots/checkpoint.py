"""Writes snapshots of one partition: now and then, a portion at a time, never in the way of events."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import structlog

from consumers.snapshots.records import SnapshotName, snapshot_records
from core.kafka.records import OutgoingRecord

if TYPE_CHECKING:
    from core.engine.snapshot import Section

_NS_PER_MS: Final = 1_000_000
_NS_PER_SECOND: Final = 1_000_000_000
PORTION_BYTES: Final = 2 * 1024 * 1024
"""Handed over between two commits: a transaction with events in it stays short."""


class Captured(Protocol):
    """A state, copied."""

    @property
    def sections(self) -> Mapping[str, Section]:
        """Its parts, by name."""

    def pack(self) -> bytes:
        """Give the bytes of a snapshot."""


class Snapshotting(Protocol):
    """What a checkpoint needs of an engine."""

    def capture(self) -> Captured:
        """Copy the state."""


class _Cut(NamedTuple):
    name: SnapshotName
    records: list[OutgoingRecord]
    length: int


class Checkpointer:
    """Snapshots of one partition.

    The state is copied in the main loop, packed by a helper thread, and its records are handed out
    in portions, for the outbox. A position may name the snapshot once its manifest was handed out,
    because records and position are committed together, in this order.

    Args:
        partition: Which.
        named: The snapshot that the committed position names; None where there is none.
        interval_ms: Time between the beginnings of two snapshots; None for never.
        helper: Runs the packing.
        topic: That of the ticks' generation.
        monotonic_ns: A clock that never steps back.
    """

    def __init__(
        self,
        partition: int,
        *,
        named: SnapshotName | None,
        interval_ms: int | None,
        helper: Executor,
        topic: str,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.named = named
        """What a position that is committed now may name."""
        self.last_bytes = 0
        self.last_duration_s = 0.0
        self.written = 0
        self._partition = partition
        self._topic = topic
        self._interval_ns = None if interval_ms is None else interval_ms * _NS_PER_MS
        self._helper = helper
        self._monotonic_ns = monotonic_ns
        self._number = -1 if named is None else named.number
        self._begun_ns = monotonic_ns()
        self._named_ns: int | None = None
        self._packing: Future[_Cut] | None = None
        self._waiting: deque[OutgoingRecord] = deque()
        self._next_name: SnapshotName | None = None
        self._log = structlog.get_logger("rotascope.worker").bind(partition=partition)

    @property
    def enabled(self) -> bool:
        """Whether there are snapshots at all."""
        return self._interval_ns is not None

    @property
    def due(self) -> bool:
        """Whether it is time to begin another one."""
        if self._interval_ns is None or self._packing is not None or self._waiting:
            return False
        return self._monotonic_ns() - self._begun_ns >= self._interval_ns

    @property
    def age_s(self) -> float | None:
        """Seconds since the state of the latest finished snapshot; None before the first of this run."""
        if self._named_ns is None:
            return None
        return (self._monotonic_ns() - self._named_ns) / _NS_PER_SECOND

    def begin(self, engine: Snapshotting, next_offset: int) -> None:
        """Copy the state and let the helper pack it.

        Args:
            engine: Has stepped every record before `next_offset` that can be stepped.
            next_offset: Of the first record it has not seen.
        """
        self._begun_ns = self._monotonic_ns()
        capture = engine.capture()
        self._number += 1
        self._packing = self._helper.submit(self._cut, capture, self._number, next_offset)

    def write_whole(self, engine: Snapshotting, next_offset: int) -> list[OutgoingRecord]:
        """Give a snapshot at once, all of it, for the very next commit; see `begin`.

        One that was under way is given up: its slot is not named, and is written again.
        """
        self._begun_ns = self._monotonic_ns()
        self._packing = None
        self._waiting.clear()
        self._number += 1
        cut = self._cut(engine.capture(), self._number, next_offset)
        self._finished(cut)
        self.named = cut.name
        return cut.records

    def portion(self) -> list[OutgoingRecord]:
        """Give the next records of the snapshot under way, none where there is nothing to write.

        After the call that gives the manifest, `named` is that snapshot.
        """
        packing = self._packing
        if packing is not None and packing.done():
            self._packing = None
            self._take(packing)
        given: list[OutgoingRecord] = []
        length = 0
        while self._waiting and (not given or length + len(self._waiting[0].value) <= PORTION_BYTES):
            given.append(self._waiting.popleft())
            length += len(given[-1].value)
        if given and not self._waiting:
            self.named = self._next_name
        return given

    def _take(self, packing: Future[_Cut]) -> None:
        error = packing.exception()
        if error is not None:
            # The state is sound and the one before still stands; the next try may go well.
            self._log.error("snapshot could not be packed", error=repr(error), exc_info=error)
            return
        cut = packing.result()
        self._finished(cut)
        self._waiting.extend(cut.records)
        self._next_name = cut.name

    def _finished(self, cut: _Cut) -> None:
        now_ns = self._monotonic_ns()
        self.last_bytes = cut.length
        self.last_duration_s = (now_ns - self._begun_ns) / _NS_PER_SECOND
        self.written += 1
        self._named_ns = self._begun_ns

    def _cut(self, capture: Captured, number: int, next_offset: int) -> _Cut:
        data = capture.pack()
        versions = {name: section.version for name, section in capture.sections.items()}
        name, records = snapshot_records(
            data,
            versions,
            partition=self._partition,
            number=number,
            next_offset=next_offset,
            topic=self._topic,
        )
        return _Cut(name, records, len(data))
