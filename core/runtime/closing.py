"""Cleanup that never hides the error which led to it.

An exception raised in a `finally` replaces the one that is on its way. An operator then reads how a
client failed to close, and not why the command ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog


def close_quietly(close: Callable[[], object], what: str) -> None:
    """Release something; a failure to do so is logged in one line and goes no further.

    Args:
        close: Releases it. What must not be lost has been flushed and checked before.
        what: Its name, for the log.

    Example:
        >>> close_quietly(lambda: None, "nothing")
    """
    try:
        close()
    except Exception as error:
        structlog.get_logger().warning("cleanup failed", what=what, error=repr(error))


@contextmanager
def closing_quietly(close: Callable[[], object], what: str) -> Iterator[None]:
    """Release something at the end of a block, as `close_quietly` does."""
    try:
        yield
    finally:
        close_quietly(close, what)
