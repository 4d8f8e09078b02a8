"""Addresses that are accepted, and what is said of those that are not."""

from __future__ import annotations

import pytest

from consumers.forward.destination import Destination
from core.model.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://example.com", "example.com", "/"),
        ("https://example.com:8443/a/b?key=1", "example.com:8443", "/a/b?key=1"),
        ("http://127.0.0.1:80/x", "127.0.0.1", "/x"),
        ("http://[::1]:9000/", "[::1]:9000", "/"),
        ("http://localhost:9000", "localhost:9000", "/"),
        (" https://EXAMPLE.com/#part ", "example.com", "/"),
        ("https://bücher.example/", "xn--bcher-kva.example", "/"),
    ],
)
def test_what_is_accepted(url: str, authority: str, target: str) -> None:
    destination = Destination.parse(url)
    assert (destination.authority, destination.target) == (authority, target)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.com/", "http is not encrypted"),
        ("http://10.0.0.7/", "http is not encrypted"),
        ("http://localhost.example.com/", "http is not encrypted"),
        ("https://user:hunter2@example.com/", "credentials in an address"),
        ("https://hunter2@example.com/", "credentials in an address"),
        ("ftp://example.com/hunter2", "begins with https"),
        ("example.com/hunter2", "begins with https"),
        ("https:///hunter2", "begins with https"),
        ("", "begins with https"),
        ("https://example.com:99999/hunter2", "not an address"),
        ("https://[::1/hunter2", "not an address"),
        ("https://example.com/hunter2 b", "percent-encoded"),
        ("https://example.com/hunter2ü", "percent-encoded"),
    ],
)
def test_what_is_refused_and_that_nothing_secret_is_shown(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as raised:
        Destination.parse(url)
    assert raised.value.operator_action
    assert "hunter2" not in str(raised.value)


def test_each_address_has_a_group_of_its_own_that_does_not_give_it_away() -> None:
    one, other = (Destination.parse(f"https://example.com/{key}") for key in ("secret-1", "secret-2"))
    assert one.group_id != other.group_id
    assert one.group_id == Destination.parse("https://example.com/secret-1").group_id
    assert one.group_id.startswith("rotascope-forward-")
    assert "secret" not in one.group_id + one.shown
