"""Calls that know no time-out, ended by somebody who does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class AbandonedError(Exception):
    """The caller no longer waits: whoever still works for it must stop."""


class DeadlineCall(Generic[Result]):
    """One call in a thread of its own, given up at a deadline.

    The thread of a call that hangs inside a client cannot be stopped, only left behind. So that
    it does no harm when it wakes, it asks at each point of no return whether it may still pass.

    Args:
        work: What to do; asks `point_of_no_return` before what cannot be taken back.

    Example:
        >>> call = DeadlineCall(lambda call: "done" if call.point_of_no_return("commit") else "")
        >>> call.within(1_000)
        'done'
        >>> call.passed
        'commit'
    """

    def __init__(self, work: Callable[[DeadlineCall[Result]], Result]) -> None:
        self.passed = ""
        self._work = work
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._abandoned = False
        self._results: list[Result] = []
        self._error: BaseException | None = None

    @property
    def abandoned(self) -> bool:
        """Whether the caller has stopped waiting."""
        return self._abandoned

    def point_of_no_return(self, name: str) -> bool:
        """Pass a point, in the thread that works.

        Raises:
            AbandonedError: The caller has given up and counts on this point not being passed.
        """
        with self._lock:
            if self._abandoned:
                raise AbandonedError(name)
            self.passed = name
        return True

    def within(self, deadline_ms: float) -> Result:
        """Run it, and wait so long.

        Returns:
            What the work returned.

        Raises:
            TimeoutError: It was given up; `passed` is final.
            BaseException: What the work raised.
        """
        threading.Thread(target=self._run, name="rotascope-deadline-call", daemon=True).start()
        self._ended.wait(deadline_ms / 1000)
        with self._lock:
            if not self._ended.is_set():
                self._abandoned = True
                raise TimeoutError(f"no answer within {deadline_ms:.0f} ms")
        if self._error is not None:
            raise self._error
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work(self))
        except BaseException as error:  # it is raised again where somebody waits
            self._error = error
        finally:
            with self._lock:
                self._ended.set()
