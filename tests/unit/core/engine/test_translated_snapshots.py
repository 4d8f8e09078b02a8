"""A snapshot of a release with detectors: the same episodes as rules; published ones keep their version."""

from __future__ import annotations

from functools import cache
from typing import Any

import crc32c
import msgspec
import pytest

from core.definitions.catalogue import parse_catalogue
from core.definitions.definition import parse_definition
from core.definitions.detector_translation import detector_version, rule_of_detector
from core.definitions.digests import digest
from core.engine.engine import PartitionEngine
from core.engine.snapshot import Snapshot
from core.events.events import Event, encode_data
from core.model.records import EventState, TickKind
from tests.support import worlds
from tests.support.logs import LogBuilder, Run, Sequences, cut, run
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import HISTORY, make_engine, session_open

pytestmark = pytest.mark.compiled

STANDING = (int(EventState.OPENED), int(EventState.CONFIRMED))


def detector(name: str, kind: str, numbers: dict[str, float], **fields: Any) -> dict[str, Any]:
    """An entry as a release with detectors wrote it into a snapshot."""
    head = {"id": name, "kind": kind, "frequency": "1d", "cool_down": 0, "expires": 0, "pairs": []}
    return head | fields | {"parameters": numbers}


def opposite(name: str, direction: float) -> dict[str, Any]:
    return detector(name, "opposite_day", {"direction": direction, "instrument_return_pct": 1.0})


def spread(name: str, **fields: Any) -> dict[str, Any]:
    numbers = {"horizon_sessions": 1.0, "direction": 0.0, "enter_z": 2.0, "exit_z": 0.5}
    return detector(name, "spread_z", numbers, **fields)


UNCONFIRMED = {
    "direction": 1.0,
    "leader": 1.0,
    "window_sessions": 63.0,
    "delta_pct": 0.1,
    "invalidation_pct": 0.5,
}
DETECTORS = {
    "opposite_up": opposite("opposite_up", 1.0),
    "opposite_down": opposite("opposite_down", -1.0),
    "spread_1d": spread("spread_1d", expires=3),
    "unconfirmed_high": detector("unconfirmed_high", "nonconfirmation", UNCONFIRMED, cool_down=4, expires=2),
    "spread_15m": spread("spread_15m", frequency="1m", cool_down=5),
}
VERSIONS = {name: detector_version(entry) for name, entry in DETECTORS.items()}


def frames() -> tuple[bytes, ...]:
    return _frames()


@cache
def _frames() -> tuple[bytes, ...]:
    return tuple(cut(warm_start())) + tuple(cut(rich_log(1), range(0, len(rich_log(1)), 50)))


def alive(engine: PartitionEngine) -> dict[tuple[str, str], tuple[str, int]]:
    """Definition and pair of everything that is open or a candidate → state and episode."""
    found = {}
    for watch in engine.evaluator.watches:
        for row, life in enumerate(engine.evaluator.lifecycle.episodes[watch.rule.number]):
            if life["state"] in STANDING or life["candidate"]:
                state = "candidate" if life["candidate"] else EventState(int(life["state"])).label
                key = watch.definition.definition_id, engine.world.pairs[row].name
                found[key] = state, int(life["episode"])
    return found


@cache
def middle() -> tuple[int, bytes]:
    """A frame behind which something is open and something a candidate, and the state there."""
    engine = make_engine()
    for number, payload in enumerate(frames()):
        engine.step(payload, number)
        if {"opened", "candidate"} <= {state for state, _ in alive(engine).values()}:
            return number + 1, engine.snapshot()
    raise AssertionError("the log opens nothing")


def sealed(content: object) -> bytes:
    body = msgspec.msgpack.encode(content)
    return crc32c.crc32c(body).to_bytes(4, "little") + body


def as_detectors(data: bytes, **changes: dict[str, Any]) -> bytes:
    """The snapshot as a release with detectors would have written it."""
    content = msgspec.msgpack.decode(data[4:])
    head, sections = content["head"], content["sections"]
    for record in head["definitions"]:
        name = record["entry"]["id"]
        record["entry"] = DETECTORS[name] | changes.get(name, {})
        record["version"] = sections[f"definition/{name}"]["version"] = VERSIONS[name]
    head["catalogue"] = digest([[name, VERSIONS[name], []] for name in DETECTORS])
    del sections["family/paired_prices"]
    return sealed(content)


