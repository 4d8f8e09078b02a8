"""Adds a timeout to calls that have none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class AbandonedError(Exception):
    """The caller no longer waits; the worker thread must stop."""


class DeadlineCall(Generic[Result]):
    """One call in its own thread, abandoned at a deadline.

    The thread of a call that hangs inside a client cannot be stopped, only abandoned. So that it has
    no effect if it resumes later, it checks at each point of no return whether it may continue.

    Args:
        work: The call; calls `point_of_no_return` before each irreversible step.

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
        """Pass a point of no return, on the worker thread.

        Raises:
            AbandonedError: The caller has given up and relies on this point not being passed.
        """
        with self._lock:
            if self._abandoned:
                raise AbandonedError(name)
            self.passed = name
        return True

    def within(self, deadline_ms: float) -> Result:
        """Run the call with a deadline.

        Returns:
            Result of the call.

        Raises:
            TimeoutError: The call was abandoned; `passed` is final.
            BaseException: Raised by the call.
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
        except BaseException as error:  # re-raised in the waiting thread
            self._error = error
        finally:
            with self._lock:
                self._ended.set()
