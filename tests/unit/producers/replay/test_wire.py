"""Frames read back by decoders that are not ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgpack
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.replay.recording import Column, Print, Recording, assemble
from producers.replay.wire import JsonCodec, MsgpackCodec, WireCodec, codec_for

PRINTS = (Print("P", (" ", "F"), "B"), Print("Q", (), "C"), Print("N", (" ", '"'), "A"))


def recording_of(rows: list[tuple[int, int, int, int]], symbol: str = "SPY") -> Recording:
    """Rows are instant (ns), price (1e-9 units), size and print."""
    ts_event, price, size, print_row = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return assemble([Column(symbol, ts_event, price, size, PRINTS, print_row)])


def read_msgpack(frame: bytes) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = msgpack.unpackb(frame)
    for message in messages:
        message["t"] = message["t"].to_unix_nano()
    return messages


def read_json(frame: bytes) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = json.loads(frame)
    for message in messages:
        whole, _, fraction = message["t"].removesuffix("Z").partition(".")
        since = datetime.fromisoformat(whole).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        message["t"] = since // timedelta(seconds=1) * 10**9 + int(fraction.ljust(9, "0"))
    return messages


FORMATS = [
    pytest.param(MsgpackCodec, read_msgpack, id="msgpack"),
    pytest.param(JsonCodec, read_json, id="json"),
]


@pytest.mark.parametrize(("codec_type", "read"), FORMATS)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**62),
            st.integers(1, 10**13),
            st.integers(0, 2**40),
            st.integers(0, len(PRINTS) - 1),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_trades_come_back_to_the_nanosecond_and_the_last_digit(
    codec_type: type[MsgpackCodec | JsonCodec], read: Any, rows: list[tuple[int, int, int, int]]
) -> None:
    recording = recording_of(rows)
    frames = codec_type().trades(recording, recording.trades, [0])
    expected = [
        {
            "T": "t",
            "i": trade.trade_id,
            "S": trade.symbol,
            "x": trade.exchange,
            "p": trade.price,
            "s": trade.size,
            "t": trade.ts_event_ns,
            "c": list(trade.conditions),
            "z": trade.tape,
        }
        for trade in map(recording.trade, range(len(recording)))
    ]
    assert [message for frame in frames for message in read(frame)] == expected


@pytest.mark.parametrize(("codec_type", "read"), FORMATS)
def test_frames_split_where_they_are_told_to(codec_type: type[MsgpackCodec | JsonCodec], read: Any) -> None:
    recording = recording_of([(instant, 10**9, 1, instant % 3) for instant in range(7)])
    frames = codec_type().trades(recording, recording.trades, [0, 3, 6])
    assert [[message["i"] for message in read(frame)] for frame in frames] == [[1, 2, 3], [4, 5, 6], [7]]


def test_fields_stand_in_the_vendors_order() -> None:
    recording = recording_of([(0, 10**9, 1, 0)])
    for codec_type, read in ((MsgpackCodec, read_msgpack), (JsonCodec, read_json)):
        (message,) = read(codec_type().trades(recording, recording.trades, [0])[0])
        assert list(message) == ["T", "i", "S", "x", "p", "s", "t", "c", "z"]


@pytest.mark.parametrize(
    ("ts_ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_614_009_104_208_000_000, "2021-02-22T15:51:44.208Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
    ],
)
def test_injected_messages_carry_the_time_of_their_format(ts_ns: int, text: str) -> None:
    message = {"T": "s", "S": "SPY", "t": ts_ns}
    assert json.loads(JsonCodec().messages([message])) == [{"T": "s", "S": "SPY", "t": text}]
    assert msgpack.unpackb(MsgpackCodec().messages([message]))[0]["t"].to_unix_nano() == ts_ns


@pytest.mark.parametrize("codec", [MsgpackCodec(), JsonCodec()], ids=["msgpack", "json"])
def test_garbage_cannot_be_decoded(codec: WireCodec) -> None:
    with pytest.raises(msgspec.DecodeError):
        codec.decode(codec.garbage)


@pytest.mark.parametrize(
    ("content_type", "codec_type"),
    [
        (None, JsonCodec),
        ("application/json", JsonCodec),
        ("application/msgpack", MsgpackCodec),
        ("Application/MsgPack; charset=binary", MsgpackCodec),
        ("text/plain", JsonCodec),
    ],
)
def test_content_type_chooses_the_format(content_type: str | None, codec_type: type) -> None:
    assert isinstance(codec_for(content_type), codec_type)
