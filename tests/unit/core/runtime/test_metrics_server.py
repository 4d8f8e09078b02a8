"""The HTTP server of both edges, asked over real sockets of this machine."""

from __future__ import annotations

import errno
import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.registry import Collector
from structlog.testing import capture_logs

from core.model.errors import ConfigurationError
from core.runtime import metrics_server
from core.runtime.exit_codes import EXIT_INPUT, exit_code
from core.runtime.metrics_server import CLIENTS_MAX, MetricsServer

WRONG = ["no partition is open"]
UNRESOLVABLE = "no-such-host.invalid"


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("seen", "Things seen.", registry=registry).inc(3)
    return registry


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    probes = {"/livez": lambda: list[str](), "/readyz": lambda: WRONG}
    with MetricsServer(registry(), host="127.0.0.1", port=0, probes=probes) as server:
        yield server


def ask(
    port: int, path: str, method: str = "GET", *, host: str = "127.0.0.1", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def raw(port: int, request: bytes) -> bytes:
    """All the bytes of an answer: a client would hide a body that must not be there."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_get_gives_metrics_and_probes(server: MetricsServer) -> None:
    status, _, body = ask(server.port, "/metrics")
    assert (status, b"seen_total 3.0" in body) == (200, True)
    assert ask(server.port, "/livez")[::2] == (200, b"ok\n")
    assert ask(server.port, "/readyz")[::2] == (503, b"no partition is open\n")
    assert ask(server.port, "/")[::2] == (404, b"there is /metrics, /livez and /readyz\n")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/nowhere"])
def test_head_gives_the_headers_of_get_and_no_body(server: MetricsServer, path: str) -> None:
    status, headers, body = ask(server.port, path)
    assert ask(server.port, path, "HEAD")[0] == status
    head, _, nothing = raw(server.port, f"HEAD {path} HTTP/1.0\r\n\r\n".encode()).partition(b"\r\n\r\n")
    assert nothing == b""
    assert f"Content-Length: {len(body)}".encode() in head
    assert headers["Content-Length"] == str(len(body))


def test_head_of_metrics_has_no_body_either(server: MetricsServer) -> None:
    status, headers, body = ask(server.port, "/metrics", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 0
    assert headers["Content-Type"].startswith("text/plain")
    answer = raw(server.port, b"HEAD /metrics HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"seen_total" not in answer


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_other_methods_are_not_allowed(server: MetricsServer, method: str, path: str) -> None:
    status, headers, body = ask(server.port, path, method)
    assert (status, headers["Allow"], body) == (405, "GET, HEAD", b"use GET, HEAD\n")


def test_a_compressed_answer_is_compressed_still(server: MetricsServer) -> None:
    _, headers, _ = ask(server.port, "/metrics", "HEAD", **{"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip"


@needs_ipv6
@pytest.mark.parametrize("host", ["::", "::1"])
def test_ipv6_addresses_are_served(host: str) -> None:
    with MetricsServer(registry(), host=host, port=0) as server:
        assert ask(server.port, "/metrics", host="::1")[0] == 200
        assert server.url == f"http://[{host}]:{server.port}/metrics"


def test_a_name_is_served_where_ipv4_finds_it() -> None:
    with MetricsServer(registry(), host="localhost", port=0) as server:
        assert ask(server.port, "/metrics")[0] == 200
        assert ask(server.port, "/nowhere")[2] == b"there is /metrics\n"


def refused(host: str, port: int = 0) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        MetricsServer(registry(), host=host, port=port)
    assert exit_code(caught.value) == EXIT_INPUT
    assert caught.value.operator_action is not None
    return caught.value


@pytest.mark.parametrize("host", [UNRESOLVABLE, "a" * 64 + ".example", "no host", "127.0.0.1.1"])
def test_a_host_without_an_address_is_named_and_the_port_is_not_blamed(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host == UNRESOLVABLE:  # no name server is asked in a test

        def unknown(*arguments: object, **options: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr("core.runtime.metrics_server.socket.getaddrinfo", unknown)
    error = refused(host)
    assert error.message == f"cannot serve metrics on {host}:0: the host cannot be resolved"
    assert "port" not in str(error.operator_action)


def test_an_address_of_another_machine_is_named() -> None:
    error = refused("192.0.2.1", 9_464)
    assert error.message == "cannot serve metrics on 192.0.2.1:9464: this machine has no such address"
    assert "port" not in str(error.operator_action)


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        error = refused("127.0.0.1", port)
    assert error.message == f"cannot serve metrics on 127.0.0.1:{port}: the port is in use"
    assert error.operator_action == "choose another --metrics-port, or 0 for a free one"


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.EACCES, "a port below 1024 needs elevated privileges"), (errno.ENOBUFS, "buffer")],
)
def test_what_else_the_system_refuses_is_said(
    number: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(metrics_server._Server):
        def server_bind(self) -> None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(metrics_server, "_Server", Refusing)
    assert said in refused("127.0.0.1", 80).message


def hanging(port: int, count: int) -> list[socket.socket]:
    """Clients that connect and never ask."""
    return [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(count)]


def test_clients_that_hang_delay_nobody_and_are_cut_off() -> None:
    with MetricsServer(registry(), host="127.0.0.1", port=0, silence_max_s=0.5) as server:
        silent = hanging(server.port, CLIENTS_MAX - 1)
        assert ask(server.port, "/metrics")[0] == 200
        assert [client.recv(1) for client in silent] == [b""] * len(silent), "closed by the server"
        assert ask(server.port, "/metrics")[0] == 200
        for client in silent:
            client.close()


def test_more_clients_than_it_serves_are_refused_and_room_comes_back() -> None:
    with MetricsServer(registry(), host="127.0.0.1", port=0, silence_max_s=0.5, clients_max=2) as server:
        first, second, third = hanging(server.port, 3)
        assert third.recv(1) == b""
        assert (first.recv(1), second.recv(1)) == (b"", b"")
        deadline = time.monotonic() + 10
        while True:
            try:
                assert ask(server.port, "/metrics")[0] == 200
                break
            except (ConnectionError, http.client.HTTPException):
                assert time.monotonic() < deadline
        for client in (first, second, third):
            client.close()


def test_a_scraper_that_does_not_take_its_answer_is_cut_off() -> None:
    large = CollectorRegistry()
    seen = Counter("seen", "Things seen.", ["what"], registry=large)
    for number in range(40_000):
        seen.labels(f"{number:0100d}")
    with (
        MetricsServer(large, host="127.0.0.1", port=0, silence_max_s=0.5) as server,
        socket.socket() as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert client.recv(1) == b"H"
        busy = threading.active_count()
        deadline = time.monotonic() + 30
        while threading.active_count() >= busy:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert ask(server.port, "/nowhere")[0] == 404


def test_metrics_that_cannot_be_collected_are_an_answer_and_a_line_of_the_log() -> None:
    class Broken(Collector):
        def collect(self) -> Iterator[Metric]:
            raise ValueError("no such state")

    broken = CollectorRegistry()
    broken.register(Broken())
    with capture_logs() as logs, MetricsServer(broken, host="127.0.0.1", port=0) as server:
        assert ask(server.port, "/metrics")[::2] == (500, b"see the log\n")
        assert ask(server.port, "/nowhere")[0] == 404
    assert [line["event"] for line in logs] == ["the metrics could not be collected"]
