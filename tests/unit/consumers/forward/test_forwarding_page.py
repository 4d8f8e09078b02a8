"""The receiver's code in docs/forwarding.md works on what the forwarder sends."""

from __future__ import annotations

import re
import sqlite3
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

import core
from consumers.forward.signing import Signer

PAGE = Path(core.__file__).parents[1] / "docs" / "forwarding.md"
SECRET = b"a secret of this test"
NOW_S = 1_720_728_001


@pytest.fixture
def code() -> dict[str, Any]:
    found: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), found)  # noqa: S102 - our own documentation
    return found


def signed(body: bytes) -> Message:
    headers = Message()
    for name, value in Signer(SECRET).headers(body, timestamp_s=NOW_S).items():
        headers[name] = value
    return headers


def test_a_genuine_post_is_recognised(code: dict[str, Any]) -> None:
    assert code["is_genuine"](signed(b"{}"), b"{}", SECRET, NOW_S + 200)


@pytest.mark.parametrize(
    ("body", "secret", "now_s"),
    [(b"{ }", SECRET, NOW_S), (b"{}", b"another secret", NOW_S), (b"{}", SECRET, NOW_S + 301)],
)
def test_a_forged_or_an_old_post_is_not(code: dict[str, Any], body: bytes, secret: bytes, now_s: int) -> None:
    assert not code["is_genuine"](signed(b"{}"), body, secret, now_s)


@pytest.mark.parametrize("timestamp", ["", "soon", "1e9", "٣", "9" * 5_000])
def test_a_timestamp_that_is_none_is_not(code: dict[str, Any], timestamp: str) -> None:
    headers = signed(b"{}")
    headers.replace_header("Rotascope-Timestamp", timestamp)
    assert not code["is_genuine"](headers, b"{}", SECRET, NOW_S)


def test_an_event_is_handled_once(code: dict[str, Any]) -> None:
    database, handled = sqlite3.connect(":memory:"), []

    def fail() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        code["handle_once"](database, "a", fail)
    for event_id in ("a", "b", "a"):
        code["handle_once"](database, event_id, lambda event_id=event_id: handled.append(event_id))
    assert handled == ["a", "b"]
    database.close()
