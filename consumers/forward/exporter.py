"""Exports a forwarder's state at a scrape; what is not known is absent."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from consumers.forward.health import ForwardHealth
from consumers.forward.state import ForwardState
from core.model.metrics import METRICS_BY_NAME

_PREFIX = "rotascope_forward_"


class ForwardCollector(Collector):
    """Gauges of a forwarder; its counters are in the same registry.

    Args:
        state: What the loop says of itself.
        health: For `rotascope_forward_ready`.
    """

    def __init__(self, state: ForwardState, health: ForwardHealth) -> None:
        self._state = state
        self._health = health

    def collect(self) -> Iterable[Metric]:
        """Give one family for each value that is known."""
        state = self._state
        values: dict[str, float | None] = {
            "ready": not self._health.why_not_ready(),
            "partitions": state.partitions,
            "pending_records": state.pending,
            "lag_records": state.lag_records,
            "last_success_timestamp_seconds": state.last_success_wall_s,
        }
        for name, value in values.items():
            if value is not None:
                row = METRICS_BY_NAME[_PREFIX + name]
                yield GaugeMetricFamily(row.name, row.help, value=float(value))
