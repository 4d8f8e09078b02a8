"""Interface of a feed: one vendor's protocol, without sockets, clocks or threads.

The session asks a feed where to connect and what to send, and passes it the received messages.
A feed's decisions can therefore be tested with bytes alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from core.model.errors import FeedError
from core.model.instruments import Instrument
from core.model.records import TICK

MAX_REJECT_BYTES: Final = 4096
"""Maximum bytes of a refused message in a dead letter."""

MAX_REJECTS: Final = 4096
"""Maximum refused items of one websocket message that get their own dead letter. Further ones share one per
reason, because a dead letter can be a hundred times as large as the item."""

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The library's default of 1 MiB is too small for a busy second in one message."""

END_OF_RECORDING: Final = "end of recording"
"""The last words of a replay server: both ends of the wire must know them."""


class Codec(StrEnum):
    """Wire encoding of messages."""

    JSON = "json"
    MSGPACK = "msgpack"


class RawMessage(NamedTuple):
    """One websocket message as received."""

    payload: bytes
    ts_recv_ns: int


class Reject(NamedTuple):
    """A message that cannot become a tick.

    Args:
        reason: Stable, low-cardinality label.
        payload: The message as received, truncated to 4,096 bytes.
        whole_bytes: Its length before truncation.
        items: Number of items refused for this reason that it represents; the payload is the first one's.
    """

    reason: str
    payload: bytes
    whole_bytes: int
    items: int = 1


def reject(reason: str, payload: bytes) -> Reject:
    """Build a reject, truncating the message to what a dead letter may contain."""
    return Reject(reason, payload[:MAX_REJECT_BYTES], len(payload))


class MessageOutcome(StrEnum):
    """Outcome of a message; every message has exactly one."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    IGNORED = "ignored"
    CONTROL = "control"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Batch:
    """Result of parsing raw messages.

    Args:
        ticks: TICK (n,), in the order received.
        venues: uint8 (n,): the vendor's exchange code, the part of a trade's identity that TICK lacks.
        rejects: Invalid messages, in the order received.
        notices: Errors that the vendor reported in the stream; `action` is the required reaction.
        outcomes: Number of messages by outcome. A payload that is not a list of messages counts
            as one. One message may make several ticks (a correction makes two).
        unknown_conditions: Number of trades with unknown sale conditions.
    """

    ticks: NDArray[np.void]
    venues: NDArray[np.uint8]
    rejects: tuple[Reject, ...] = ()
    notices: tuple[FeedError, ...] = ()
    outcomes: Mapping[MessageOutcome, int] = field(default_factory=dict)
    unknown_conditions: int = 0


def empty_ticks() -> NDArray[np.void]:
    """Return an empty array of ticks."""
    return np.empty(0, TICK)


class Reply(NamedTuple):
    """Reaction of a handshake to one message.

    Args:
        send: Frames to send; the type selects text or binary.
        is_data: The message is market data for the pipeline.
        notices: Errors for the operator; none of them ends the session.
    """

    send: tuple[str | bytes, ...] = ()
    is_data: bool = False
    notices: tuple[FeedError, ...] = ()


class Handshake(Protocol):
    """State machine from an open socket to the stream, without I/O."""

    @property
    def streaming(self) -> bool:
        """Whether login and subscription are complete."""

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Requested symbols that are missing from the vendor's last subscription message."""

    def receive(self, payload: bytes) -> Reply:
        """Handle one message.

        Raises:
            FeedError: The session cannot continue; `action` is the required reaction.
        """

    def overhear(self, payload: bytes) -> bool:
        """Inspect a message of the stream, and return whether it changed the subscription.

        It is cheap for market data and never raises.
        """


class Feed(Protocol):
    """One vendor's protocol."""

    @property
    def name(self) -> str:
        """Name in the registry, metrics and dead letters."""

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Instruments to subscribe to."""

    @property
    def max_message_bytes(self) -> int:
        """Maximum size of a websocket message; a larger one ends the connection."""

    def url(self) -> str:
        """URL of the stream."""

    def headers(self) -> Mapping[str, str]:
        """Headers of the upgrade request."""

    def handshake(self) -> Handshake:
        """Start the handshake of a new connection."""

    def parse(self, messages: Sequence[RawMessage]) -> Batch:
        """Convert raw messages to ticks; never raises on vendor data."""
