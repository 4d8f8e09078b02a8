"""Plays one recording to one key: schedules the frames and injects the faults.

A player outlives connections. Like a live feed it does not rewind: a client that reconnects gets
what follows. At a set speed the stream continues while no client is connected; without one it waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.model.records import NANOSECONDS_PER_SECOND
from producers.replay.protocol import Subscriptions, error_message
from producers.replay.recording import Recording
from producers.replay.settings import Faults, ReplaySettings
from producers.replay.wire import Codec

TRADES_PER_TURN: Final = 8192
"""Maximum trades encoded before yielding to the event loop."""

SHORTEST_SLEEP_S: Final = 0.002


class Outlet(Protocol):
    """Connection that a player writes to."""

    async def send(self, frame: bytes) -> None:
        """Send one frame, waiting while the client reads slowly."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close with the closing handshake."""
        ...

    def abort(self) -> None:
        """Cut the connection."""
        ...


class HungUp(Exception):
    """A fault ended the connection; the stream resumes on the next one."""


class Player:
    """The stream of one key.

    Args:
        recording: What is played.
        settings: Pace and frame size.
        faults: What goes wrong.
        wall_clock_s: Monotonic wall time in seconds.
    """

    def __init__(
        self,
        recording: Recording,
        settings: ReplaySettings,
        faults: Faults,
        wall_clock_s: Callable[[], float],
    ) -> None:
        self._recording = recording
        self._settings = settings
        self._faults = faults
        self._wall_clock_s = wall_clock_s
        self._play_ns = play_time_ns(recording.trades["ts_event"], settings.longest_gap_s)
        self._injections = sorted(faults.injections, key=lambda injection: injection.ts_event_ns)
        instants = [injection.ts_event_ns for injection in self._injections]
        self._injection_rows = np.searchsorted(recording.trades["ts_event"], instants).tolist()
        self._injected = 0
        self._started_wall_s: float | None = None
        self._held_frame: bytes | None = None
        self.position = 0
        self.frames_sent = 0
        self.trades_sent = 0
        self.trades_missed = 0

    @property
    def ended(self) -> bool:
        """Whether the whole recording has been played."""
        return self.position >= len(self._recording) and self._injected >= len(self._injections)

    @property
    def ts_event_ns(self) -> int:
        """Event time the stream has reached."""
        row = min(self.position, len(self._recording) - 1)
        return int(self._recording.trades["ts_event"][row])

    async def play(self, outlet: Outlet, codec: Codec, subscriptions: Subscriptions) -> None:
        """Play from the current position to the end of the recording.

        Args:
            outlet: The connection.
            codec: Its wire format.
            subscriptions: Checked on every turn, so that changes take effect.

        Raises:
            HungUp: A fault ended the connection.
        """
        self._resume()
        while not self.ended:
            due, injection_row = self._due(), self._next_injection_row()
            stop = min(due, injection_row, self.position + TRADES_PER_TURN)
            if self.position < stop:
                await self._turn(stop, outlet, codec, subscriptions)
            elif injection_row <= due:
                await self._inject(outlet, codec, subscriptions)
            else:
                await asyncio.sleep(self._wait_s())
        await self._release_held_frame(outlet)

    def _resume(self) -> None:
        if self._started_wall_s is None:
            self._started_wall_s = self._wall_clock_s()
        elif self._settings.speed > 0:
            due = self._due()
            self.trades_missed += max(0, due - self.position)
            self.position = max(self.position, due)

    def _due(self) -> int:
        """First row that is not due yet."""
        if self._settings.speed == 0 or self._started_wall_s is None:
            return len(self._recording)
        elapsed_s = self._wall_clock_s() - self._started_wall_s
        played_ns = elapsed_s * self._settings.speed * NANOSECONDS_PER_SECOND
        return int(np.searchsorted(self._play_ns, played_ns, side="right"))

    def _next_injection_row(self) -> int:
        """Row before which the next injected message is sent; past the end if there is none."""
        if self._injected < len(self._injections):
            return int(self._injection_rows[self._injected])
        return len(self._recording) + 1

    def _wait_s(self) -> float:
        if self._started_wall_s is None or self.position >= len(self._recording):
            return SHORTEST_SLEEP_S
        due_s = float(self._play_ns[self.position]) / NANOSECONDS_PER_SECOND / self._settings.speed
        return max(SHORTEST_SLEEP_S, self._started_wall_s + due_s - self._wall_clock_s())

    async def _turn(self, stop: int, outlet: Outlet, codec: Codec, subscriptions: Subscriptions) -> None:
        """Send the subscribed trades of rows `position` to `stop`."""
        first = self.position
        trades = self._recording.trades[first:stop]
        wanted = np.array([subscriptions.wants_trades_of(symbol) for symbol in self._recording.symbols])
        kept = np.flatnonzero(wanted[trades["symbol"]])
        starts = range(0, len(kept), self._settings.trades_per_frame)
        frames = codec.trades(self._recording, trades[kept], starts) if len(kept) else []
        for start, frame in zip(starts, frames, strict=True):
            end = min(start + self._settings.trades_per_frame, len(kept))
            # Advanced before the send: frames handed to one connection are not sent again on the next one.
            self.position = first + int(kept[end - 1]) + 1
            self.trades_sent += end - start
            await self._deliver(frame, outlet, codec)
        self.position = stop
        await asyncio.sleep(0)

    async def _inject(self, outlet: Outlet, codec: Codec, subscriptions: Subscriptions) -> None:
        message = self._injections[self._injected].message
        self._injected += 1
        if subscriptions.wants(message):
            await outlet.send(codec.messages([message]))

    async def _deliver(self, frame: bytes, outlet: Outlet, codec: Codec) -> None:
        self.frames_sent += 1
        number, faults = self.frames_sent, self._faults
        if number in faults.out_of_order and self._held_frame is None:
            self._held_frame = frame
        else:
            await outlet.send(frame)
            if number in faults.duplicate:
                await outlet.send(frame)
            await self._release_held_frame(outlet)
        if number in faults.garbage_after:
            await outlet.send(codec.garbage)
        if number in faults.internal_error_after:
            await outlet.send(codec.messages([error_message(500)]))
        if number in faults.slow_client_after:
            await outlet.send(codec.messages([error_message(407)]))
            await outlet.close(1008, "slow client")
            raise HungUp
        if number in faults.disconnect_after:
            outlet.abort()
            raise HungUp
        if number in faults.mute_after:
            await asyncio.get_running_loop().create_future()

    async def _release_held_frame(self, outlet: Outlet) -> None:
        if self._held_frame is not None:
            frame, self._held_frame = self._held_frame, None
            await outlet.send(frame)


def play_time_ns(ts_event_ns: NDArray[np.int64], longest_gap_s: float) -> NDArray[np.int64]:
    """Return event times with long gaps shortened.

    Args:
        ts_event_ns: Ascending times (n,), ns.
        longest_gap_s: Longer gaps are shortened to this.

    Returns:
        Nanoseconds since the first time (n,), ascending.

    Example:
        >>> play_time_ns(np.array([5, 6, 90_000_000_006]), 1.0).tolist()
        [0, 1, 1000000001]
    """
    gaps = np.minimum(
        np.diff(ts_event_ns, prepend=ts_event_ns[:1]), round(longest_gap_s * NANOSECONDS_PER_SECOND)
    )
    return np.cumsum(gaps)
