"""core.snapshot: the same state, the same bytes; other bytes, no state."""

from __future__ import annotations

import crc32c
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.errors import SnapshotError
from core.snapshot import SNAPSHOT_VERSION, pack, unpack
from core.state import INSTRUMENT_STATE

HEAD = {"universe": "ab12", "partition": 3}


def arrays(seed: int = 1) -> dict[str, NDArray[np.void]]:
    generator = np.random.default_rng(seed)
    instruments = np.frombuffer(generator.bytes(3 * INSTRUMENT_STATE.itemsize), INSTRUMENT_STATE).copy()
    return {
        "instruments": instruments,
        "values": generator.normal(size=(2, 5)),
        "quality": generator.integers(0, 8, (2, 5)).astype(np.uint8),
        "empty": np.zeros((0, 3), np.int64),
    }


def same_layout(of: dict[str, NDArray[np.void]]) -> dict[str, NDArray[np.void]]:
    return {name: np.zeros_like(array) for name, array in of.items()}


def contents(of: dict[str, NDArray[np.void]]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in of.items()}


def test_what_is_packed_comes_back_to_the_last_byte() -> None:
    before = arrays()
    before["values"][0, 0] = np.nan
    before["values"][0, 1] = -0.0
    after = same_layout(before)
    held = after["values"]
    assert unpack(pack(HEAD, before), after) == HEAD
    assert contents(after) == contents(before)
    assert after["values"] is held  # filled in place: others hold views of it


def test_the_same_state_gives_the_same_bytes_in_any_order_of_names() -> None:
    state = arrays()
    backwards = dict(reversed(state.items()))
    assert pack(HEAD, state) == pack(HEAD, backwards) == pack(dict(HEAD), arrays())
    assert pack(HEAD, arrays(2)) != pack(HEAD, state)
    assert pack({**HEAD, "partition": 4}, state) != pack(HEAD, state)


def test_a_view_that_is_not_contiguous_is_packed_by_value() -> None:
    wide = np.arange(20).reshape(4, 5)
    assert pack({}, {"column": wide[:, 2]}) == pack({}, {"column": wide[:, 2].copy()})


@settings(deadline=None)
@given(st.data())
def test_any_flipped_bit_and_any_missing_end_is_noticed(data: st.DataObject) -> None:
    good = pack(HEAD, arrays())
    damaged = bytearray(good)
    position = data.draw(st.integers(0, len(good) - 1))
    damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    for bad in (bytes(damaged), good[:position]):
        after = same_layout(arrays())
        with pytest.raises(SnapshotError, match="damaged"):
            unpack(bad, after)
        assert contents(after) == contents(same_layout(arrays()))


def sealed(content: object) -> bytes:
    body = msgspec.msgpack.encode(content)
    return crc32c.crc32c(body).to_bytes(4, "little") + body


@pytest.mark.parametrize("content", [5, [1, 2], {"version": 1}, {"version": "1", "head": {}, "arrays": {}}])
def test_sound_bytes_that_are_no_snapshot(content: object) -> None:
    with pytest.raises(SnapshotError, match="no snapshot"):
        unpack(sealed(content), {})


def test_another_version() -> None:
    with pytest.raises(SnapshotError, match=f"version 99 is not {SNAPSHOT_VERSION}"):
        unpack(sealed({"version": 99, "head": {}, "arrays": {}}), {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.zeros((5, 2))}, "layout of values"),
        ({"values": np.zeros((2, 5), np.float32)}, "layout of values"),
        ({"instruments": np.zeros(4, INSTRUMENT_STATE)}, "layout of instruments"),
        ({"instruments": np.zeros(3, INSTRUMENT_STATE.descr[:-1])}, "layout of instruments"),
        ({"more": np.zeros(1)}, "lacks or adds more"),
    ],
)
def test_arrays_of_another_layout_are_refused_and_nothing_is_written(
    change: dict[str, NDArray[np.void]], message: str
) -> None:
    after = {**same_layout(arrays()), **change}
    before = contents(after)
    with pytest.raises(SnapshotError, match=message) as refusal:
        unpack(pack(HEAD, arrays()), after)
    assert "Operator action:" in str(refusal.value)
    assert contents(after) == before


def test_a_name_that_is_gone_is_refused() -> None:
    with pytest.raises(SnapshotError, match="lacks or adds empty"):
        unpack(pack(HEAD, arrays()), {n: a for n, a in arrays().items() if n != "empty"})
