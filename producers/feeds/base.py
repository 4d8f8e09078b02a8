"""What a feed is: one vendor's language, without a socket, a clock or a thread.

The session shell asks a feed where to connect and what to say, and hands it what came back.
Everything a feed decides is therefore tested with bytes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.model.errors import FeedError
from core.model.instruments import Instrument, Source
from core.model.records import TICK

MAX_REJECT_BYTES: Final = 4096
"""As much of a refused message as a dead letter keeps."""

MAX_REJECTS: Final = 4096
"""Refused items of one websocket message that get a dead letter each. Further ones share one for each
reason: a dead letter can be a hundred times as large as the item."""

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The library's 1 MiB is too little for a busy second in one message."""

END_OF_RECORDING: Final = "end of recording"
"""The last words of a replay server: both ends of the wire must know them."""


class Codec(StrEnum):
    """How messages are written on the wire."""

    JSON = "json"
    MSGPACK = "msgpack"


class RawMessage(NamedTuple):
    """One websocket message as the reader saw it."""

    payload: bytes
    ts_recv_ns: int


class Reject(NamedTuple):
    """A message that cannot become a tick.

    Args:
        reason: Stable, low-cardinality label.
        payload: The message as received, cut at 4,096 bytes.
        whole_bytes: Its length before it was cut.
        items: Messages refused for this reason that it stands for; the payload is the first one's.
    """

    reason: str
    payload: bytes
    whole_bytes: int
    items: int = 1


def reject(reason: str, payload: bytes) -> Reject:
    """Refuse a message, and keep as much of it as a dead letter may hold."""
    return Reject(reason, payload[:MAX_REJECT_BYTES], len(payload))


class Outcome(StrEnum):
    """What became of a message; every message has exactly one."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IGNORED = "ignored"
    CONTROL = "control"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a feed made of some raw messages.

    Args:
        ticks: TICK (n,), in the order received.
        venues: uint8 (n,): the vendor's exchange code, the part of a trade's identity TICK lacks.
        rejects: Messages that cannot be used, in the order received.
        notices: Errors the vendor reported in the stream; `action` says what must follow.
        outcomes: How many messages came to which end. A payload that is no list of messages
            counts as one. One message may make several ticks (a correction makes two).
        unknown_conditions: Trades whose sale conditions the table does not know.
    """

    ticks: NDArray[np.void]
    venues: NDArray[np.uint8]
    rejects: tuple[Reject, ...] = ()
    notices: tuple[FeedError, ...] = ()
    outcomes: Mapping[Outcome, int] = field(default_factory=dict)
    unknown_conditions: int = 0


def empty_ticks() -> NDArray[np.void]:
    """Give no ticks at all."""
    return np.empty(0, TICK)


class Reply(NamedTuple):
    """What a handshake wants after one message.

    Args:
        send: Frames to send, text or binary by type.
        is_data: The message is market data and belongs to the pipeline.
        notices: What an operator should know; none of them ends the session.
    """

    send: tuple[str | bytes, ...] = ()
    is_data: bool = False
    notices: tuple[FeedError, ...] = ()


class Handshake(Protocol):
    """From an open socket to the stream, as a state machine without I/O."""

    @property
    def streaming(self) -> bool:
        """Log-in and subscription are done."""

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Symbols asked for that the vendor's last word on the subscription does not name."""

    def receive(self, payload: bytes) -> Reply:
        """Take one message.

        Raises:
            FeedError: The session cannot go on; `action` says what follows.
        """

    def overhear(self, payload: bytes) -> bool:
        """Look at a message of the stream, and say whether it changed the subscription.

        It costs next to nothing for market data, and raises nothing.
        """


class Feed(Protocol):
    """One vendor's language."""

    @property
    def name(self) -> str:
        """The name used in the registry, metrics and dead letters."""

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What it subscribes to."""

    @property
    def max_message_bytes(self) -> int:
        """A larger websocket message ends the connection."""

    def url(self) -> str:
        """Where to connect."""

    def headers(self) -> Mapping[str, str]:
        """Headers of the upgrade request."""

    def handshake(self) -> Handshake:
        """Start a log-in on a new connection."""

    def parse(self, messages: Sequence[RawMessage]) -> Batch:
        """Turn raw messages into ticks; never raises on what a vendor may send."""


@dataclass(frozen=True, slots=True)
class FeedConfiguration:
    """Everything a feed is made from.

    Args:
        url: Where to connect, channel included; it may hold a password.
        key: The vendor's key id.
        secret: The vendor's secret; never logged.
        codec: How messages are written.
        source: The source that its ticks carry.
        instruments: What to subscribe to, the most important first.
        max_message_bytes: A larger websocket message ends the connection.
    """

    url: str = field(repr=False)
    key: str = field(repr=False)
    secret: str = field(repr=False)
    codec: Codec
    source: Source
    instruments: tuple[Instrument, ...]
    max_message_bytes: int = MAX_MESSAGE_BYTES


FeedFactory = Callable[[FeedConfiguration], Feed]
