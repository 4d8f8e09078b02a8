"""Counts the answers that librdkafka gets, also those that nobody waits for, as an empty fetch."""

from __future__ import annotations

import json
from typing import Any, Final

_LONGEST_MS: Final = 1_000
_SHORTEST_MS: Final = 100


class ConfluentAnswerCount:
    """The number of answers of all clients that were configured with it; it never shrinks."""

    def __init__(self) -> None:
        self.count = 0

    def note(self) -> None:
        """Count an answer that a call has waited for."""
        self.count += 1

    def configuration(self, silence_ms: int) -> dict[str, Any]:
        """In librdkafka's words: tell often enough that so long a silence can be told from none.

        Args:
            silence_ms: The silence that matters, in ms.
        """
        told = 0

        def take(statistics: str) -> None:
            nonlocal told
            received = int(json.loads(statistics).get("rx", 0))
            self.count += max(0, received - told)
            told = received

        interval_ms = max(_SHORTEST_MS, min(_LONGEST_MS, silence_ms // 4))
        return {"statistics.interval.ms": interval_ms, "stats_cb": take}
