"""Isolates the duties of the loop from each other."""

from __future__ import annotations

from collections.abc import Callable

from consumers.worker.trouble_log import TroubleLog
from core.model.errors import TransportError


def done(duty: Callable[[], object], trouble: TroubleLog) -> bool:
    """Run a duty; a retriable broker failure is logged, so that the next duty runs.

    Args:
        duty: The duty; it is retried in the next round.
        trouble: Where failures are reported.

    Returns:
        Whether it succeeded.

    Raises:
        TransportError: Not retriable.
    """
    try:
        duty()
    except TransportError as error:
        if not error.retriable:
            raise
        trouble.failed("broker failed, retrying", error=error.message)
        return False
    return True
