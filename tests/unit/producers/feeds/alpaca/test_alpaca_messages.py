"""Alpaca's messages become ticks: every kind, every refusal, and never a neighbour's loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from core.model.records import TickKind, Update
from producers.feeds.alpaca.feed import AlpacaFeed
from producers.feeds.base import MAX_REJECT_BYTES, Batch, Codec, MessageOutcome, RawMessage
from tests.support.feed_samples import NOON_NS, alpaca_feed, trade, wire

CODECS = list(Codec)


def parse(*messages: Any, codec: Codec = Codec.JSON, feed: AlpacaFeed | None = None) -> Batch:
    """Parse one websocket message of these items."""
    return (feed or alpaca_feed(codec)).parse([RawMessage(wire(messages, codec), 77)])


def correction(**changes: Any) -> dict[str, Any]:
    return {
        "T": "c", "S": "IWM", "x": "P", "z": "B", "t": NOON_NS,
        "oi": 5, "op": 200.0, "os": 10, "oc": [" "],
        "ci": 6, "cp": 200.5, "cs": 20, "cc": [" ", "I"],
    } | changes  # fmt: skip


@pytest.mark.parametrize("codec", CODECS)
def test_a_trade_becomes_a_tick(codec: Codec) -> None:
    big = 2**64 - 1
    batch = parse(trade(NOON_NS + 123_456_789, i=big, p=201.2345, s=3, c=[" ", "I"]), codec=codec)
    (tick,) = batch.ticks
    assert tick["ts_event"] == NOON_NS + 123_456_789
    assert tick["ts_recv"] == 77
    assert tick["price"] == 201_234_500_000
    assert tick["size"] == 3_000_000_000
    assert tick["trade_id"] == big
    assert tick["instrument_id"] == 1
    assert tick["update"] == Update.VOLUME | Update.REGULAR
    assert (tick["kind"], tick["source"]) == (TickKind.TRADE, 1)
    assert batch.venues.tolist() == [ord("P")]


def test_optional_fields_may_be_missing_and_unknown_fields_are_passed_over() -> None:
    plain = {key: value for key, value in trade(new="thing").items() if key not in "xcz"}
    assert parse(plain, trade(c=None)).ticks["update"].tolist() == [Update.ALL, Update.ALL]


@pytest.mark.parametrize(
    ("symbol", "exchange", "official"),
    [("IWM", "P", True), ("IWM", "D", False), ("QQQ", "Q", True), ("RUT", "D", True)],
)
def test_only_the_listing_exchange_prints_an_official_close(
    symbol: str, exchange: str, official: bool
) -> None:
    (tick,) = parse(trade(S=symbol, x=exchange, c=[" ", "6"])).ticks
    assert bool(tick["update"] & Update.OFFICIAL) == official


def test_one_letter_means_different_things_on_different_tapes() -> None:
    """`B` is an average price on tapes A and B, and a bunched trade on tape C."""
    ticks = parse(trade(c=["B"], z="B"), trade(c=["B"], z="C"), trade(c=["B"], z="A")).ticks
    assert [bool(update & Update.LAST) for update in ticks["update"]] == [False, True, False]


def test_unknown_conditions_are_counted_and_move_no_price() -> None:
    batch = parse(trade(c=["?"]), trade(c=["@", "%"]), trade())
    assert batch.unknown_conditions == 2
    assert not batch.ticks["update"][0] & Update.LAST


@pytest.mark.parametrize("codec", CODECS)
def test_a_correction_takes_the_old_trade_back_and_puts_the_new_one_in(codec: Codec) -> None:
    batch = parse(correction(), codec=codec)
    assert batch.ticks["kind"].tolist() == [TickKind.CANCEL, TickKind.CORRECTION]
    assert batch.ticks["trade_id"].tolist() == [5, 6]
    assert batch.ticks["price"].tolist() == [200_000_000_000, 200_500_000_000]
    assert batch.ticks["size"].tolist() == [10_000_000_000, 20_000_000_000]
    assert batch.ticks["update"].tolist() == [Update.ALL, Update.VOLUME | Update.REGULAR]
    assert batch.outcomes[MessageOutcome.ACCEPTED] == 1


def test_half_a_correction_is_no_correction() -> None:
    batch = parse(correction(cp=-1.0))
    assert (len(batch.ticks), [reject.reason for reject in batch.rejects]) == (0, ["price"])


@pytest.mark.parametrize("codec", CODECS)
def test_a_cancel_names_the_trade_that_never_was(codec: Codec) -> None:
    message = {
        "T": "x",
        "S": "SPY",
        "i": 465,
        "x": "D",
        "p": 105.31,
        "s": 300,
        "a": "E",
        "z": "B",
        "t": NOON_NS,
    }
    (tick,) = parse(message, codec=codec).ticks
    assert (tick["kind"], tick["trade_id"], tick["price"]) == (TickKind.CANCEL, 465, 105_310_000_000)


@pytest.mark.parametrize(
    ("tape", "code", "size"),
    [
        ("A", "2", 10**9), ("B", "3", 0), ("C", "H", 10**9), ("C", "P", 10**9), ("O", "T", 0),
        ("B", "5", None), ("A", "E", None), ("B", "F", None),
        ("C", "Q", None), ("C", "2", None), ("", "H", None),
    ],
)  # fmt: skip
def test_status_codes_of_both_networks(tape: str, code: str, size: int | None) -> None:
    message = {"T": "s", "S": "IWM", "sc": code, "sm": "", "rc": "", "rm": "", "z": tape, "t": NOON_NS}
    batch = parse(message)
    if size is None:
        assert (len(batch.ticks), batch.outcomes[MessageOutcome.IGNORED]) == (0, 1)
    else:
        (tick,) = batch.ticks
        assert (tick["kind"], tick["size"], tick["instrument_id"]) == (TickKind.STATUS, size, 1)


BAD_TRADES = [
    ("unknown_symbol", {"S": "NOPE"}),
    ("price", {"p": 0.0}),
    ("price", {"p": 1e-300}),
    ("price", {"p": -1.0}),
    ("price", {"p": 1e12}),
    ("size", {"s": -1}),
    ("size", {"s": 1e12}),
    ("timestamp", {"t": "yesterday"}),
    ("timestamp", {"t": "2608-01-01T00:00:00Z"}),
    ("trade_id", {"i": -1}),
    ("schema", {"p": "201.25"}),
    ("schema", {"s": None}),
    ("schema", {"S": 5}),
    ("schema", {"c": [1]}),
    ("schema", {"c": "@"}),
]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("reason", "changes"), BAD_TRADES)
def test_a_bad_trade_is_refused_with_its_bytes_and_the_rest_goes_on(
    reason: str, changes: dict[str, Any], codec: Codec
) -> None:
    before, bad, after = trade(i=1), trade(i=2) | changes, trade(i=3)
    batch = parse(before, bad, after, codec=codec)
    assert batch.ticks["trade_id"].tolist() == [1, 3]
    (reject,) = batch.rejects
    assert reject.reason == reason
    assert wire([bad], codec).endswith(reject.payload + (b"]" if codec is Codec.JSON else b""))
    assert batch.outcomes == {MessageOutcome.ACCEPTED: 2, MessageOutcome.REJECTED: 1}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_msgpack_can_say_nan_and_is_not_believed(value: float) -> None:
    batch = parse(trade(p=value), trade(s=value), codec=Codec.MSGPACK)
    assert [reject.reason for reject in batch.rejects] == ["price", "size"]


@pytest.mark.parametrize("missing", ["i", "S", "p", "s", "t"])
def test_a_missing_field_is_a_broken_schema(missing: str) -> None:
    message = trade()
    del message[missing]
    batch = parse(message, trade())
    assert [reject.reason for reject in batch.rejects] == ["schema"]
    assert len(batch.ticks) == 1


def test_broken_messages_are_refused_whole_and_cut() -> None:
    feed = alpaca_feed()
    payloads = [b"", b"[{", b"{}", b"7", b'[{"T":"t"', b"[" * 100_000, b"x" * 9_000]
    batch = feed.parse([RawMessage(payload, 1) for payload in [*payloads, wire([trade()])]])
    assert [reject.reason for reject in batch.rejects] == ["malformed"] * len(payloads)
    assert max(len(reject.payload) for reject in batch.rejects) == MAX_REJECT_BYTES
    assert len(batch.ticks) == 1


def test_an_item_that_is_no_object_is_refused_alone() -> None:
    feed = alpaca_feed()
    body = wire([trade()])[1:-1]
    batch = feed.parse([RawMessage(b"[7," + body + b',[],"t",null,' + body + b"]", 1)])
    assert [reject.payload for reject in batch.rejects] == [b"7", b"[]", b'"t"', b"null"]
    assert len(batch.ticks) == 2


def test_control_messages_are_counted_and_errors_become_notices() -> None:
    batch = parse(
        {"T": "success", "msg": "authenticated"},
        {"T": "subscription", "trades": ["IWM"], "quotes": []},
        {"T": "error", "code": 407, "msg": "slow client"},
        {"T": "error", "code": 405, "msg": "symbol limit exceeded"},
        {"T": "q", "S": "IWM"},
        {"T": "newtype"},
        trade(),
    )
    assert batch.outcomes == {
        MessageOutcome.CONTROL: 4,
        MessageOutcome.IGNORED: 1,
        MessageOutcome.UNKNOWN: 1,
        MessageOutcome.ACCEPTED: 1,
        MessageOutcome.REJECTED: 0,
    }
    assert [(notice.code, notice.action) for notice in batch.notices] == [(407, "reconnect"), (405, "ignore")]


def test_order_is_kept_over_kinds_and_messages() -> None:
    feed = alpaca_feed()
    first = wire([trade(i=1), correction(oi=2, ci=3), trade(i=4)])
    second = wire([trade(i=5), trade(i=6)])
    batch = feed.parse([RawMessage(first, 10), RawMessage(second, 20)])
    assert batch.ticks["trade_id"].tolist() == [1, 2, 3, 4, 5, 6]
    assert batch.ticks["ts_recv"].tolist() == [10, 10, 10, 10, 20, 20]


def test_a_feed_gone_mad_does_not_fill_the_memory() -> None:
    feed = alpaca_feed()
    batch = parse(*[trade(c=[str(k)], z=str(k)) for k in range(10_000)], feed=feed)
    assert batch.unknown_conditions == 10_000
    assert np.all(batch.ticks["update"] == (Update.VOLUME | Update.REGULAR))


def test_exchange_codes_longer_than_a_letter_are_no_listing_exchange() -> None:
    batch = parse(trade(x="XNAS", c=["6"]), trade(x="", c=["6"]), trade(x="é", c=["6"]))
    assert batch.venues.tolist() == [0, 0, 0]
    assert not np.any(batch.ticks["update"] & Update.OFFICIAL)
