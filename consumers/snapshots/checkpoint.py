"""Writes periodic snapshots of one partition, in portions that do not delay events."""

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
"""Maximum bytes per portion, so that transactions with events stay short."""


class Captured(Protocol):
    """A copied state."""

    @property
    def sections(self) -> Mapping[str, Section]:
        """Its sections, by name."""

    def pack(self) -> bytes:
        """Return the bytes of a snapshot."""


class Snapshotting(Protocol):
    """Engine interface used by checkpoints."""

    def capture(self) -> Captured:
        """Copy the state."""


class _Cut(NamedTuple):
    name: SnapshotName
    records: list[OutgoingRecord]
    length: int


class Checkpointer:
    """Snapshots of one partition.

    The state is copied in the main loop and packed by a helper thread; its records are added to the
    outbox in portions. A position may refer to the snapshot once its manifest was added, because
    records and position are committed together, in this order.

    Args:
        partition: Partition number.
        named: The snapshot that the committed position refers to, or None.
        interval_ms: Time between the starts of two snapshots; None to disable.
        helper: Executor for packing.
        topic: Snapshots topic of the ticks' generation.
        monotonic_ns: Monotonic clock, ns.
        wall_s: Wall clock, s UTC.
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
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._wall_s = wall_s
        self.named = named
        """The snapshot that a position committed now may refer to."""
        self.last_bytes = 0
        self.last_duration_s = 0.0
        self.written = 0
        self.captured_s: float | None = None
        """Wall time at which the latest snapshot's state was copied, s UTC; None before the first."""
        self._partition = partition
        self._topic = topic
        self._interval_ns = None if interval_ms is None else interval_ms * _NS_PER_MS
        self._helper = helper
        self._monotonic_ns = monotonic_ns
        self._number = -1 if named is None else named.number
        self._begun_ns = monotonic_ns()
        self._begun_wall_s = 0.0
        self._packing: Future[_Cut] | None = None
        self._waiting: deque[OutgoingRecord] = deque()
        self._next_name: SnapshotName | None = None
        self._log = structlog.get_logger("rotascope.worker").bind(partition=partition)

    @property
    def enabled(self) -> bool:
        """Whether snapshots are enabled."""
        return self._interval_ns is not None

    @property
    def due(self) -> bool:
        """Whether the next snapshot is due."""
        if self._interval_ns is None or self._packing is not None or self._waiting:
            return False
        return self._monotonic_ns() - self._begun_ns >= self._interval_ns

    def begin(self, engine: Snapshotting, next_offset: int) -> None:
        """Copy the state and start packing it on the helper.

        Args:
            engine: Has processed every valid record before `next_offset`.
            next_offset: Offset of the first record it has not processed.
        """
        self._begun_ns, self._begun_wall_s = self._monotonic_ns(), self._wall_s()
        capture = engine.capture()
        self._number += 1
        self._packing = self._helper.submit(self._cut, capture, self._number, next_offset)

    def write_whole(self, engine: Snapshotting, next_offset: int) -> list[OutgoingRecord]:
        """Return a complete snapshot for the next commit; see `begin`.

        A snapshot in progress is abandoned; no position refers to its slot, which is rewritten.
        """
        self._begun_ns, self._begun_wall_s = self._monotonic_ns(), self._wall_s()
        self._packing = None
        self._waiting.clear()
        self._number += 1
        cut = self._cut(engine.capture(), self._number, next_offset)
        self._finished(cut)
        self.named = cut.name
        return cut.records

    def portion(self) -> list[OutgoingRecord]:
        """Return the next records of the snapshot in progress, empty if there is nothing to write.

        After the call that returns the manifest, `named` is that snapshot.
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
            # The state is valid and the previous snapshot still exists; the next attempt may succeed.
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
        self.captured_s = self._begun_wall_s

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
