"""Whose turn it is, where only one of several may be served at a time."""

from __future__ import annotations

from collections.abc import Collection


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
