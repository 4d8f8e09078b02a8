"""Detects two workers with the same transactional id: their producers fence each other repeatedly."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

import structlog

from core.model.errors import TransportError

_FENCES_MAX: Final = 5
_WITHIN_S: Final = 60.0


class Fences:
    """Distinguishes a slow worker, fenced once, from one whose transactional id is used twice.

    Args:
        transactional_id: For the message.
    """

    def __init__(self, transactional_id: str) -> None:
        self._transactional_id = transactional_id
        self._at: deque[float] = deque(maxlen=_FENCES_MAX)
        self._log = structlog.get_logger("rotascope.worker").bind(transactional_id=transactional_id)

    def note(self, reason: str) -> None:
        """Count one fencing.

        Raises:
            TransportError: Not retriable: too many of them in too short a time.
        """
        now = time.monotonic()
        self._at.append(now)
        self._log.warning("the producer was fenced", reason=reason)
        if len(self._at) == _FENCES_MAX and now - self._at[0] < _WITHIN_S:
            error = TransportError(
                f"{_FENCES_MAX} transactions within {_WITHIN_S:g} s were fenced by another producer "
                f"with the transactional id {self._transactional_id}",
                operator_action="give every worker a slot of its own, and start each partition once",
            )
            error.retriable = False
            raise error
