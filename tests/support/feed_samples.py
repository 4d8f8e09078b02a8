"""A small universe and Alpaca messages for tests, as JSON or msgpack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgpack
import msgspec
from pydantic import SecretStr

from core.model.instruments import Instrument, Pair, Source, Universe
from core.model.sessions import Calendar, build_calendar
from core.model.timestamps import rfc3339
from producers.feeds.alpaca.feed import AlpacaFeed
from producers.feeds.alpaca.settings import AlpacaSettings
from producers.feeds.base import Codec

SOURCE = Source(source_id=1, name="alpaca")
HISTORY = Source(source_id=9, name="history")

NOON_NS = int(datetime.fromisoformat("2024-07-11T16:00:00+00:00").timestamp()) * 1_000_000_000
"""A Thursday, noon in New York."""


def instrument(instrument_id: int, symbol: str, listing: str | None = "P") -> Instrument:
    """Give an instrument of the source."""
    return Instrument(
        instrument_id=instrument_id,
        symbol=symbol,
        name=symbol,
        asset_class="etf",
        calendar="XNYS",
        source="alpaca",
        listing_exchange=listing,
        max_age_ms=60_000,
        has_volume=True,
        has_official_close=True,
        group=None,
        sector=None,
    )


INSTRUMENTS = (
    instrument(1, "IWM"),
    instrument(2, "SPY"),
    instrument(3, "QQQ", listing="Q"),
    instrument(7, "AAPL", listing="Q"),
    instrument(12, "RUT", listing=None),
)
UNIVERSE = Universe(
    sources=(SOURCE, HISTORY), instruments=INSTRUMENTS, pairs=(Pair("IWM", "SPY"), Pair("AAPL", "QQQ"))
)


def new_york_2024() -> Calendar:
    """Give the sessions of 2024."""
    return build_calendar("XNYS", date(2024, 1, 1), date(2024, 12, 31))


def alpaca_settings(
    codec: Codec = Codec.JSON, url: str = "ws://127.0.0.1:1/v2/sip", **more: Any
) -> AlpacaSettings:
    """Give the section of a feed that has its keys."""
    return AlpacaSettings(
        url=url, codec=codec, key_id=SecretStr("key"), secret_key=SecretStr("secret"), **more
    )


def alpaca_feed(
    codec: Codec = Codec.JSON,
    url: str = "ws://127.0.0.1:1/v2/sip",
    *,
    instruments: Sequence[Instrument] = INSTRUMENTS,
    **more: Any,
) -> AlpacaFeed:
    """Give a feed of this universe."""
    return AlpacaFeed(alpaca_settings(codec, url, **more), SOURCE, instruments)


def trade(ts_ns: int = NOON_NS, **changes: Any) -> dict[str, Any]:
    """Give a trade; `t` in nanoseconds until it is encoded."""
    return {
        "T": "t",
        "i": 1,
        "S": "IWM",
        "x": "P",
        "p": 201.25,
        "s": 100,
        "t": ts_ns,
        "c": [" "],
        "z": "B",
    } | changes


def wire(messages: Iterable[Mapping[str, Any]], codec: Codec = Codec.JSON) -> bytes:
    """Encode one websocket message the way the vendor does; integers under "t" are instants."""
    if codec is Codec.JSON:
        return msgspec.json.encode([_with_stamp(message, rfc3339) for message in messages])
    packed = msgpack.packb([_with_stamp(message, msgpack.Timestamp.from_unix_nano) for message in messages])
    assert isinstance(packed, bytes)
    return packed


def _with_stamp(message: Mapping[str, Any], encode: Any) -> dict[str, Any]:
    stamp = message.get("t")
    return {**message, "t": encode(stamp)} if isinstance(stamp, int) else dict(message)
