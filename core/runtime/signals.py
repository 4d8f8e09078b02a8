"""Signals that end a program which has started others."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let the first signal unwind the run, so that no program is left behind; further ones change nothing."""
    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        for each in watched:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    before = {number: signal.signal(number, stop) for number in watched}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)
