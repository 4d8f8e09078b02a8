"""One thing that the loop has to do, apart from the others."""

from __future__ import annotations

from collections.abc import Callable

from consumers.worker.trouble_log import TroubleLog
from core.model.errors import TransportError


def done(duty: Callable[[], object], trouble: TroubleLog) -> bool:
    """Do it; where the broker does not let us, note that, so that the next duty has its turn.

    Args:
        duty: What to do; it is tried again in the next round.
        trouble: Where a failure is told.

    Returns:
        Whether it was done.

    Raises:
        TransportError: Not retriable: no other try can help.
    """
    try:
        duty()
    except TransportError as error:
        if not error.retriable:
            raise
        trouble.failed("broker failed, trying again", error=error.message)
        return False
    return True
