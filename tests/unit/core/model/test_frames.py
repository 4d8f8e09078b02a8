"""core.model.frames: a frame comes back as it went in, or is refused whole."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.model.errors import FrameError
from core.model.frames import (
    CODEC_VERSION,
    HEADER_BYTES,
    MAX_RECORDS,
    decode_frame,
    encode_frame,
    newest_ts_event_ns,
    ticks_in,
)
from core.model.records import BAR, TICK, TICK_STRUCT

DTYPES = {"tick": TICK, "bar": BAR}

# Two ticks as any language would pack them, and the frame they make: if this changes, old logs
# can no longer be read, and CODEC_VERSION must change with it.
GOLDEN_TICKS = [
    (1720704600_000000000, 1720704600_001500000, 2053_250000000, 100_000000000, 2**53 + 1, 3, 15, 0, 1),
    (1720728001_196000000, 1720728001_200000000, 557_480000000, 2_760_000_000000000, 42, 3, 31, 0, 1),
]
GOLDEN_FRAME = bytes.fromhex(
    "010001000200000007000000000000002900000000000000d60a4521000000000070618eb72be1176053788eb72be117"
    "80a43c0fde01000000e87648170000000100000000002000030000000f00010000035b120041e117000c98120041e117"
    "00ba65cc810000000080949334ce09002a00000000000000030000001f000100"
)


@st.composite
def records(draw: st.DrawFn, dtype: np.dtype[np.void], most: int = 6) -> NDArray[np.void]:
    count = draw(st.integers(1, most))
    size = count * dtype.itemsize
    return np.frombuffer(draw(st.binary(min_size=size, max_size=size)), dtype)


def ticks(count: int) -> NDArray[np.void]:
    made = np.zeros(count, TICK)
    made["trade_id"] = np.arange(count)
    return made


def crc32c(data: bytes) -> int:
    """Castagnoli's CRC bit by bit, as RFC 3720 describes it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize("kind", DTYPES)
@given(data=st.data())
def test_any_records_come_back(kind: str, data: st.DataObject) -> None:
    made = data.draw(records(DTYPES[kind]))
    source = data.draw(st.integers(0, 2**16 - 1))
    epoch, sequence = data.draw(st.integers(0, 2**64 - 1)), data.draw(st.integers(0, 2**64 - 1))
    frame = encode_frame(made, source=source, epoch=epoch, sequence=sequence)
    header, read = decode_frame(frame, DTYPES[kind])
    assert (header.version, header.source, header.epoch, header.sequence) == (
        CODEC_VERSION,
        source,
        epoch,
        sequence,
    )
    assert header.records == len(read)
    assert read.tobytes() == made.tobytes()


@given(made=records(TICK, most=3), data=st.data())
def test_any_changed_byte_is_refused(made: NDArray[np.void], data: st.DataObject) -> None:
    frame = bytearray(encode_frame(made, source=1, epoch=2, sequence=3))
    position = data.draw(st.integers(0, len(frame) - 1))
    frame[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FrameError) as refused:
        decode_frame(bytes(frame))
    assert refused.value.reason in {"length", "version", "count", "crc"}


@given(made=records(TICK), cut=st.integers(1, 400))
def test_any_missing_end_is_refused(made: NDArray[np.void], cut: int) -> None:
    frame = encode_frame(made, source=1, epoch=0, sequence=0)
    with pytest.raises(FrameError) as refused:
        decode_frame(frame[: max(0, len(frame) - cut)])
    assert refused.value.reason == "length"


@given(junk=st.binary(max_size=300))
def test_junk_is_refused_and_never_crashes(junk: bytes) -> None:
    with pytest.raises(FrameError):
        decode_frame(junk)


