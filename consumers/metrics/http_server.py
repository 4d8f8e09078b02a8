"""/metrics, /livez and /readyz of a worker on one port."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from consumers.metrics.health import Health
from core.runtime import metrics_server


class WorkerMetricsServer(metrics_server.MetricsServer):
    """Serves a registry and a worker's health from its own thread.

    Args:
        registry: Registry served at /metrics.
        health: Evaluates /livez and /readyz.
        host: Name or address to listen on, IPv4 or IPv6.
        port: 0 picks a free port, available as `port`.

    Raises:
        ConfigurationError: The host is not on this machine, or the port is in use or not permitted.
    """

    def __init__(self, registry: CollectorRegistry, health: Health, *, host: str, port: int) -> None:
        def why_not_alive() -> list[str]:
            reason = health.why_not_alive()
            return [] if reason is None else [reason]

        probes = {"/livez": why_not_alive, "/readyz": health.why_not_ready}
        super().__init__(registry, host=host, port=port, probes=probes)
