"""Queue of raw messages between reader and pipeline, bounded by number, bytes and age.

The reader runs in the event loop and must never wait for Kafka; the pipeline runs in a thread and
may. The overflow policy applies when the pipeline falls behind; both policies are counted:

- wait: the reader stops reading, which applies backpressure to the server. For recordings, where
  nothing may be lost.
- drop: the oldest messages are replaced by a gap mark. For live feeds, where the vendor disconnects
  a reader that stops, and fresh prices are worth more than stale ones.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from enum import StrEnum
from typing import Final, NamedTuple

from core.model.records import NANOSECONDS_PER_MILLISECOND, GapCause
from producers.feeds.base import RawMessage
from producers.metrics import ProducerCounters

QUEUE_MAX_BYTES: Final = 256 * 1024 * 1024
"""Memory bound, independent of message size."""


class Overflow(StrEnum):
    """Policy when the queue is full or its oldest message is stale."""

    WAIT = "wait"
    DROP = "drop"


class GapMark(NamedTuple):
    """Ticks were lost here.

    Args:
        reason: Reason for the log.
        ts_recv_ns: When the loss was detected.
        cause: Cause in the GAP record.
    """

    reason: str
    ts_recv_ns: int
    cause: GapCause = GapCause.DISCONNECT


Item = RawMessage | GapMark


class MessageQueue:
    """A queue with one asynchronous writer and one reader in another thread.

    Args:
        max_messages: Bound on the number of messages.
        max_age_ms: Bound on the age of the oldest message, by receive time.
        overflow: Wait or drop.
        counters: Count pauses and drops.
        max_bytes: Bound on the bytes of messages.
    """

    def __init__(
        self,
        max_messages: int,
        max_age_ms: float,
        overflow: Overflow,
        counters: ProducerCounters,
        *,
        max_bytes: int = QUEUE_MAX_BYTES,
    ) -> None:
        self._max_messages = max_messages
        self._max_age_ns = int(max_age_ms * NANOSECONDS_PER_MILLISECOND)
        self._max_bytes = max_bytes
        self._overflow = overflow
        self._counters = counters
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = threading.Condition()
        self._writer: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def put(self, item: Item) -> None:
        """Append an item; under `wait`, pause until there is room.

        Under `wait`, one message of any size fits into an empty queue.
        """
        while True:
            with self._changed:
                if self._overflow is Overflow.DROP:
                    self._make_room(item)
                if self._overflow is Overflow.DROP or self._fits(item) or self._closed:
                    self._append(item)
                    return
                room = asyncio.Event()
                self._writer = (asyncio.get_running_loop(), room)
                self._counters.queue_pauses += 1
            try:
                await room.wait()
            except asyncio.CancelledError:
                with self._changed:
                    self._writer = None  # its loop may be closed when there is room again
                raise

    def take(self, max_bytes: int, timeout_s: float | None) -> list[Item] | None:
        """Take queued items, in order.

        Args:
            max_bytes: Stop before more than this, but take at least one item.
            timeout_s: How long to wait for a first item; None for no limit.

        Returns:
            Items, empty after the timeout, or None once the queue is closed and empty.
        """
        with self._changed:
            if not self._items and not self._closed:
                self._changed.wait(timeout_s)
            if not self._items:
                return None if self._closed else []
            taken: list[Item] = []
            size = 0
            while self._items and (not taken or size + _size(self._items[0]) <= max_bytes):
                item = self._items.popleft()
                size += _size(item)
                taken.append(item)
            self._bytes -= size
            self._wake_writer()
            return taken

    def close(self) -> None:
        """Close the queue; queued items can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._wake_writer()

    def abandon(self) -> None:
        """Close and discard what is queued: the reader has failed, and a waiting writer must not hang."""
        with self._changed:
            self._items.clear()
            self._bytes = 0
        self.close()

    def __len__(self) -> int:
        return len(self._items)

    def age_ns(self, now_ns: int) -> int:
        """Return the age of the oldest item."""
        with self._changed:
            return max(0, now_ns - self._items[0].ts_recv_ns) if self._items else 0

    def _fits(self, item: Item) -> bool:
        if not self._items or isinstance(item, GapMark):
            return True
        return (
            len(self._items) < self._max_messages
            and self._bytes + _size(item) <= self._max_bytes
            and item.ts_recv_ns - self._items[0].ts_recv_ns <= self._max_age_ns
        )

    def _make_room(self, item: Item) -> None:
        """Drop from the front until the item fits, and leave one gap mark."""
        dropped = 0
        lost = False
        while not self._fits(item):
            oldest = self._items.popleft()
            self._bytes -= _size(oldest)
            dropped += isinstance(oldest, RawMessage)
            lost = True
        if lost:
            self._counters.queue_dropped += dropped
            # Stamped with the age of the next item, so that the mark does not hide the age of the queue.
            oldest_left = self._items[0].ts_recv_ns if self._items else item.ts_recv_ns
            self._items.appendleft(GapMark("the pipeline fell behind", oldest_left, GapCause.QUEUE_OVERFLOW))

    def _append(self, item: Item) -> None:
        self._items.append(item)
        self._bytes += _size(item)
        self._changed.notify()

    def _wake_writer(self) -> None:
        if self._writer is not None:
            loop, room = self._writer
            self._writer = None
            loop.call_soon_threadsafe(room.set)


def _size(item: Item) -> int:
    return len(item.payload) if isinstance(item, RawMessage) else 0
