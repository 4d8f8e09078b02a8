"""A snapshot that does not fit is refused, and the engine goes on as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import crc32c
import msgspec
import pytest

from core.engine.engine import PartitionEngine
from core.model.errors import SnapshotError
from tests.support.logs import cut, run
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import exchange_universe, make_engine, short_calendars


@cache
def frames() -> tuple[bytes, ...]:
    return (*cut(warm_start()), *cut(rich_log(1)))


@cache
def halfway() -> bytes:
    engine = make_engine()
    run(engine, frames()[: len(frames()) // 2])
    return engine.snapshot()


def engine_at_work() -> PartitionEngine:
    """An engine in the middle of a session."""
    engine = make_engine()
    engine.restore(halfway())
    return engine


@cache
def good() -> bytes:
    engine = make_engine()
    run(engine, frames()[: len(frames()) // 3])
    return engine.snapshot()


def sealed(content: object) -> bytes:
    """Put the right checksum before any content."""
    body = msgspec.msgpack.encode(content)
    return crc32c.crc32c(body).to_bytes(4, "little") + body


def changed(**fields: Any) -> bytes:
    content = msgspec.msgpack.decode(good()[4:])
    content.update(fields)
    return sealed(content)


def with_section(name: str, **fields: object) -> bytes:
    """Replace fields of one stored section."""
    sections = msgspec.msgpack.decode(good()[4:])["sections"]
    sections[name] |= fields
    return changed(sections=sections)


def with_layout(name: str, array: str, layout: list[object]) -> bytes:
    """Say of one array that it is another."""
    stored = msgspec.msgpack.decode(good()[4:])["sections"][name]["layout"]
    return with_section(name, layout=stored | {array: layout})


def without_section(name: str) -> bytes:
    sections = msgspec.msgpack.decode(good()[4:])["sections"]
    del sections[name]
    return changed(sections=sections)


def _unknown(**fields: object) -> dict[str, object]:
    """A definition that no release has."""
    entry = {"id": "unknown", "frequency": "1d"}
    return {"entry": entry, "version": "0ld", "family": "level", "values": [], **fields}


def with_definition(*, without: str = "", **fields: object) -> bytes:
    """Put one definition into the head that this release cannot compute, in place of all others."""
    content = msgspec.msgpack.decode(good()[4:])
    content["head"]["definitions"] = [_unknown(**fields)]
    content["head"]["catalogue"] = "0ld"
    if without:
        layout = content["sections"]["definition/spread_1d"]["layout"]
        layout["other"] = layout.pop(without)
    return sealed(content)


def with_pairs(pairs: list[str]) -> bytes:
    """Name pairs in a stored definition: they are no part of its version."""
    content = msgspec.msgpack.decode(good()[4:])
    content["head"]["catalogue"] = "0ld"
    content["head"]["definitions"][0]["entry"]["pairs"] = pairs
    return sealed(content)


def other(**settings: Any) -> bytes:
    return make_engine(**settings).snapshot()


def damaged(position: int) -> bytes:
    data = bytearray(good())
    data[position] ^= 1
    return bytes(data)


BROKEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "damaged"),
    "three bytes": (lambda: good()[:3], "damaged"),
    "first byte": (lambda: damaged(0), "damaged"),
    "a byte in the middle": (lambda: damaged(len(good()) // 2), "damaged"),
    "last byte missing": (lambda: good()[:-1], "damaged"),
    "not MessagePack": (lambda: crc32c.crc32c(b"\xc1").to_bytes(4, "little") + b"\xc1", "no snapshot"),
    "another content": (lambda: sealed([1, 2]), "no snapshot"),
    "another version": (lambda: changed(version=99), "version 99"),
    "a section missing": (lambda: without_section("pairs"), "lacks pairs"),
    "a definition missing": (lambda: without_section("definition/spread_1d"), "lacks definition/spread_1d"),
    "a family missing": (lambda: without_section("family/beta_hour"), "lacks family/beta_hour"),
    "a family of other semantics": (lambda: with_section("family/beta_hour", version="x"), "version of"),
    "another dtype": (lambda: with_layout("pairs", "prices", ["<f8", [2, 5]]), "layout of pairs"),
    "another shape": (lambda: with_layout("pairs", "prices", ["<i8", [1, 10]]), "layout of pairs"),
    "too few bytes": (lambda: with_section("pairs", data=b""), "cannot be read"),
    "another universe": (lambda: other(universe=exchange_universe()), "another universe"),
    "another partition": (lambda: changed(head=_head(partition=3)), "partition"),
    "no definitions": (lambda: changed(head=_head(definitions=None)), "definitions of the snapshot"),
    "definitions of another form": (lambda: changed(head=_head(definitions=[{}])), "cannot be read"),
    "a definition twice": (lambda: changed(head=_head(definitions=[_unknown()] * 2)), "is duplicated"),
    "a definition without id": (lambda: with_definition(entry={}), "an id is missing"),
    "an unknown definition without state": (lambda: with_definition(), "lacks definition/unknown"),
    "an unknown definition at an unknown time": (
        lambda: with_definition(entry={"id": "unknown", "frequency": "1h"}),
        "no frequency that is known",
    ),
    "an unknown definition of another layout": (
        lambda: with_definition(entry={"id": "spread_1d", "frequency": "1d"}, without="lives"),
        "layout of definition 'spread_1d'",
    ),
    "a definition for a pair that is not there": (lambda: with_pairs(["SML/NONE"]), "cannot be computed"),
}


def _head(**fields: object) -> dict[str, object]:
    head: dict[str, object] = msgspec.msgpack.decode(good()[4:])["head"]
    return {**head, **fields}


@pytest.mark.parametrize("what", BROKEN)
def test_what_does_not_fit_is_refused_and_changes_nothing(what: str) -> None:
    make, message = BROKEN[what]
    engine, untouched = engine_at_work(), engine_at_work()
    before = engine.snapshot()
    with pytest.raises(SnapshotError, match=message) as refusal:
        engine.restore(make())
    assert "Operator action" in str(refusal.value)
    assert engine.snapshot() == before
    rest = frames()[len(frames()) // 2 :][:100]
    assert run(engine, rest).told() == run(untouched, rest).told()


def test_a_calendar_that_lacks_the_session_is_refused_and_changes_nothing() -> None:
    """Guards against state that was half taken over when the clocks could not follow."""
    engine = make_engine()
    run(engine, frames())
    later = engine.snapshot()
    narrow = make_engine(calendars=short_calendars(live_sessions=1))
    before = narrow.snapshot()
    with pytest.raises(SnapshotError, match="not in the calendar"):
        narrow.restore(later)
    assert narrow.snapshot() == before
    assert run(narrow, frames()[:2]).dead_letters == []


def test_a_good_snapshot_is_taken() -> None:
    engine = engine_at_work()
    engine.restore(good())
    assert engine.snapshot() == good()
