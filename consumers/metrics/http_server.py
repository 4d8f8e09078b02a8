"""/metrics, /livez and /readyz of a worker on one port."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from consumers.metrics.health import Health
from core.runtime import metrics_server


class WorkerMetricsServer(metrics_server.MetricsServer):
    """Serves a registry and a worker's health from a thread of its own.

    Args:
        registry: What /metrics shows.
        health: What /livez and /readyz say.
        host: Name or address to listen on, IPv4 or IPv6.
        port: 0 lets the system choose; `port` then says which it is.

    Raises:
        ConfigurationError: The host is not of this machine, or the port is taken or may not be used.
    """

    def __init__(self, registry: CollectorRegistry, health: Health, *, host: str, port: int) -> None:
        def why_not_alive() -> list[str]:
            reason = health.why_not_alive()
            return [] if reason is None else [reason]

        probes = {"/livez": why_not_alive, "/readyz": health.why_not_ready}
        super().__init__(registry, host=host, port=port, probes=probes)
