"""tests.equality: what differs is found and named; what may differ is not held against a commit."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.equality.__main__ import MOST_SHOWN, report
from tests.equality.comparison import compare, fields_that_differ
from tests.equality.fields import ABSENT, BARS, DEAD_LETTERS, EVENTS, Kind, flat
from tests.equality.runs import Records, read_records

Event = dict[str, Any]


def event(number: int, state: str = "opened") -> Event:
    """One of the events of an episode a number."""
    return {
        "log": "demo",
        "offset": number,
        "headers": {"ce_id": f"id{number}", "ce_definitionversion": "v1"},
        "data": {
            "definition": "spread_z_1d",
            "version": "v1",
            "pair": "RUT/SPX",
            "episode": 19_000 + number,
            "transition": 1,
            "state": state,
            "values": {"spread_pp": 1.5, "zscore": None},
            "first_since": {"date": None, "series": "close", "operator": ">="},
            "reasons": {"values.zscore": "not_ready"},
            "provenance": {"catalogue": "c1", "universe": "u1"},
        },
    }


def bar(start: int) -> Event:
    return {"log": "demo", "frequency": 1, "instrument_id": 3, "ts_start": start, "flags": 0, "close": 10}


def letter(offset: int) -> Event:
    return {"log": "rich", "offset": offset, "reason": "future", "payload": "AAAA"}


def events() -> list[Event]:
    return [event(number) for number in range(30)]


def changed(place: str, value: Any, number: int = 7) -> list[Event]:
    """All events, one of them with another value at a place."""
    planted = copy.deepcopy(events())
    *tables, name = place.split(".")
    table: Any = planted[number]
    for each in tables:
        table = table[each]
    table[name] = value
    return planted


def test_the_same_records_are_equal() -> None:
    found = compare(EVENTS, events(), events())
    assert found.equal
    assert (found.base, found.head, found.differences, found.versioned) == (30, 30, (), 0)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("data.state", "resolved"),
        ("data.values.spread_pp", 1.500000001),
        ("data.values", {}),
        ("data.first_since.date", "2008-10-10"),
        ("data.reasons.more", "stale"),
        ("data.provenance.universe", "u2"),
        ("offset", 8),
        ("headers.ce_id", "another"),
    ],
)
def test_a_changed_event_is_found_and_its_field_named(place: str, value: Any) -> None:
    """An id may not change by itself: it follows from the version."""
    found = compare(EVENTS, events(), changed(place, value))
    assert not found.equal
    assert len(found.differences) == 1
    assert all(path.startswith(place) or place.startswith(path) for path in fields_that_differ(found))
    assert "19007" in str(found.differences[0])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("data.provenance.catalogue", "c2"),
        ("data.first_since.series", "closing prices"),
        ("data.first_since.operator", "at least"),
    ],
)
def test_what_hashes_versions_and_wording_may_differ(place: str, value: Any) -> None:
    found = compare(EVENTS, events(), changed(place, value))
    assert found.equal
    assert found.base_digest == found.head_digest


def test_another_version_may_bring_another_id() -> None:
    renamed = events()
    for each in renamed[:4]:
        each["data"]["version"] = each["headers"]["ce_definitionversion"] = "v2"
        each["headers"]["ce_id"] = "new " + each["headers"]["ce_id"]
    found = compare(EVENTS, events(), renamed)
    assert found.equal
    assert found.versioned == 4


def test_a_changed_value_is_found_under_another_version() -> None:
    planted = changed("data.version", "v2")
    planted[7]["data"]["values"]["spread_pp"] = 2.0
    found = compare(EVENTS, events(), planted)
    assert [dict(each.fields) for each in found.differences] == [{"data.values.spread_pp": (1.5, 2.0)}]


def test_a_record_that_is_missing_doubled_or_moved_is_found() -> None:
    missing = compare(EVENTS, events(), events()[:-1])
    assert [dict(each.fields) for each in missing.differences] == [{"(record)": ("present", ABSENT)}]
    doubled = compare(EVENTS, events(), [*events(), event(3)])
    assert [dict(each.fields) for each in doubled.differences] == [{"(record)": (ABSENT, "present")}]
    moved = compare(EVENTS, events(), [*events()[1:], event(0)])
    assert not moved.equal
    assert (moved.differences, moved.moved) == ((), 30)


@pytest.mark.parametrize(
    ("kind", "record", "field"), [(BARS, bar, "close"), (DEAD_LETTERS, letter, "payload")]
)
def test_bars_and_dead_letters_have_nothing_that_may_differ(
    kind: Kind, record: Callable[[int], Event], field: str
) -> None:
    base, head = [record(1), record(2)], [record(1), record(2) | {field: "other"}]
    found = compare(kind, base, head)
    assert fields_that_differ(found) == {field: 1}
    assert compare(kind, base, base).equal


def written(path: Path, events: list[Event], letters: list[Event]) -> Records:
    """What a commit's run would have left, read back."""
    lines = [json.dumps(["events", each]) for each in events]
    lines += [json.dumps(["dead letters", each]) for each in letters]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_records(path)


def test_a_planted_event_is_reported_as_a_difference(tmp_path: Path) -> None:
    base = written(tmp_path / "base.jsonl", events(), [letter(1)])
    head = written(tmp_path / "head.jsonl", changed("data.values.spread_pp", 9.0), [letter(1)])
    lines = list(report("demo", base, head))
    assert [line for line, same in lines if same] == [
        next(line for line, _ in lines if "bars" in line),
        next(line for line, _ in lines if "dead letters" in line),
    ]
    unequal = [line for line, same in lines if not same]
    assert unequal[0].startswith("demo       events               30, 1 differ, digest ")
    assert unequal[1] == "    data.values.spread_pp: 1"
    assert "data.values.spread_pp: 1.5 → 9.0" in unequal[2]
    assert all(same for _, same in report("demo", base, base))


def test_only_the_first_differences_are_shown(tmp_path: Path) -> None:
    base = written(tmp_path / "base.jsonl", events(), [])
    head = written(tmp_path / "head.jsonl", [event(number, "resolved") for number in range(30)], [])
    lines = [line for line, _ in report("demo", base, head)]
    assert sum("opened" in line for line in lines) == MOST_SHOWN
    assert f"    and {30 - MOST_SHOWN} more" in lines


def test_a_line_of_the_command_line_is_an_event_of_the_study(tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    path.write_text(json.dumps(event(1)["data"]) + "\n", encoding="utf-8")
    [record] = read_records(path)["events"]
    assert flat(record)["log"] == "study"
    assert flat(record)["data.episode"] == 19_001
