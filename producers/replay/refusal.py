"""Why the replay server refused a client, in words for the person who started it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from producers.replay.protocol import ERRORS

_LONGEST_KEY: Final = 40
_BAD_KEY: Final = 402
_CONNECTED: Final = 406
_BAD_FEED: Final = 409


class RefusedClient(NamedTuple):
    """A refused client.

    Args:
        code: The vendor's error code that the client was sent.
        message: What was wrong; contains the key, never a secret.
        operator_action: How to correct it.
    """

    code: int
    message: str
    operator_action: str


def refusal_of(code: int, key: object, feed: str, *, known: bool, feeds: Sequence[str]) -> RefusedClient:
    """Word a refusal.

    Args:
        code: The error code.
        key: The key that the client sent.
        feed: Last part of the path that it asked for.
        known: Whether the server has this key.
        feeds: Feeds that are served.

    Example:
        >>> refusal_of(402, "mine", "sip", known=False, feeds=("sip",)).message
        "a client was refused: no key 'mine' (402 auth failed)"
    """
    shown = repr(key)[: _LONGEST_KEY + 2]
    reason, action = f"key {shown}", "see the client's log"
    if code == _BAD_KEY:
        reason = f"the secret of key {shown} is wrong" if known else f"no key {shown}"
        action = (
            "start the client with the key and secret of this server: ROTASCOPE_REPLAY_KEY and "
            'ROTASCOPE_REPLAY_SECRET, both "replay" unless set'
        )
    elif code == _CONNECTED:
        reason = f"key {shown} is connected already"
        action = "stop the other client: each key allows one connection"
    elif code == _BAD_FEED:
        reason = f"no feed {feed[:_LONGEST_KEY]!r}"
        action = f"end the client's URL with /v2/ and one of {', '.join(feeds)}"
    return RefusedClient(code, f"a client was refused: {reason} ({code} {ERRORS.get(code, 'error')})", action)