@given(made=records(TICK, most=40), cuts=st.lists(st.integers(1, 39), max_size=5))
def test_cutting_a_stream_into_frames_loses_nothing(made: NDArray[np.void], cuts: list[int]) -> None:
    parts = [part for part in np.split(made, sorted(cut for cut in cuts if cut < len(made))) if len(part)]
    frames = [encode_frame(part, source=1, epoch=0, sequence=n) for n, part in enumerate(parts)]
    assert b"".join(decode_frame(frame)[1].tobytes() for frame in frames) == made.tobytes()


def test_the_golden_frame_is_what_the_documentation_says() -> None:
    payload = b"".join(struct.pack(TICK_STRUCT, *tick) for tick in GOLDEN_TICKS)
    head = struct.pack("<HHIQQII", 1, 1, 2, 7, 41, 0, 0)
    crc = crc32c(head + payload)
    assert struct.pack("<HHIQQII", 1, 1, 2, 7, 41, crc, 0) + payload == GOLDEN_FRAME


def test_the_golden_frame_is_written_and_read() -> None:
    made = np.array(GOLDEN_TICKS, TICK)
    assert encode_frame(made, source=1, epoch=7, sequence=41) == GOLDEN_FRAME
    header, read = decode_frame(GOLDEN_FRAME)
    assert (header.source, header.epoch, header.sequence, header.records) == (1, 7, 41, 2)
    assert read.tolist() == GOLDEN_TICKS


@pytest.mark.parametrize("count", [0, MAX_RECORDS + 1])
def test_a_frame_is_neither_empty_nor_too_long(count: int) -> None:
    with pytest.raises(FrameError, match="1 to 1024") as refused:
        encode_frame(ticks(count), source=1, epoch=0, sequence=0)
    assert refused.value.reason == "count"


def test_the_longest_frame_comes_back() -> None:
    frame = encode_frame(ticks(MAX_RECORDS), source=1, epoch=0, sequence=0)
    assert len(frame) == HEADER_BYTES + MAX_RECORDS * TICK.itemsize
    assert decode_frame(frame)[1]["trade_id"].tolist() == list(range(MAX_RECORDS))


def with_header(version: int, count: int, body: bytes) -> bytes:
    head = struct.pack("<HHIQQII", version, 1, count, 0, 0, 0, 0)
    return struct.pack("<HHIQQII", version, 1, count, 0, 0, crc32c(head + body), 0) + body


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "length"),
        (with_header(2, 1, bytes(48)), "version"),
        (with_header(0, 1, bytes(48)), "version"),
        (with_header(1, 0, b""), "count"),
        (with_header(1, 2**32 - 1, bytes(48)), "count"),
        (with_header(1, 2, bytes(48)), "length"),
        (with_header(1, 1, bytes(49)), "length"),
        (with_header(1, 1, bytes(64)), "length"),
    ],
)
def test_a_right_checksum_does_not_save_a_wrong_header(frame: bytes, reason: str) -> None:
    with pytest.raises(FrameError) as refused:
        decode_frame(frame)
    assert refused.value.reason == reason


def test_ticks_are_not_taken_for_bars() -> None:
    with pytest.raises(FrameError) as refused:
        decode_frame(encode_frame(ticks(3), source=1, epoch=0, sequence=0), BAR)
    assert refused.value.reason == "length"


def test_reading_makes_no_copy_and_cannot_change_the_payload() -> None:
    frame = encode_frame(ticks(2), source=1, epoch=0, sequence=0)
    read = decode_frame(frame)[1]
    assert not read.flags.owndata
    assert not read.flags.writeable


def test_the_last_tick_is_found_without_reading_the_frame() -> None:
    ticks = np.zeros(3, TICK)
    ticks["ts_event"] = [5, 6, 2**62]
    frame = encode_frame(ticks, source=1, epoch=1, sequence=0)
    assert (ticks_in(frame), newest_ts_event_ns(frame)) == (3, 2**62)
    assert newest_ts_event_ns(frame[: HEADER_BYTES + TICK.itemsize - 1]) is None
    assert newest_ts_event_ns(b"") is None
