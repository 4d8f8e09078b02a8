"""A host name that cannot be resolved is called so, by every command that connects."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from core.kafka import clients
from core.kafka.clients import require_reachable
from core.kafka.host_names import unresolved
from core.model.errors import TransportError
from tests.support.ports import free_port

UNKNOWN = "no-such-host.invalid"


@pytest.fixture(autouse=True)
def name_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers for the unknown host at once, and for numbers as ever."""
    usual = socket.getaddrinfo

    def answer(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == UNKNOWN:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return usual(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_only_unknown_hosts_are_named_each_once() -> None:
    addresses = [(UNKNOWN, 9092), ("127.0.0.1", 9092), (UNKNOWN, 9093)]
    assert unresolved(addresses) == f"; the host name '{UNKNOWN}' cannot be resolved"


def test_a_broker_whose_host_is_unknown_is_not_merely_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_CONNECT_RETRY_S", 0.01)
    port = free_port()
    with pytest.raises(TransportError, match=f"the host name '{UNKNOWN}' cannot be resolved"):
        require_reachable(f"127.0.0.1:{port},{UNKNOWN}:9092", 50)
    with pytest.raises(TransportError, match="Connection refused"):
        require_reachable(f"127.0.0.1:{port}", 50)
