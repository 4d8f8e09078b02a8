"""A worker's way to the brokers: open, closed as by brokers that are gone, and open again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from deploy.local.ports import LOOPBACK
from tests.chaos.proxy import Lines, Proxies

TIMEOUT_S = 10.0


@pytest.fixture
def broker() -> Iterator[int]:
    """A port on which whoever connects is greeted."""
    with socket.create_server((LOOPBACK, 0)) as server:

        def greet() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"hello")
                    connection.recv(1)

        threading.Thread(target=greet, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def port_of(lines: Lines) -> int:
    return int(lines.detours[0].partition(":")[2])


def connected(lines: Lines) -> socket.socket:
    connection = socket.create_connection((LOOPBACK, port_of(lines)), TIMEOUT_S)
    assert connection.recv(5) == b"hello"
    return connection


def is_cut(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_closed_way_cuts_and_refuses_and_is_open_on_the_same_port_again(broker: int) -> None:
    with Proxies() as proxies:
        lines = proxies.lines_to([broker])
        port = port_of(lines)
        with connected(lines) as connection:
            proxies.refuse()
            assert is_cut(connection)
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((LOOPBACK, port), TIMEOUT_S)
        proxies.accept()
        assert port_of(lines) == port
        connected(lines).close()


def test_lines_made_while_the_way_is_closed_refuse_too(broker: int) -> None:
    with Proxies() as proxies:
        proxies.refuse()
        lines = proxies.lines_to([broker])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, port_of(lines)), TIMEOUT_S)
        proxies.accept()
        connected(lines).close()


def test_proxies_may_be_left_twice(broker: int) -> None:
    proxies = Proxies()
    with proxies:
        connected(proxies.lines_to([broker])).close()
    proxies.__exit__()
    assert not proxies._thread.is_alive()