def restored(catalogue: str = worlds.CATALOGUE, data: bytes | None = None) -> PartitionEngine:
    engine = make_engine(catalogue=catalogue)
    engine.restore(data or as_detectors(middle()[1]))
    return engine


def go_on(engine: PartitionEngine) -> Run:
    return run(engine, frames()[middle()[0] :], first_offset=middle()[0])


def without_names(event: Event) -> bytes:
    data = msgspec.json.decode(encode_data(event))
    del data["version"]
    return msgspec.json.encode(data)


def test_the_rules_of_the_test_world_are_those_of_its_detectors() -> None:
    for definition in parse_catalogue(worlds.CATALOGUE).definitions:
        entry = DETECTORS[definition.definition_id]
        assert parse_definition(rule_of_detector(entry)) == definition


def test_every_life_goes_on_and_nothing_waits() -> None:
    engine = restored()
    plain = make_engine()
    plain.restore(middle()[1])
    assert alive(engine) == alive(plain)
    assert not engine.definitions_wait
    ours, theirs = go_on(engine), go_on(plain)
    assert [without_names(event) for event in ours.events] == [
        without_names(event) for event in theirs.events
    ]
    assert ours.events


def test_an_episode_keeps_the_version_it_was_published_under_and_a_new_one_does_not() -> None:
    engine = restored()
    published = {(*key, episode) for key, (_, episode) in alive(engine).items()}
    seen = set()
    for event in go_on(engine).events:
        was_published = (event.definition, event.pair, event.episode) in published
        own = parse_catalogue(worlds.CATALOGUE).get(event.definition).version
        if event.state != "revised":
            assert event.version == (VERSIONS[event.definition] if was_published else own)
        seen.add((was_published, event.state))
    assert {was_published for was_published, _ in seen} == {True, False}
    assert (True, "opened") in seen or (True, "withdrawn") in seen


def test_names_survive_further_snapshots_and_none_are_added() -> None:
    engine, again = restored(), restored()
    expected = go_on(engine)
    found: list[Event] = []
    remembered = []
    rest = frames()[middle()[0] :]
    for number, payload in enumerate(rest, start=middle()[0]):
        found += again.step(payload, number).events
        if (number - middle()[0]) % (len(rest) // 12) != 0 and number != middle()[0] + len(rest) - 1:
            continue
        data = again.snapshot()
        again = make_engine()
        again.restore(data)
        assert again.snapshot() == data
        remembered.append([len(record.get("told", ())) for record in Snapshot(data).head["definitions"]])
    assert [event.event_id for event in found] == [event.event_id for event in expected.events]
    assert sum(remembered[0]) > 0
    assert all(later <= sooner for later, sooner in zip(remembered[-1], remembered[0], strict=True))


def test_what_is_withdrawn_with_its_definition_keeps_the_version_it_was_published_under() -> None:
    engine = restored("")
    expected = {key: VERSIONS[key[0]] for key in alive(engine)}
    withdrawn = engine.adopt()
    assert {(event.definition, event.pair): event.version for event in withdrawn} == expected


def test_a_settings_mark_of_that_release_is_understood() -> None:
    """The mark asks for a catalogue by the digest it had when its definitions were detectors."""
    blocks = worlds.CATALOGUE.split("[[definition]]")[1:]
    wanted = "".join("[[definition]]" + block for block in blocks if '"spread_1d"' in block)
    asked = int(digest([["spread_1d", VERSIONS["spread_1d"], []]])[:16], 16)
    log = LogBuilder()
    log.add(TickKind.SETTINGS, session_open(0), source=HISTORY, trade_id=asked)
    engine = restored(wanted)
    assert engine.definitions_wait
    (payload,) = cut(log.records, sequences=Sequences(epoch=2))
    events = engine.step(payload, middle()[0]).events
    assert not engine.definitions_wait
    assert {event.definition for event in events} <= DETECTORS.keys() - {"spread_1d"}
    assert events


def test_names_are_carried_when_other_definitions_change() -> None:
    blocks = worlds.CATALOGUE.split("[[definition]]")[1:]
    fewer = "".join("[[definition]]" + block for block in blocks if '"spread_15m"' not in block)
    engine = restored(fewer)
    alone = restored()
    engine.adopt()
    ours = [(e.event_id, e.version) for e in go_on(engine).events]
    theirs = [(e.event_id, e.version) for e in go_on(alone).events if e.definition != "spread_15m"]
    assert ours == theirs


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"forgotten": 1.0}},
        {"parameters": {**UNCONFIRMED, "window_sessions": 100.0}},
        {"parameters": {**UNCONFIRMED, "delta_pct": 0.2}},
        {"frequency": "1m"},
    ],
)
def test_a_detector_that_cannot_be_translated_waits_to_be_withdrawn(change: dict[str, Any]) -> None:
    engine = restored(data=as_detectors(middle()[1], unconfirmed_high=change))
    plain = restored()
    expected = [key for key in alive(plain) if key[0] == "unconfirmed_high"]
    assert engine.definitions_wait
    withdrawn = engine.adopt()
    assert [(event.definition, event.pair) for event in withdrawn] == expected
    assert {event.version for event in withdrawn} <= {VERSIONS["unconfirmed_high"]}


