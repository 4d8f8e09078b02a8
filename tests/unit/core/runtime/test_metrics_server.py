"""The HTTP server of both edges, asked over real sockets of this machine."""

from __future__ import annotations

import errno
import http.client
import os
import socket
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter

from core.model.errors import ConfigurationError
from core.runtime import metrics_server
from core.runtime.exit_codes import EXIT_INPUT, exit_code
from core.runtime.metrics_server import MetricsServer

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
