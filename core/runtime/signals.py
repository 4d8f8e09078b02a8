"""Signals into an orderly end, in the four ways in which programs need it.

| a program that | uses |
|---|---|
| has started others | `unwound_by_signals` |
| turns a loop, or waits for a broker | `calling_on_signals`, with a `StopFlag` where something waits |
| runs an event loop | `stop_event` |
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, NoReturn

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_SLICE_S: Final = 0.1

Handler = Callable[[int, FrameType | None], None]


class StopFlag:
    """Set once, when a stop is asked for.

    An event would not do: a signal may interrupt the very thread that holds its lock.
    """

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """Ask for the stop."""
        self._set = True

    def is_set(self) -> bool:
        """Whether a stop was asked for."""
        return self._set

    def wait(self, seconds: float) -> bool:
        """Wait until a stop is asked for, at most so long.

        Returns:
            Whether it was.
        """
        deadline_s = time.monotonic() + seconds
        while not self._set and (left_s := deadline_s - time.monotonic()) > 0:
            time.sleep(min(left_s, _SLICE_S))
        return self._set


@contextmanager
def unwound_by_signals() -> Iterator[None]:
    """Unwind the run on the first signal, so that no child program is left running; ignore further ones."""
    watched = (*STOP_SIGNALS, signal.SIGHUP)

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for each in watched:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    with _handling(watched, stop):
        yield


@contextmanager
def calling_on_signals(stop: Callable[[], None], *, once: bool = False) -> Iterator[None]:
    """Let SIGINT and SIGTERM ask for an end in good order.

    Args:
        stop: Called by the handler, so it may take no lock.
        once: A second signal works as usual.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if once:
            for each, usual in before.items():
                signal.signal(each, usual)
        stop()

    with _handling(STOP_SIGNALS, handle) as before:
        yield


@contextmanager
def stop_event() -> Iterator[asyncio.Event]:
    """Give an event that SIGINT and SIGTERM set; for the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


@contextmanager
def _handling(numbers: tuple[signal.Signals, ...], handler: Handler) -> Iterator[dict[signal.Signals, Any]]:
    """Handle signals, and put the handlers of before back at the end."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield dict(before)
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)
