"""A stop flag that a signal handler may set."""

from __future__ import annotations

import time
from typing import Final

_SLICE_S: Final = 0.1


class StopFlag:
    """Set once, when a stop is requested.

    `threading.Event` is unsuitable: a signal may interrupt the thread that holds its lock.
    """

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """Request the stop."""
        self._set = True

    def is_set(self) -> bool:
        """Whether a stop was requested."""
        return self._set

    def wait(self, seconds: float) -> bool:
        """Wait until a stop is requested, with a timeout.

        Returns:
            Whether it was.
        """
        deadline_s = time.monotonic() + seconds
        while not self._set and (left_s := deadline_s - time.monotonic()) > 0:
            time.sleep(min(left_s, _SLICE_S))
        return self._set
