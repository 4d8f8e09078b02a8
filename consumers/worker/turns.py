"""Round-robin selection, and pacing of requests."""

from __future__ import annotations

from collections.abc import Callable, Collection


def next_after(last: int, numbers: Collection[int]) -> int:
    """Return the smallest number above the last one, otherwise the smallest: round-robin.

    Args:
        last: Last selected number; smaller than all if none.
        numbers: Candidates; not empty.

    Example:
        >>> next_after(2, {1, 2, 5}), next_after(5, {1, 2, 5})
        (5, 1)
    """
    return min((each for each in numbers if each > last), default=min(numbers))


class Pace:
    """Spaces requests without a response, in proportion to the time they took.

    Args:
        monotonic_ns: Monotonic clock, ns.
        rest: Pause after a request without a response, as a multiple of its duration.

    Example:
        >>> clock = iter([0, 0, 5, 9, 10])
        >>> pace = Pace(lambda: next(clock))
        >>> pace.begin()
        >>> pace.unanswered()           # it took from 0 to 5
        >>> pace.may_ask, pace.may_ask
        (False, True)
    """

    def __init__(self, monotonic_ns: Callable[[], int], *, rest: int = 1) -> None:
        self._monotonic_ns = monotonic_ns
        self._rest = rest
        self._begun_ns = self._not_before_ns = monotonic_ns()

    @property
    def may_ask(self) -> bool:
        """Whether a request is allowed now."""
        return self._monotonic_ns() >= self._not_before_ns

    def begin(self) -> None:
        """Note the start of a request."""
        self._begun_ns = self._monotonic_ns()

    def unanswered(self) -> None:
        """Note that the request had no response."""
        now_ns = self._monotonic_ns()
        self._not_before_ns = now_ns + self._rest * (now_ns - self._begun_ns)

    def forget(self) -> None:
        """Allow the next request without a pause."""
        self._not_before_ns = self._monotonic_ns()
