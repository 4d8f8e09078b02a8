"""One log line a minute for each reason why input cannot be used, with an example."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from core.model.topics import DEAD_LETTERS_TOPIC
from core.runtime.line_budget import LineBudget

TOTALS_EVENT: Final = "dead letters in total"
"""Event of the log line that names every reason at the end of a run."""

LONGEST_EXAMPLE: Final = 200
"""Characters."""


class ReasonLog:
    """Logs refused input: the first of each reason at once, then at most one line a minute.

    Args:
        logger: Name of the logger.
        bound: Fields of every line.
        monotonic_s: Monotonic clock, s.
    """

    def __init__(
        self,
        logger: str,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        **bound: str,
    ) -> None:
        self._log = structlog.get_logger(logger).bind(**bound)
        self._monotonic_s = monotonic_s
        self._budgets: dict[str, LineBudget] = {}
        self._unlogged: dict[str, int] = {}
        self._lock = threading.Lock()

    def note(self, reason: str, example: Callable[[], str], *, items: int = 1, **place: Any) -> None:
        """Count refused input, and log it unless the reason has been logged a moment ago.

        Args:
            reason: Stable label, as in the counter.
            example: Gives the input as text; called only for a line.
            items: Number of items that are refused.
            place: Where it was, as fields of the line.
        """
        with self._lock:
            since = self._unlogged.get(reason, 0) + items
            budget = self._budgets.setdefault(reason, LineBudget())
            logged = budget.take(self._monotonic_s())
            self._unlogged[reason] = 0 if logged else since
        if logged:
            self._log.warning(
                "input dead-lettered",
                reason=reason,
                since_last_line=since,
                example=example()[:LONGEST_EXAMPLE],
                **place,
            )


def log_totals(logger: str, by_reason: Mapping[str, float]) -> None:
    """Log the totals at the end of a run; nothing if no input was refused.

    Args:
        logger: Name of the logger.
        by_reason: Reason → count.
    """
    found = {reason: int(count) for reason, count in sorted(by_reason.items()) if count}
    if found:
        structlog.get_logger(logger).warning(TOTALS_EVENT, reasons=found, topic=DEAD_LETTERS_TOPIC)


def reasons_text(by_reason: Mapping[str, float]) -> str:
    """Word the totals for a summary.

    Args:
        by_reason: Reason → count.

    Returns:
        With a leading space and in brackets; "" if no input was refused.

    Example:
        >>> reasons_text({"late": 3.0, "crc": 1.0, "length": 0.0}), reasons_text({})
        (' (1 crc, 3 late)', '')
    """
    parts = [f"{int(count):,} {reason}" for reason, count in sorted(by_reason.items()) if count]
    return f" ({', '.join(parts)})" if parts else ""


def printable_bytes(payload: bytes) -> str:
    r"""Return the beginning of a message as text.

    Example:
        >>> printable_bytes(b'{"T":"t"}'), printable_bytes(bytes([0x81, 0xff, 10]))
        ('{"T":"t"}', '\\x81\\xff\\n')
    """
    text = payload[:LONGEST_EXAMPLE].decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
