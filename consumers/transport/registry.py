"""The clients a worker can use: one line each, and the contract tests run over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from consumers.transport.seam import Transport
from core.model.errors import ConfigurationError
from core.model.settings import KafkaSettings, WorkerSettings

MakeTransport = Callable[[KafkaSettings, WorkerSettings, str, bool], Transport]


def _kafka_python(
    settings: KafkaSettings, worker: WorkerSettings, client_id: str, connected: bool
) -> Transport:
    from consumers.transport.kafka_python import KafkaPythonTransport

    return KafkaPythonTransport(settings, worker, client_id=client_id, connected=connected)


def _confluent(settings: KafkaSettings, worker: WorkerSettings, client_id: str, connected: bool) -> Transport:
    from consumers.transport.confluent import ConfluentTransport

    return ConfluentTransport(settings, worker, client_id=client_id, connected=connected)


TRANSPORTS: Final[Mapping[str, MakeTransport]] = {"kafka-python": _kafka_python, "confluent": _confluent}
"""By `kafka.client`. Only the one in use is imported."""


def make_transport(
    settings: KafkaSettings,
    worker: WorkerSettings,
    *,
    client_id: str = "rotascope-worker",
    connected: bool = True,
) -> Transport:
    """Make the client that the settings name.

    Args:
        settings: Addresses, sizes, time-outs, and the client.
        worker: Group, membership and slot.
        client_id: What the broker's logs call this client.
        connected: Whether to connect at once; else `Transport.connect` must come first.

    Raises:
        ConfigurationError: The client is not installed, or an address is none.
        TransportError: No broker answers within `bootstrap_timeout_ms`.
    """
    try:
        return TRANSPORTS[settings.client](settings, worker, client_id, connected)
    except ImportError as error:
        raise ConfigurationError(
            f"client {settings.client!r} cannot be used: {error}",
            operator_action=f"pip install 'rotascope[{settings.client}]', or choose another --client",
        ) from error
