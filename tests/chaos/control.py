"""Points at which a worker can be held: files in a directory that both sides look at.

A worker runs under `tests.chaos.launch`, which knows the points; the program that disturbs it asks
for one, waits until the worker stands there, does its deed, and lets go. Nothing of this is in the
product, and a worker of which nothing is asked never waits.
"""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path

DEADLINE_S = 60.0
_PAUSE_S = 0.005

RAISING = b"a record whose step raises "
"""How a record begins whose step is made to raise; nothing else does."""


class Point(StrEnum):
    """Places in a worker's turn, and in a producer's."""

    FANNING_OUT = "fanning-out"
    """A producer has sent a second's frames to some partitions, and not to the others."""

    JOINING = "joining"
    """Connected, and about to join the group."""
    STEPPING = "stepping"
    """The main thread is about to step a record."""
    RESTORING = "restoring"
    """The main thread is about to step a record again, muted."""
    PUBLISHING = "publishing"
    """The main thread has gathered an outbox with bars of a minute, and is about to publish it."""
    SENT = "sent"
    """The outbox is flushed: its records are in the log, nothing is committed."""
    COMMITTING = "committing"
    """The offsets are sent; the commit itself comes next."""
    COMMITTED = "committed"
    """The commit has been made; the worker does not know it yet."""
    EXPELLED = "expelled"
    """The group has told the client, on its own thread, that it is no member any more."""


class Control:
    """Both ends of the agreement.

    Args:
        directory: Of one worker process.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def ask(self, point: Point) -> None:
        """Let the worker stop when it next comes to a point."""
        self._file("go", point).unlink(missing_ok=True)
        self._file("at", point).unlink(missing_ok=True)
        self._file("hold", point).touch()

    def has_arrived(self, point: Point) -> bool:
        """Whether the worker stands there."""
        return self._file("at", point).exists()

    def wait_for(self, point: Point, *, deadline_s: float = DEADLINE_S) -> None:
        """Wait until the worker stands there."""
        deadline = time.monotonic() + deadline_s
        while not self.has_arrived(point):
            assert time.monotonic() < deadline, f"no worker came to {point!r} within {deadline_s:g} s"
            time.sleep(_PAUSE_S)

    def hold_at(self, point: Point) -> None:
        """Stop the worker when it next comes to a point, and wait until it stands there."""
        self.ask(point)
        self.wait_for(point)

    def has_passed(self, point: Point) -> bool:
        """Whether the worker came by at least once."""
        return self._file("been", point).exists()

    def forget(self, point: Point) -> None:
        """Look for a pass from now on."""
        self._file("been", point).unlink(missing_ok=True)

    def note(self, point: Point) -> None:
        """The worker's side: say that it came by, and go on."""
        self._file("been", point).touch()

    def let_go(self, point: Point) -> None:
        """Let the worker go on; also takes back what was asked for and not yet reached."""
        self._file("hold", point).unlink(missing_ok=True)
        self._file("go", point).touch()

    def pass_by(self, point: Point) -> None:
        """The worker's side: stop here if that is asked for, until told to go on."""
        hold = self._file("hold", point)
        if not hold.exists():
            return
        try:
            hold.rename(self._file("at", point))
        except FileNotFoundError:  # taken back, or another thread stands here already
            return
        while not self._file("go", point).exists():
            time.sleep(_PAUSE_S)

    def _file(self, kind: str, point: Point) -> Path:
        return self.directory / f"{kind}-{point}"
