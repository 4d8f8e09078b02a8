"""Counts the responses that librdkafka receives, also those without a waiting call, as empty fetches."""

from __future__ import annotations

import json
from typing import Any, Final

_LONGEST_MS: Final = 1_000
_SHORTEST_MS: Final = 100


class ConfluentAnswerCount:
    """The number of responses to all clients configured with it; it never decreases."""

    def __init__(self) -> None:
        self.count = 0

    def note(self) -> None:
        """Count an answer that a call has waited for."""
        self.count += 1

    def configuration(self, silence_ms: int) -> dict[str, Any]:
        """Give librdkafka's properties for statistics often enough to detect such a silence.

        Args:
            silence_ms: The silence that matters, in ms.
        """
        counted = 0

        def take(statistics: str) -> None:
            nonlocal counted
            received = int(json.loads(statistics).get("rx", 0))
            self.count += max(0, received - counted)
            counted = received

        interval_ms = max(_SHORTEST_MS, min(_LONGEST_MS, silence_ms // 4))
        return {"statistics.interval.ms": interval_ms, "stats_cb": take}
