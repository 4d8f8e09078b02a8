"""Rate-limited log of repeated broker failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog

from core.runtime.line_budget import LineBudget

_NS_PER_SECOND: Final = 1_000_000_000


class TroubleLog:
    """Logs the first failure at once, then one per minute with the number of suppressed ones.

    In an outage every duty of the loop fails on every turn, each with its own message. A common limit keeps
    the log readable; counters record the rest.

    Args:
        monotonic_ns: Monotonic clock, ns.
    """

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._budget = LineBudget()
        self._not_logged = 0
        self._log = structlog.get_logger("rotascope.worker")

    def failed(self, event: str, **fields: Any) -> None:
        """Log a retriable failure, unless a line was logged less than a minute ago."""
        if not self._budget.take(self._now_s()):
            self._not_logged += 1
            return
        if self._not_logged:
            fields["failures_not_logged"] = self._not_logged
        self._not_logged = 0
        self._log.warning(event, **fields)

    def began(self, event: str, **fields: Any) -> None:
        """Log the start of an outage; the next failure is logged a minute later."""
        self._budget.spend(self._now_s())
        self._log.warning(event, **fields)

    def ended(self, event: str, **fields: Any) -> None:
        """Log the end of an outage; the next failure is logged at once."""
        self._budget.renew()
        self._not_logged = 0
        self._log.info(event, **fields)

    def _now_s(self) -> float:
        return self._monotonic_ns() / _NS_PER_SECOND
