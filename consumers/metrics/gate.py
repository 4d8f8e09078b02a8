"""One thread steps, others scrape; a scrape sees values of one moment and is let in soon."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class StateGate:
    """Mutual exclusion between stepping and scraping.

    A bare lock is not enough: the stepping thread gives it back and takes it again before a
    waiting scrape wakes up. So everybody passes a turnstile first, which a scrape holds until it
    has finished, and the stepping thread asks `scrape_waits` after every record and ends its
    slice early. Stepping waits for a scrape only while that scrape reads.
    """

    def __init__(self) -> None:
        self._turnstile = threading.Lock()
        self._state = threading.Lock()
        self._scrape_waits = False

    @property
    def scrape_waits(self) -> bool:
        """Whether the stepping thread should end its slice now."""
        return self._scrape_waits

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """Hold the state for one slice of steps."""
        with self._turnstile:
            self._state.acquire()
        try:
            yield
        finally:
            self._state.release()

    @contextmanager
    def scraping(self) -> Iterator[None]:
        """Hold the state for one scrape; the next slice begins after it."""
        with self._turnstile:
            self._scrape_waits = True
            self._state.acquire()
            self._scrape_waits = False
            try:
                yield
            finally:
                self._state.release()
