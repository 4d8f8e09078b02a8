"""Timestamps and prices are exact to the last digit, and nothing else passes for one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.feeds.alpaca.lookups import venue_codes
from producers.feeds.columns import (
    is_msgpack_timestamp,
    is_rfc3339,
    msgpack_nanoseconds,
    rfc3339_nanoseconds,
)

LAST_NS = int(datetime(2262, 1, 1, tzinfo=UTC).timestamp()) * 10**9 - 1
instants = st.integers(min_value=0, max_value=LAST_NS)


def _text(ts_ns: int, digits: int = 9) -> str:
    """Write an instant by integer arithmetic alone."""
    seconds, fraction = divmod(ts_ns, 10**9)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    shown = f"{fraction:09d}"[:digits]
    return f"{text}.{shown}Z" if shown else f"{text}Z"


@given(st.lists(st.tuples(instants, st.integers(min_value=0, max_value=9)), min_size=1, max_size=20))
def test_rfc3339_keeps_every_nanosecond(cases: list[tuple[int, int]]) -> None:
    expected = [ts_ns // 10 ** (9 - digits) * 10 ** (9 - digits) for ts_ns, digits in cases]
    assert rfc3339_nanoseconds([_text(*case) for case in cases]).tolist() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "NaT",
        "2024",
        "2024-07-11",
        "2024-07-11T14Z",
        "2024-07-11T14:30:00",
        "2024-07-11T14:30:00+00:00",
        "2024-07-11T14:30:00-04:00",
        "2024-07-11T14:30:00-04Z",
        "2024-07-11T14:30:60Z",
        "2024-02-30T14:30:00Z",
        "2024-07-11 14:30:00Z",
        "1969-12-31T23:59:59Z",
        "2262-01-01T00:00:00Z",
        "2608-01-01T00:00:00Z",
        "12024-07-11T14:30:00Z",
        "-2024-07-11T14:30:00Z",
        "\uff12\uff10\uff12\uff14-07-11T14:30:00Z",
        "2024-07-11T14:30:00Z\nZ",
        "2024-07-11T14:30:00\nZ",
        "2024-07-11T14:30:00ZZ",
        "20-07-11T14:30:00.535059984Z",
        "202-07-11T14:30:00.535059984Z",
        "2024-07-11T14:30:00.5.5Z",
        "2024-07-11T14:30:00.5 Z",
        "2024-07-11T14:30:0a.5Z",
    ],
)
def test_rfc3339_refuses_what_numpy_would_take(text: str) -> None:
    good = "2024-07-11T14:30:00Z"
    with pytest.raises(ValueError, match=r"^not an RFC 3339 time in UTC$"):
        rfc3339_nanoseconds([text])
    with pytest.raises(ValueError, match=r"^not an RFC 3339 time in UTC$"):
        rfc3339_nanoseconds([good, text, good])


def test_no_timestamps_make_no_columns() -> None:
    assert len(rfc3339_nanoseconds([])) == len(msgpack_nanoseconds([])) == 0


@given(st.lists(st.one_of(instants, st.integers(0, 2**31).map(lambda s: s * 10**9)), max_size=40))
def test_msgpack_reads_every_size_of_timestamp(stamps: list[int]) -> None:
    """The reference encoder writes whole seconds in six bytes, others in ten."""
    values = [msgspec.Raw(msgpack.packb(msgpack.Timestamp.from_unix_nano(stamp))) for stamp in stamps]
    assert msgpack_nanoseconds(values).tolist() == stamps


def test_msgpack_reads_the_widest_timestamp() -> None:
    wide = b"\xc7\x0c\xff" + (5).to_bytes(4, "big") + (1_720_000_000).to_bytes(8, "big")
    assert msgpack_nanoseconds([msgspec.Raw(wide)]).tolist() == [1_720_000_000_000_000_005]


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\xc0",
        msgpack.packb("2024-07-11T14:30:00Z"),
        msgpack.packb(1_720_000_000),
        b"\xd6\xfe\x00\x00\x00\x01",
        b"\xd7\xff" + (10**9 << 34).to_bytes(8, "big"),
        b"\xd7\xff" + (2**34 - 1).to_bytes(8, "big"),
        b"\xc7\x0c\xff" + bytes(4) + (-1).to_bytes(8, "big", signed=True),
        b"\xc7\x0c\xff" + bytes(4) + (2**40).to_bytes(8, "big"),
    ],
)
def test_msgpack_refuses_anything_else(encoded: bytes) -> None:
    good = msgspec.Raw(msgpack.packb(msgpack.Timestamp.from_unix_nano(1)))
    with pytest.raises(ValueError, match=r"timestamp"):
        msgpack_nanoseconds([msgspec.Raw(encoded)])
    with pytest.raises(ValueError, match=r"timestamp"):
        msgpack_nanoseconds([good, msgspec.Raw(encoded)])


GOOD_TEXT = "2024-02-29T23:59:59.123456789Z"
near_instants = st.one_of(
    st.tuples(st.integers(0, len(GOOD_TEXT) - 1), st.sampled_from("0123456789-:.TZ \n+é")).map(
        lambda change: GOOD_TEXT[: change[0]] + change[1] + GOOD_TEXT[change[0] + 1 :]
    ),
    st.tuples(st.integers(1968, 2263), st.integers(0, 13), st.integers(0, 32), st.integers(0, 61)).map(
        lambda parts: "{:04d}-{:02d}-{:02d}T{:02d}:00:00Z".format(*parts)
    ),
    st.integers(0, 25).map(lambda digits: f"2024-07-11T14:30:00.{'1' * digits}Z"),
    st.tuples(instants, st.integers(0, 9)).map(lambda case: _text(*case)),
    st.text(max_size=30),
)


def _takes(convert: Callable[[list[Any]], Any], value: Any) -> bool:
    try:
        convert([value])
    except ValueError:
        return False
    return True


@given(near_instants)
@settings(deadline=None, max_examples=100)
def test_one_text_is_judged_as_a_column_of_one(text: str) -> None:
    assert is_rfc3339(text) == _takes(rfc3339_nanoseconds, text)


@given(
    st.one_of(
        st.binary(max_size=16),
        st.binary(min_size=8, max_size=8).map(b"\xd7\xff".__add__),
        st.binary(min_size=12, max_size=12).map(b"\xc7\x0c\xff".__add__),
        st.binary(min_size=4, max_size=4).map(b"\xd6\xff".__add__),
        instants.map(lambda ts_ns: bytes(msgpack.packb(msgpack.Timestamp.from_unix_nano(ts_ns)))),
    )
)
@settings(deadline=None, max_examples=100)
def test_one_msgpack_timestamp_is_judged_as_a_column_of_one(encoded: bytes) -> None:
    value = msgspec.Raw(encoded)
    assert is_msgpack_timestamp(value) == _takes(msgpack_nanoseconds, value)


VENUES = ["P", "Q", "", "AB", "\n", "\nA", "A\n", "é", "\0", "\U0001f600"]


@given(st.lists(st.sampled_from(VENUES), max_size=8))
def test_a_venue_does_not_depend_on_the_others(exchanges: list[str]) -> None:
    alone = [venue_codes([exchange]).tolist()[0] for exchange in exchanges]
    assert venue_codes(exchanges).tolist() == alone
    expected = [ord(text) if len(text) == 1 and text.isascii() else 0 for text in exchanges]
    assert alone == expected
