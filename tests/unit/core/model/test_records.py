"""core.model.records: what a partner without NumPy relies on."""

import struct
import sys
from itertools import pairwise

import numpy as np
import pytest

from core.model.records import (
    BAR,
    BAR_STRUCT,
    EVENT,
    TICK,
    TICK_STRUCT,
    BarFlag,
    EventState,
    Frequency,
    Quality,
    TickKind,
    Update,
)

RECORDS = {"TICK": TICK, "BAR": BAR, "EVENT": EVENT}
STRUCT_CODES = {"i8": "q", "u8": "Q", "i4": "i", "u4": "I", "u2": "H", "u1": "B"}


def struct_of(dtype: np.dtype[np.void]) -> str:
    names = dtype.names or ()
    return "<" + "".join(STRUCT_CODES[dtype[name].str[1:]] for name in names)


@pytest.mark.parametrize(
    ("dtype", "text", "size"), [(TICK, TICK_STRUCT, 48), (BAR, BAR_STRUCT, 64)], ids=["TICK", "BAR"]
)
def test_the_pack_string_is_the_dtype(dtype: np.dtype[np.void], text: str, size: int) -> None:
    assert text == struct_of(dtype)
    assert dtype.itemsize == struct.calcsize(text) == size


@pytest.mark.parametrize("name", RECORDS)
def test_fields_are_aligned_little_endian_and_without_holes(name: str) -> None:
    dtype = RECORDS[name]
    assert dtype.fields is not None
    fields = [dtype.fields[field] for field in dtype.names or ()]
    for kind, offset in (field[:2] for field in fields):
        assert offset % kind.itemsize == 0
        assert kind.newbyteorder("<") == kind
    ends = [field[1] + field[0].itemsize for field in fields]
    assert [after[1] for _, after in pairwise(fields)] == ends[:-1]
    assert ends[-1] == dtype.itemsize
    assert sys.byteorder == "little", "frames are read without a copy on little-endian machines only"


def test_a_tick_packed_by_struct_is_read_by_numpy() -> None:
    values = (1720728000_000000001, 1720728000_000000002, 2125_040039000, 7, 2**64 - 1, 2**32 - 1, 31, 6, 900)
    record = np.frombuffer(struct.pack(TICK_STRUCT, *values), TICK)[0]
    assert tuple(record.item()) == values


def test_numbers_that_stand_in_the_log_never_change() -> None:
    assert {kind.name: kind.value for kind in TickKind} == {
        "TRADE": 0,
        "CORRECTION": 1,
        "CANCEL": 2,
        "GAP": 3,
        "CLOCK": 4,
        "ADJUSTMENT": 5,
        "BASELINE": 6,
        "STATUS": 7,
        "SETTINGS": 8,
        "SOURCE_CLOSED": 9,
        "ARTEFACTS": 10,
    }
    assert {flag.name: flag.value for flag in Update} == {
        "LAST": 1,
        "HIGH_LOW": 2,
        "VOLUME": 4,
        "REGULAR": 8,
        "OFFICIAL": 16,
        "SERIES": 32,
        "TRADED": 64,
    }
    assert [frequency.value for frequency in Frequency] == [0, 1, 2]


@pytest.mark.parametrize("kind", [TickKind, EventState, Quality, BarFlag, Update, Frequency])
def test_every_value_fits_the_byte_it_is_kept_in(kind: type[TickKind]) -> None:
    assert all(0 <= member.value <= 255 for member in kind)


def test_all_is_everything_but_official() -> None:
    assert Update.OFFICIAL not in Update.ALL
    assert Update(31) == Update.ALL | Update.OFFICIAL


def test_labels_are_the_words_of_topics_and_payloads() -> None:
    assert [frequency.label for frequency in Frequency] == ["1s", "1m", "1d"]
    assert EventState.WITHDRAWN.label == "withdrawn"
    assert Quality.NOT_READY.label == "not_ready"