def openings_ahead() -> tuple[int, set[tuple[str, str, int]]]:
    """Frames behind the middle in which something opens that goes on later, and what it is."""
    engine = restored()
    known = {(*key, episode) for key, (_, episode) in alive(engine).items()}
    opened: set[tuple[str, str, int]] = set()
    length = 0
    for number, payload in enumerate(frames()[middle()[0] :], start=middle()[0]):
        for event in engine.step(payload, number).events:
            key = event.definition, event.pair, event.episode
            if event.state in ("opened", "candidate") and key not in known and not length:
                opened.add(key)
            elif key in opened and length:
                return length, {key}
        if opened and not length:
            length = number + 1 - middle()[0]
    raise AssertionError("nothing that opens goes on")


def test_what_that_release_published_behind_its_snapshot_keeps_its_version_too() -> None:
    """A worker steps in silence up to the committed offset, then notes what was published by then."""
    length, (key,) = openings_ahead()
    versions = {}
    for noted in (True, False):
        engine = restored()
        rest = frames()[middle()[0] :]
        run(engine, rest[:length], first_offset=middle()[0])
        if noted:
            assert engine.keep_published_versions()
            assert not engine.keep_published_versions()
        after = run(engine, rest[length:], first_offset=middle()[0] + length)
        found = {e.version for e in after.events if (e.definition, e.pair, e.episode) == key}
        (versions[noted],) = found
    own = parse_catalogue(worlds.CATALOGUE).get(key[0]).version
    assert versions == {True: VERSIONS[key[0]], False: own}


def test_an_engine_of_this_release_has_no_names_to_note() -> None:
    engine = make_engine()
    engine.restore(middle()[1])
    assert not engine.keep_published_versions()


def test_names_of_a_change_that_the_release_made_behind_its_snapshot() -> None:
    """Definitions that came with it were published under their versions as detectors as well."""
    blocks = worlds.CATALOGUE.split("[[definition]]")[1:]
    fewer = [block for block in blocks if '"opposite_up"' not in block]
    before = make_engine(catalogue="".join("[[definition]]" + block for block in fewer))
    run(before, frames()[: middle()[0]])
    data = as_detectors(before.snapshot())

    def changed() -> PartitionEngine:
        engine = restored(data=data)
        assert engine.definitions_wait
        engine.adopt()
        return engine

    rest = frames()[middle()[0] :]
    engine = changed()
    seen: dict[tuple[str, int], set[int]] = {}
    for length, payload in enumerate(rest, start=1):
        for event in engine.step(payload, middle()[0] + length - 1).events:
            if event.definition == "opposite_up":
                seen.setdefault((event.pair, event.episode), set()).add(length)
    key, lengths = next((key, lengths) for key, lengths in seen.items() if len(lengths) > 1)
    again = changed()
    run(again, rest[: min(lengths)], first_offset=middle()[0])
    assert again.keep_published_versions()
    after = run(again, rest[min(lengths) :], first_offset=middle()[0] + min(lengths))
    events = [e for e in after.events if e.definition == "opposite_up" and (e.pair, e.episode) == key]
    assert {event.version for event in events} == {VERSIONS["opposite_up"]}
