"""Settings of a replay server: pace, limits and faults to inject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.model.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """Settings of a replay server.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 picks a free one.
        credentials: Pairs of key and secret that may connect. Each key has its own stream.
        speed: Event seconds per wall second; 0 plays as fast as the client reads.
        longest_gap_s: Event-time gaps longer than this (nights, weekends) are shortened to this.
        trades_per_frame: Maximum trades per frame.
        wait_for: Playing begins when this many keys have subscribed.
        symbol_limit: Maximum symbols a session may subscribe to; None for no limit.
        feeds: Feeds of the `/v2/<feed>` path that are served.
        auth_timeout_s: How long a client has to authenticate.
        settle_s: Delay between a client's first subscription and the start, so that a client that subscribes
            in several requests misses nothing.
        close_timeout_s: How long a slow client has at the end to read the data in flight.
        repeat: A key that has received the whole recording gets it again on its next connection.

    Raises:
        ConfigurationError: A value is out of range.
    """

    host: str = "127.0.0.1"
    port: int = 0
    credentials: tuple[tuple[str, str], ...] = (("replay", "replay"),)
    speed: float = 0.0
    longest_gap_s: float = 300.0
    trades_per_frame: int = 256
    wait_for: int = 1
    symbol_limit: int | None = None
    feeds: tuple[str, ...] = ("sip", "iex", "delayed_sip", "test")
    auth_timeout_s: float = 10.0
    settle_s: float = 0.05
    close_timeout_s: float = 60.0
    repeat: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.speed < float("inf"):
            raise ConfigurationError(f"speed is {self.speed}", operator_action="use 0 (no pace) or more")
        if not 1 <= self.trades_per_frame <= 0xFFFF:
            raise ConfigurationError(f"a frame holds 1 to 65535 trades, not {self.trades_per_frame}")
        if not self.longest_gap_s > 0:
            raise ConfigurationError(
                f"longest gap is {self.longest_gap_s} s", operator_action="use a value greater than 0"
            )
        if len(dict(self.credentials)) != len(self.credentials) or not self.credentials:
            raise ConfigurationError("at least one key is required, and each key needs exactly one secret")
        if not 1 <= self.wait_for <= len(self.credentials):
            raise ConfigurationError(
                f"cannot wait for {self.wait_for} clients with {len(self.credentials)} keys",
                operator_action="configure one key per client: each key allows one connection",
            )


@dataclass(frozen=True, slots=True)
class Injection:
    """A message that is not a recorded trade: a correction, a cancel, a status.

    Args:
        ts_event_ns: Sent before the first trade at or after this time.
        message: As on the wire, with `t` as an int of nanoseconds.
    """

    ts_event_ns: int
    message: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults to inject.

    Numbers are data frames of one key's stream, counted from 1 over all its connections: each
    fault occurs once, after the frame of that number.

    Args:
        reject_upgrades: This many initial upgrade requests are answered with HTTP 429.
        refuse_auth: Error codes returned to the first authentication attempts, in order.
        internal_error_after: Error 500; the session continues.
        slow_client_after: Error 407, then close 1008.
        mute_after: Nothing more is sent, but the connection stays open and answers pings.
        disconnect_after: The connection is dropped without a closing handshake.
        garbage_after: A frame that cannot be decoded.
        duplicate: These frames are sent twice.
        out_of_order: These frames are sent after the one that follows them.
        injections: Messages sent at their event time.
    """

    reject_upgrades: int = 0
    refuse_auth: tuple[int, ...] = ()
    internal_error_after: frozenset[int] = frozenset()
    slow_client_after: frozenset[int] = frozenset()
    mute_after: frozenset[int] = frozenset()
    disconnect_after: frozenset[int] = frozenset()
    garbage_after: frozenset[int] = frozenset()
    duplicate: frozenset[int] = frozenset()
    out_of_order: frozenset[int] = frozenset()
    injections: tuple[Injection, ...] = field(default=())
