"""What goes wrong with the broker again and again, in at most one line a minute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog

from core.runtime.line_budget import LineBudget

_NS_PER_SECOND: Final = 1_000_000_000


class TroubleLog:
    """Logs a first failure at once, and then one a minute with the number of those in between.

    In an outage every duty of the loop fails at every turn, each with a message of its own. One
    budget for all of them keeps the log readable; counters have the rest.

    Args:
        monotonic_ns: A clock that never steps back.
    """

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._budget = LineBudget()
        self._not_logged = 0
        self._log = structlog.get_logger("rotascope.worker")

    def failed(self, event: str, **fields: Any) -> None:
        """Log a failure that another try may mend, unless there was a line less than a minute ago."""
        if not self._budget.take(self._now_s()):
            self._not_logged += 1
            return
        if self._not_logged:
            fields["failures_not_logged"] = self._not_logged
        self._not_logged = 0
        self._log.warning(event, **fields)

    def began(self, event: str, **fields: Any) -> None:
        """Log that something has begun to fail; the next failure is logged a minute later."""
        self._budget.spend(self._now_s())
        self._log.warning(event, **fields)

    def ended(self, event: str, **fields: Any) -> None:
        """Log that it fails no more; the next failure is news."""
        self._budget.renew()
        self._not_logged = 0
        self._log.info(event, **fields)

    def _now_s(self) -> float:
        return self._monotonic_ns() / _NS_PER_SECOND
