"""Counts the responses that kafka-python receives, also those without a waiting call, as empty fetches."""

from __future__ import annotations

from typing import Any, Final

from kafka.metrics.measurable_stat import AbstractMeasurableStat

_EVERY_ANSWER: Final = "request-latency"
"""The sensor that kafka-python records once for each answer, on its I/O thread."""


class KafkaPythonAnswerCount(AbstractMeasurableStat):  # type: ignore[misc]  # kafka-python has no types
    """The number of responses to all clients that it was attached to; it never decreases."""

    def __init__(self) -> None:
        self.count = 0

    def attach(self, consumer: Any) -> None:
        """Count the answers of a consumer from now on, and the one that connected it."""
        metrics = consumer._metrics
        metrics.sensor(_EVERY_ANSWER).add(metrics.metric_name("answers", "rotascope"), self)
        self.count += 1

    def record(self, config: Any, value: float, time_ms: float) -> None:
        """See kafka-python's stats: one answer."""
        self.count += 1

    def measure(self, config: Any, now: float) -> float:
        """See kafka-python's stats."""
        return float(self.count)
