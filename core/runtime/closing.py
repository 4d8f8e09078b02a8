"""Cleanup that does not mask an earlier error.

An exception raised in a `finally` replaces the one in flight. The operator would then see how a client
failed to close, and not why the command ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog


def close_quietly(close: Callable[[], object], what: str) -> None:
    """Release a resource; a failure is logged in one line and suppressed.

    Args:
        close: Releases it. Data must have been flushed and checked before.
        what: Name of the resource, for the log.

    Example:
        >>> close_quietly(lambda: None, "nothing")
    """
    try:
        close()
    except Exception as error:
        structlog.get_logger().warning("cleanup failed", what=what, error=repr(error))


@contextmanager
def closing_quietly(close: Callable[[], object], what: str) -> Iterator[None]:
    """Release a resource at the end of a block, like `close_quietly`."""
    try:
        yield
    finally:
        close_quietly(close, what)
