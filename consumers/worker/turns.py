"""Whose turn it is, where only one of several may be served at a time, and when the next one may be."""

from __future__ import annotations

from collections.abc import Callable, Collection


def next_after(last: int, numbers: Collection[int]) -> int:
    """The smallest number above the last one, else the smallest: each comes once a round.

    Args:
        last: Whose turn it was; a number below all for none.
        numbers: Who waits; not empty.

    Example:
        >>> next_after(2, {1, 2, 5}), next_after(5, {1, 2, 5})
        (5, 1)
    """
    return min((each for each in numbers if each > last), default=min(numbers))


class Pace:
    """Leaves the loop time between questions that have no answer, in proportion to what they took.

    Args:
        monotonic_ns: A clock that never steps back.
        rest: How many times as long as the last question without an answer nothing is asked.

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
        """Whether it is time for a question."""
        return self._monotonic_ns() >= self._not_before_ns

    def begin(self) -> None:
        """A question is asked now."""
        self._begun_ns = self._monotonic_ns()

    def unanswered(self) -> None:
        """The question had no answer."""
        now_ns = self._monotonic_ns()
        self._not_before_ns = now_ns + self._rest * (now_ns - self._begun_ns)

    def forget(self) -> None:
        """Let the next question come without a wait."""
        self._not_before_ns = self._monotonic_ns()
