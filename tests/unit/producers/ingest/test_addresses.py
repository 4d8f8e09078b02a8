"""Where a secret may go, and what of an address may be printed."""

from __future__ import annotations

import pytest

from core.model.addresses import is_loopback
from core.model.errors import ConfigurationError
from producers.ingest.addresses import holds_credentials, printable, refuse_in_clear


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://stream.example/v2/sip", "wss://stream.example/v2/sip"),
        ("wss://me:hush@stream.example:8443/v2/sip", "wss://stream.example:8443/v2/sip"),
        ("wss://me:hu@sh@stream.example/", "wss://stream.example/"),
        ("wss://stream.example/v2?token=hush", "wss://stream.example/v2"),
        ("wss://stream.example/v2#hush", "wss://stream.example/v2"),
        ("wss://stream.example/v2?next=ws://hush@other/", "wss://stream.example/v2"),
        ("me:hush@stream.example/v2", "stream.example/v2"),
        ("ws://me:hush@[::1", "ws://[::1"),
    ],
)
def test_no_secret_part_is_printed(url: str, shown: str) -> None:
    assert printable(url) == shown
    assert holds_credentials(url) == (url != shown)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True),
        ("10.0.0.1", False), ("192.168.1.1", False), ("127.0.0.1.example", False), ("", False), (None, False),
    ],
)  # fmt: skip
def test_loopback(host: str | None, expected: bool) -> None:
    assert is_loopback(host) == expected


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:9701/v2/sip",
        "ws://[::1]:9701/",
        "ws://localhost/",
        "wss://far.example/",
        "WSS://far.example/",
    ],
)
def test_an_address_that_keeps_the_secret(url: str) -> None:
    assert not refuse_in_clear(url, "alpaca", insecure=False)


@pytest.mark.parametrize("url", ["ws://far.example/v2", "WS://10.0.0.1:80/", "ws://localhost@far.example/"])
def test_an_address_that_shows_the_secret_needs_permission(url: str) -> None:
    with pytest.raises(ConfigurationError, match="not encrypted") as caught:
        refuse_in_clear(url, "alpaca", insecure=False)
    assert "alpaca.insecure = true" in str(caught.value)
    assert refuse_in_clear(url, "alpaca", insecure=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "far.example/v2",
        "http://far.example/",
        "wss://",
        "ws://[::1",
        "wss://far.example:99999/",
        "wss:far",
    ],
)
@pytest.mark.parametrize("insecure", [False, True])
def test_what_is_no_websocket_address(url: str, insecure: bool) -> None:
    with pytest.raises(ConfigurationError, match="not a websocket URL"):
        refuse_in_clear(url, "alpaca", insecure=insecure)


def test_a_web_address_is_refused_with_the_websocket_address_that_it_should_be() -> None:
    for url, right in (
        ("http://127.0.0.1:9701/v2/sip", "ws://127.0.0.1:9701/v2/sip"),
        ("https://me:hush@far.example/v2?token=hush", "wss://far.example/v2"),
        ("far.example/v2", "wss://host/path, or ws://127.0.0.1:port/path for this machine"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            refuse_in_clear(url, "alpaca", insecure=False)
        assert refused.value.operator_action == f"write {right}"
