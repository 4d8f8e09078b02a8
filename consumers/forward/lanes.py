"""Hands events to the threads that post: side by side, but one after the other within a lane."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any, Final

from consumers.forward.attempts import Attempts
from consumers.forward.messages import HttpMessage

_LONGEST_WAIT_S: Final = 1.0


@dataclass(slots=True, eq=False)
class Lane:
    """The events of one pair in one partition, in order.

    Args:
        part: The partition.
    """

    part: Any
    waiting: deque[PendingEvent] = field(default_factory=deque)
    dropped: bool = False
    """Its partition is no longer ours: what comes of an attempt under way is of no interest."""


@dataclass(slots=True, eq=False)
class PendingEvent:
    """An event on its way to the receiver.

    Args:
        part: Its partition.
        offset: Its place there.
        event_id: The id for de-duplication.
        message: What is posted.
        payload: The record's value, for a dead letter.
        attempts: So far.
    """

    part: Any
    offset: int
    event_id: str
    message: HttpMessage
    payload: bytes
    attempts: Attempts
    lane: Lane | None = None


class Lanes:
    """Events that wait for a post. Used from several threads.

    Args:
        monotonic_s: Monotonic clock, s.
    """

    def __init__(self, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._changed = threading.Condition()
        self._lanes: dict[tuple[Any, bytes | None], Lane] = {}
        self._ready: deque[Lane] = deque()
        self._later: list[tuple[float, int, Lane]] = []
        self._number = 0
        self._not_before_s = 0.0
        self._closed = False

    def add(self, key: bytes | None, event: PendingEvent) -> None:
        """Append an event to the lane of its key."""
        with self._changed:
            lane = self._lanes.get((event.part, key))
            if lane is None:
                lane = self._lanes[event.part, key] = Lane(event.part)
            event.lane = lane
            lane.waiting.append(event)
            if len(lane.waiting) == 1:
                self._ready.append(lane)
                self._changed.notify()

    def take(self) -> PendingEvent | None:
        """Wait for the next event that may be posted; None once closed."""
        with self._changed:
            while not self._closed:
                now_s = self._monotonic_s()
                self._wake(now_s)
                if self._ready and now_s >= self._not_before_s:
                    lane = self._ready.popleft()
                    if lane.dropped:
                        continue
                    return lane.waiting[0]
                self._changed.wait(self._patience_s(now_s))
            return None

    def done(self, event: PendingEvent) -> bool:
        """Take an event out of its lane; the next one of the lane may follow.

        Returns:
            Whether the partition is still ours.
        """
        with self._changed:
            lane = event.lane
            if lane is None or lane.dropped:
                return False
            lane.waiting.popleft()
            if lane.waiting:
                self._ready.append(lane)
                self._changed.notify()
            return True

    def again(self, event: PendingEvent, wait_ms: float) -> None:
        """Let an event be posted again, after a wait; its lane waits with it."""
        with self._changed:
            if event.lane is not None and not event.lane.dropped:
                self._number += 1
                at_s = self._monotonic_s() + wait_ms / 1000
                heapq.heappush(self._later, (at_s, self._number, event.lane))
                self._changed.notify()

    def pause(self, wait_ms: float) -> None:
        """Let nothing be posted for a while: the receiver asked for it."""
        with self._changed:
            self._not_before_s = max(self._not_before_s, self._monotonic_s() + wait_ms / 1000)

    def drop(self, parts: Container[Any]) -> None:
        """Forget the events of partitions that are no longer ours."""
        with self._changed:
            for place, lane in list(self._lanes.items()):
                if lane.part in parts:
                    lane.dropped = True
                    del self._lanes[place]

    def sweep(self) -> None:
        """Forget lanes without events, which would otherwise collect for every pair there ever was."""
        with self._changed:
            self._lanes = {place: lane for place, lane in self._lanes.items() if lane.waiting}

    def close(self) -> None:
        """Give no more events; every thread that waits for one gets None."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wake(self, now_s: float) -> None:
        while self._later and self._later[0][0] <= now_s:
            self._ready.append(heapq.heappop(self._later)[2])
            self._changed.notify()

    def _patience_s(self, now_s: float) -> float:
        waits = [_LONGEST_WAIT_S]
        if self._later:
            waits.append(self._later[0][0] - now_s)
        if self._ready:
            waits.append(self._not_before_s - now_s)
        # With both, the later one counts only where nothing is ready before; a short wait does no harm.
        return max(0.001, min(waits))
