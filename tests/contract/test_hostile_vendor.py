"""A vendor that breaks its own protocol: nothing it sends raises, vanishes, or costs more than its share."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.model.records import TICK
from producers.feeds.alpaca import messages as alpaca_messages
from producers.feeds.alpaca import wire as alpaca_wire
from producers.feeds.alpaca.wire import Wire
from producers.feeds.base import MAX_REJECT_BYTES, MAX_REJECTS, Batch, Codec, MessageOutcome, RawMessage
from tests.support.feed_samples import NOON_NS, alpaca_feed, trade, wire

codecs = pytest.mark.parametrize("codec", list(Codec))


def cancel(**changes: Any) -> dict[str, Any]:
    return {
        "T": "x",
        "S": "IWM",
        "i": 4,
        "x": "P",
        "p": 1.0,
        "s": 1,
        "a": "C",
        "z": "B",
        "t": NOON_NS,
    } | changes


def correction(**changes: Any) -> dict[str, Any]:
    old = {"oi": 5, "op": 200.0, "os": 10, "oc": [" "]}
    new = {"ci": 5, "cp": 201.0, "cs": 10, "cc": [" "]}
    return {"T": "c", "S": "IWM", "x": "P", "z": "B", "t": NOON_NS} | old | new | changes


def status(**changes: Any) -> dict[str, Any]:
    return {"T": "s", "S": "IWM", "sc": "2", "sm": "", "rc": "", "rm": "", "z": "A", "t": NOON_NS} | changes


def without(message: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != key}


BAD_ITEMS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "symbol of another market": ("unknown_symbol", trade(S="BTC/USD")),
    "empty symbol": ("unknown_symbol", trade(S="")),
    "symbol in small letters": ("unknown_symbol", trade(S="iwm")),
    "symbol with a space": ("unknown_symbol", trade(S="IWM ")),
    "long symbol": ("unknown_symbol", trade(S="X" * 10_000)),
    "symbol that is a number": ("schema", trade(S=1)),
    "symbol that is null": ("schema", trade(S=None)),
    "no symbol": ("schema", without(trade(), "S")),
    "price of nothing": ("price", trade(p=0)),
    "negative price": ("price", trade(p=-201.25)),
    "price too small to write": ("price", trade(p=1e-12)),
    "denormal price": ("price", trade(p=5e-324)),
    "price too large": ("price", trade(p=9.3e9)),
    "enormous price": ("price", trade(p=1e308)),
    "price that is text": ("schema", trade(p="201.25")),
    "price that is null": ("schema", trade(p=None)),
    "price that is a list": ("schema", trade(p=[201.25])),
    "price that is true": ("schema", trade(p=True)),
    "no price": ("schema", without(trade(), "p")),
    "negative size": ("size", trade(s=-100)),
    "size too large": ("size", trade(s=1e10)),
    "size that is text": ("schema", trade(s="100")),
    "size that is an object": ("schema", trade(s={})),
    "no size": ("schema", without(trade(), "s")),
    "negative id": ("trade_id", trade(i=-1)),
    "id that is text": ("schema", trade(i="7")),
    "id with a fraction": ("schema", trade(i=1.5)),
    "no id": ("schema", without(trade(), "i")),
    "time in words": ("timestamp", trade(t="noon")),
    "time without a zone": ("timestamp", trade(t="2024-07-11T16:00:00")),
    "time in New York": ("timestamp", trade(t="2024-07-11T12:00:00-04:00")),
    "time before 1970": ("timestamp", trade(t="1969-12-31T23:59:59Z")),
    "time after 2262": ("timestamp", trade(t="9999-12-31T23:59:59Z")),
    "day that is none": ("timestamp", trade(t="2023-02-29T16:00:00Z")),
    "leap second": ("timestamp", trade(t="2016-12-31T23:59:60Z")),
    "endless decimals": ("timestamp", trade(t="2024-07-11T16:00:00." + "1" * 500 + "Z")),
    "empty time": ("timestamp", trade(t="")),
    "no time": ("schema", without(trade(), "t")),
    "exchange that is a number": ("schema", trade(x=80)),
    "tape that is a number": ("schema", trade(z=1)),
    "conditions that are text": ("schema", trade(c="@")),
    "conditions that are numbers": ("schema", trade(c=[1, 2])),
    "conditions that are nested": ("schema", trade(c=[["@"]])),
    "conditions that are an object": ("schema", trade(c={"@": 1})),
    "correction of a stranger": ("unknown_symbol", correction(S="NOPE")),
    "correction to a negative price": ("price", correction(cp=-1.0)),
    "correction from a negative price": ("price", correction(op=-1.0)),
    "correction to a negative size": ("size", correction(cs=-1)),
    "correction with a negative id": ("trade_id", correction(ci=-5)),
    "correction without a new price": ("schema", without(correction(), "cp")),
    "correction with bad conditions": ("schema", correction(cc=5)),
    "correction in words": ("timestamp", correction(t="later")),
    "cancel of a stranger": ("unknown_symbol", cancel(S="NOPE")),
    "cancel at no price": ("price", cancel(p=0.0)),
    "cancel without an id": ("schema", without(cancel(), "i")),
    "cancel in words": ("timestamp", cancel(t="later")),
    "status of a stranger": ("unknown_symbol", status(S="NOPE")),
    "status of a stranger that changes nothing": ("unknown_symbol", status(S="NOPE", sc="5")),
    "status in words": ("timestamp", status(t="later")),
    "status that is a number": ("schema", status(sc=2)),
    "type that is a number": ("schema", trade(T=7)),
    "type that is null": ("schema", trade(T=None)),
    "no type": ("schema", without(trade(), "T")),
    "empty object": ("schema", {}),
    "error without a number": ("schema", {"T": "error", "code": "x", "msg": "y"}),
    "subscription that is no list": ("schema", {"T": "subscription", "trades": "IWM"}),
}

# Written by hand: what no encoder writes.
TRADE = b'{"T":"t","i":1,"S":"IWM","x":"P","p":1.5,"s":1,"t":"2024-07-11T16:00:00Z","c":["@"],"z":"B"}'
BAD_TEXTS: Mapping[str, tuple[str, bytes]] = {
    "infinite price": ("schema", TRADE.replace(b"1.5", b"1e400")),
    "price of 5,000 digits": ("schema", TRADE.replace(b"1.5", b"1" * 5_000)),
    "id of 100 digits": ("trade_id", TRADE.replace(b'"i":1', b'"i":' + b"9" * 100)),
    "id of 5,000 digits": ("schema", TRADE.replace(b'"i":1', b'"i":' + b"9" * 5_000)),
    "text that is no UTF-8": ("schema", TRADE.replace(b'"@"', b'"\xff\xfe"')),
    "symbol that is no UTF-8": ("schema", TRADE.replace(b"IWM", b"\xff\xfe")),
    "conditions nested 900 deep": ("schema", TRADE.replace(b'["@"]', b"[" * 900 + b"]" * 900)),
    "a number": ("schema", b"7"),
    "null": ("schema", b"null"),
    "a text": ("schema", b'"trade"'),
    "a list": ("schema", b"[1,2]"),
}

BAD_MESSAGES: Mapping[str, tuple[Codec, bytes]] = {
    "nothing": (Codec.JSON, b""),
    "blanks": (Codec.JSON, b" \n\t "),
    "zeros": (Codec.JSON, bytes(5_000)),
    "a page": (Codec.JSON, b"<html><body>502 Bad Gateway</body></html>"),
    "a byte order mark": (Codec.JSON, b"\xef\xbb\xbf[" + TRADE + b"]"),
    "UTF-16": (Codec.JSON, f"[{TRADE.decode()}]".encode("utf-16")),
    "an object and no list": (Codec.JSON, TRADE),
    "half a message": (Codec.JSON, b"[" + TRADE[:40]),
    "two messages in one": (Codec.JSON, b"[" + TRADE + b"][" + TRADE + b"]"),
    "a list that never closes": (Codec.JSON, b"[" + TRADE + b","),
    "NaN": (Codec.JSON, b"[" + TRADE.replace(b"1.5", b"NaN") + b"]"),
    "nested without end": (Codec.JSON, b"[" * 200_000),
    "conditions nested without end": (Codec.JSON, b"[" + TRADE.replace(b'["@"]', b"[" * 200_000) + b"]"),
    "a million numbers": (Codec.JSON, b"[" + b"1," * 5_000_000 + b"1]"),
    "a million objects": (Codec.JSON, b"[" + b"{}," * 500_000 + b"{}]"),
    "msgpack where JSON was agreed": (Codec.JSON, wire([trade()], Codec.MSGPACK)),
    "JSON where msgpack was agreed": (Codec.MSGPACK, wire([trade()])),
    "no msgpack at all": (Codec.MSGPACK, b"\xc1\xc1\xc1"),
    "a list longer than its message": (Codec.MSGPACK, b"\xdd\xff\xff\xff\xff"),
    "a map longer than its message": (Codec.MSGPACK, b"\x91\xdf\xff\xff\xff\xff"),
    "a text longer than its message": (Codec.MSGPACK, b"\x91\xc6\xff\xff\xff\xff"),
    "msgpack nested without end": (Codec.MSGPACK, b"\x91" * 200_000),
    "a million small numbers": (Codec.MSGPACK, b"\xdd" + (10**6).to_bytes(4, "big") + b"\x01" * 10**6),
    "bytes behind the message": (Codec.MSGPACK, wire([trade()], Codec.MSGPACK) + b"\x01"),
}


def parse(payloads: Sequence[bytes], codec: Codec = Codec.JSON) -> Batch:
    return alpaca_feed(codec).parse([RawMessage(payload, 5) for payload in payloads])


def check(batch: Batch, good: int, reason: str) -> None:
    """Hold that the good trades came through, and that the bad item is counted and kept."""
    assert batch.ticks["trade_id"].tolist() == list(range(1, good + 1))
    (reject,) = batch.rejects
    assert reject.reason == reason
    assert len(reject.payload) == min(reject.whole_bytes, MAX_REJECT_BYTES)
    assert batch.outcomes == {MessageOutcome.ACCEPTED: good, MessageOutcome.REJECTED: 1}


@codecs
@pytest.mark.parametrize("name", BAD_ITEMS)
def test_a_bad_item_is_refused_alone(name: str, codec: Codec) -> None:
    reason, bad = BAD_ITEMS[name]
    together = [trade(i=1), bad, trade(i=2)]
    batch = parse([wire(together, codec)], codec)
    check(batch, 2, reason)
    assert batch.rejects[0].payload in wire([bad], codec)
    apart = parse([wire([each], codec) for each in together], codec)
    assert apart.rejects == batch.rejects


@pytest.mark.parametrize("name", BAD_TEXTS)
def test_a_bad_text_is_refused_alone(name: str) -> None:
    reason, bad = BAD_TEXTS[name]
    good = [TRADE.replace(b'"i":1', b'"i":%d' % number) for number in (1, 2)]
    check(parse([b"[" + b",".join([good[0], bad, good[1]]) + b"]"]), 2, reason)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(("key", "reason"), [("p", "price"), ("s", "size")])
def test_msgpack_can_say_what_is_no_number(key: str, reason: str, value: float) -> None:
    messages = [trade(i=1), trade(i=9) | {key: value}, trade(i=2)]
    check(parse([wire(messages, Codec.MSGPACK)], Codec.MSGPACK), 2, reason)


@pytest.mark.parametrize("stamp", [msgpack.ExtType(5, b"12345678"), b"2024", 1_720_000_000, None])
def test_msgpack_times_that_are_none(stamp: Any) -> None:
    bad = dict(trade(i=9), t=stamp)
    packed = msgpack.packb([bad])
    assert isinstance(packed, bytes)
    batch = parse([wire([trade(i=1)], Codec.MSGPACK), packed], Codec.MSGPACK)
    check(batch, 1, "timestamp")


@pytest.mark.parametrize("name", BAD_MESSAGES)
def test_a_bad_message_is_refused_whole(name: str) -> None:
    codec, bad = BAD_MESSAGES[name]
    good = wire([trade(i=1)], codec), wire([trade(i=2)], codec)
    check(parse([good[0], bad, good[1]], codec), 2, "malformed")


def test_there_are_enough_bad_messages() -> None:
    assert len(BAD_ITEMS) + len(BAD_TEXTS) + len(BAD_MESSAGES) >= 100


# --- whatever stands beside it ----------------------------------------------------------------------------


def any_message(choose: random.Random) -> Mapping[str, Any]:
    """Give a good message, a bad one, or one that differs from a good one in what few look at."""
    odds: list[dict[str, Any]] = [
        {"x": ""},
        {"x": "XNAS"},
        {"x": "\n"},
        {"z": ""},
        {"z": "ABC"},
        {"c": None},
        {"c": ["?"]},
        {"c": []},
    ]
    odd = choose.choice(odds)
    kinds: list[Callable[[], Mapping[str, Any]]] = [
        lambda: trade(NOON_NS + choose.randrange(10**9), i=choose.randrange(2**64)),
        lambda: {**trade(NOON_NS // 10**9 * 10**9), **odd},
        lambda: choose.choice([cancel, correction, status])(x=choose.choice(["", "P", "AB"])),
        lambda: choose.choice(list(BAD_ITEMS.values()))[1],
        lambda: choose.choice([{"T": "q"}, {"T": "new"}, {"T": "error", "code": 405}, {"T": "success"}]),
    ]
    return choose.choice(kinds)()


@codecs
@given(st.integers(0, 2**32), st.lists(st.integers(0, 8), min_size=1, max_size=6))
@settings(deadline=None, max_examples=80)
def test_a_message_becomes_the_same_whatever_stands_beside_it(
    codec: Codec, seed: int, sizes: Sequence[int]
) -> None:
    choose = random.Random(seed)
    groups = [[any_message(choose) for _ in range(size)] for size in sizes]
    together = parse([wire(group, codec) for group in groups], codec)
    alone = [parse([wire([message], codec)], codec) for group in groups for message in group]
    ticks = np.concatenate([np.empty(0, TICK), *(batch.ticks for batch in alone)])
    venues = np.concatenate([np.empty(0, np.uint8), *(batch.venues for batch in alone)])
    assert together.ticks.tolist() == ticks.tolist()
    assert together.venues.tolist() == venues.tolist()
    assert list(together.rejects) == [reject for batch in alone for reject in batch.rejects]
    told = [notice.code for batch in alone for notice in batch.notices]
    assert [n.code for n in together.notices if n.code != "scale"] == [c for c in told if c != "scale"]
    # A figure that does not fit its scale is told once an instrument, and each parser here is a new one.
    assert any(n.code == "scale" for n in together.notices) == ("scale" in told)
    outcomes = sum((Counter(batch.outcomes) for batch in alone), Counter[MessageOutcome]())
    assert Counter(together.outcomes) == outcomes
    assert together.unknown_conditions == sum(batch.unknown_conditions for batch in alone)


# --- what it costs ----------------------------------------------------------------------------------------


class Work:
    """Counts how often an item is decoded, and how often it goes through the columns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decoded_bytes = 0
        self.rows = 0
        make_wire = alpaca_wire.wire
        columns = alpaca_messages.AlpacaMessages._columns

        def counting_wire(codec: Codec) -> Wire:
            plain = make_wire(codec)
            names = ("batch", "item", "parts", "tag")
            return plain._replace(**{name: self._counted(getattr(plain, name)) for name in names})

        def counting_columns(messages: Any, run: Sequence[Any], ts_recv: Any) -> Any:
            self.rows += len(run)
            return columns(messages, run, ts_recv)

        monkeypatch.setattr(alpaca_messages, "wire", counting_wire)
        monkeypatch.setattr(alpaca_messages.AlpacaMessages, "_columns", counting_columns)

    def _counted(self, decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def counted(payload: Any) -> Any:
            self.decoded_bytes += len(bytes(payload))
            return decode(payload)

        return counted

    def passes(self, message: bytes, items: int, codec: Codec) -> float:
        """Parse one message, and give the number of times an item of it is worked on."""
        self.decoded_bytes = self.rows = 0
        batch = parse([message], codec)
        assert sum(batch.outcomes.values()) == items
        return self.decoded_bytes / len(message) + self.rows / items


COSTLY: Sequence[str] = (
    "symbol of another market",
    "negative price",
    "size too large",
    "negative id",
    "time in words",
    "conditions that are numbers",
    "price that is text",
    "no type",
    "correction with a negative id",
    "status of a stranger",
)


@codecs
@pytest.mark.parametrize("name", COSTLY)
def test_4000_refused_items_cost_at_most_three_times_as_much_as_good_ones(
    name: str, codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(monkeypatch)
    items = 4_000
    good = work.passes(wire([trade()] * items, codec), items, codec)
    bad = work.passes(wire([BAD_ITEMS[name][1]] * items, codec), items, codec)
    assert good == pytest.approx(2, abs=0.01)
    assert bad <= 3 * good


def test_one_message_cannot_make_dead_letters_without_end() -> None:
    items = MAX_REJECTS + 1_000
    bad = [trade(S="NOPE", i=number) if number % 2 else trade(p=-1.0, i=number) for number in range(items)]
    batch = parse([wire([trade(i=1)]), wire(bad), wire([trade(i=2), trade(S="NOPE")])])
    assert len(batch.rejects) == MAX_REJECTS + 2 + 1
    assert Counter(batch.outcomes)[MessageOutcome.REJECTED] == items + 1
    counted: Counter[str] = Counter()
    for reject in batch.rejects:
        counted[reject.reason] += reject.items
    assert counted == {"unknown_symbol": items // 2 + 1, "price": items // 2}
    shared = [reject for reject in batch.rejects if reject.items > 1]
    assert [(reject.reason, reject.items) for reject in shared] == [("price", 500), ("unknown_symbol", 500)]
    assert f'"i":{MAX_REJECTS},'.encode() in shared[0].payload
    assert batch.ticks["trade_id"].tolist() == [1, 2]
