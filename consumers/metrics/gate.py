"""Synchronises processing and scrapes: a scrape sees a consistent state without long waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class StateGate:
    """Mutual exclusion between processing and scraping.

    A plain lock is not enough: the processing thread would release and re-acquire it before a waiting
    scrape wakes up. So both first acquire a turnstile, which a scrape holds until it has finished,
    and the processing thread checks `scrape_waits` after every record and ends its slice early.
    Processing only waits while a scrape reads.
    """

    def __init__(self) -> None:
        self._turnstile = threading.Lock()
        self._state = threading.Lock()
        self._scrape_waits = False

    @property
    def scrape_waits(self) -> bool:
        """Whether the processing thread should end its slice now."""
        return self._scrape_waits

    @contextmanager
    def stepping(self) -> Iterator[None]:
        """Hold the state for one slice of processing."""
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
