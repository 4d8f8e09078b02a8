"""core.engine.snapshot: the same state, the same bytes; other bytes, no state."""

from __future__ import annotations

from typing import Any

import crc32c
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.engine.snapshot import SNAPSHOT_VERSION, Section, Snapshot, pack
from core.model.errors import SnapshotError
from core.partition.state import INSTRUMENT_STATE

HEAD = {"universe": "ab12", "partition": 3}
Sections = dict[str, Section]


def sections(seed: int = 1) -> Sections:
    generator = np.random.default_rng(seed)
    instruments = np.frombuffer(generator.bytes(3 * INSTRUMENT_STATE.itemsize), INSTRUMENT_STATE).copy()
    return {
        "instruments": Section("1", {"instruments": instruments, "empty": np.zeros((0, 3), np.int64)}),
        "family": Section(
            "ab",
            {
                "values": generator.normal(size=(2, 5)),
                "quality": generator.integers(0, 8, (2, 5)).astype(np.uint8),
            },
        ),
        "nothing": Section("1", {}),
    }


def same_layout(of: Sections) -> Sections:
    return {
        name: Section(section.version, {n: np.zeros_like(array) for n, array in section.arrays.items()})
        for name, section in of.items()
    }


def contents(of: Sections) -> dict[str, dict[str, bytes]]:
    return {name: {n: a.tobytes() for n, a in section.arrays.items()} for name, section in of.items()}


def fill(data: bytes, into: Sections) -> Snapshot:
    snapshot = Snapshot(data)
    for name, section in into.items():
        snapshot.fill(name, section)
    return snapshot


def test_what_is_packed_comes_back_to_the_last_byte() -> None:
    before = sections()
    before["family"].arrays["values"][0, 0] = np.nan
    before["family"].arrays["values"][0, 1] = -0.0
    after = same_layout(before)
    held = after["family"].arrays["values"]
    assert fill(pack(HEAD, before), after).head == HEAD
    assert contents(after) == contents(before)
    assert after["family"].arrays["values"] is held  # filled in place: others hold views of it


def test_the_same_state_gives_the_same_bytes_in_any_order_of_names() -> None:
    state = sections()
    backwards = {
        name: Section(section.version, dict(reversed(list(section.arrays.items()))))
        for name, section in reversed(state.items())
    }
    assert pack(HEAD, state) == pack(HEAD, backwards) == pack(dict(HEAD), sections())
    assert pack(HEAD, sections(2)) != pack(HEAD, state)
    assert pack({**HEAD, "partition": 4}, state) != pack(HEAD, state)


def test_a_view_that_is_not_contiguous_is_packed_by_value() -> None:
    wide = np.arange(20).reshape(4, 5)
    views, copies = ({"s": Section("1", {"column": column})} for column in (wide[:, 2], wide[:, 2].copy()))
    assert pack({}, views) == pack({}, copies)


def test_a_section_can_be_read_without_knowing_its_layout() -> None:
    snapshot = Snapshot(pack(HEAD, sections()))
    assert snapshot.versions == {"instruments": "1", "family": "ab", "nothing": "1"}
    read = {name: snapshot.section(name) for name in snapshot.versions}
    assert contents(read) == contents(sections())
    compressed, raw = snapshot.stored_bytes["instruments"]
    assert raw == 3 * INSTRUMENT_STATE.itemsize
    assert compressed > 0


def test_a_copy_of_a_section_stays_as_it_was() -> None:
    state = sections()
    copy = state["family"].copied()
    state["family"].arrays["values"][:] = 7.0
    assert contents({"family": copy})["family"] == contents(sections())["family"]


@settings(deadline=None)
@given(st.data())
def test_any_flipped_bit_and_any_missing_end_is_noticed(data: st.DataObject) -> None:
    good = pack(HEAD, sections())
    damaged = bytearray(good)
    position = data.draw(st.integers(0, len(good) - 1))
    damaged[position] ^= 1 << data.draw(st.integers(0, 7))
    for bad in (bytes(damaged), good[:position]):
        with pytest.raises(SnapshotError, match="corrupt"):
            Snapshot(bad)


def sealed(content: object) -> bytes:
    body = msgspec.msgpack.encode(content)
    return crc32c.crc32c(body).to_bytes(4, "little") + body


@pytest.mark.parametrize("content", [5, [1, 2], {"version": 1}, {"version": "1", "head": {}, "sections": {}}])
def test_sound_bytes_that_are_no_snapshot(content: object) -> None:
    with pytest.raises(SnapshotError, match="not a snapshot"):
        Snapshot(sealed(content))


def test_another_version() -> None:
    with pytest.raises(SnapshotError, match=f"version 99 is not {SNAPSHOT_VERSION}"):
        Snapshot(sealed({"version": 99, "head": {}, "sections": {}}))


def family(version: str = "ab", **changes: NDArray[np.generic]) -> Section:
    """The layout of the section `family`, with changes."""
    arrays: dict[str, NDArray[Any]] = {"values": np.zeros((2, 5)), "quality": np.zeros((2, 5), np.uint8)}
    return Section(version, arrays | changes)


def instruments(records: NDArray[np.void]) -> Section:
    """The layout of the section `instruments`, with other records."""
    return Section("1", {"empty": np.zeros((0, 3), np.int64), "instruments": records})


@pytest.mark.parametrize(
    ("name", "section", "message"),
    [
        ("family", family(values=np.zeros((5, 2))), "layout of family has changed: values"),
        ("family", family(values=np.zeros((2, 5), np.float32)), "layout of family has changed: values"),
        ("family", family(more=np.zeros(1)), "layout of family lacks or adds more"),
        ("family", Section("ab", {"values": np.zeros((2, 5))}), "lacks or adds quality"),
        ("family", family("abc"), "version of family"),
        ("instruments", instruments(np.zeros(4, INSTRUMENT_STATE)), "layout of instruments"),
        ("instruments", instruments(np.zeros(3, INSTRUMENT_STATE.descr[:-1])), "layout of instruments"),
        ("more", Section("1", {}), "lacks more"),
    ],
)
def test_a_section_of_another_layout_is_refused_and_nothing_is_written(
    name: str, section: Section, message: str
) -> None:
    snapshot = Snapshot(pack(HEAD, sections()))
    before = contents({name: section})
    problem = snapshot.misfit(name, section)
    assert problem is not None
    assert message in problem
    with pytest.raises(SnapshotError, match=message) as refusal:
        snapshot.fill(name, section)
    assert "Operator action:" in str(refusal.value)
    assert contents({name: section}) == before


def test_bytes_that_are_not_those_of_the_arrays_are_refused() -> None:
    content = msgspec.msgpack.decode(pack(HEAD, sections())[4:])
    for changed in ({"data": b"\x00garbage"}, {"length": 3}):
        stored = {**content["sections"]["family"], **changed}
        snapshot = Snapshot(sealed({**content, "sections": {"family": stored}}))
        with pytest.raises(SnapshotError, match="section family cannot be read"):
            snapshot.section("family")
