"""Definitions come and go in the middle of a log: the rest continues to the last byte."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import crc32c
import msgspec
import numpy as np
import pytest

from consumers.worker.schemas import validator
from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.engine.snapshot import Section, Snapshot
from core.events.events import Event, encode_data
from core.model.records import EventState, TickKind
from core.model.schemas import event_schema_id
from tests.support import worlds
from tests.support.logs import LogBuilder, Run, Sequences, cut, run, state_of
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import FIRST_SESSION, HISTORY, make_engine, session_open

STANDING = (int(EventState.OPENED), int(EventState.CONFIRMED))
RULE = """
[[definition]]
id = "lasting_rise"
family = "relative-strength"
enter = ["return_1d_pct > 0"]
confirm = ["return_1d_pct > -50"]
exit = ["return_1d_pct < -50"]
"""
CATALOGUE = worlds.CATALOGUE + RULE
NEW = """
[[definition]]
id = "another_up"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 0.5", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = 0.5 }
"""


def entries(*ids: str) -> str:
    """Those definitions of the catalogue."""
    blocks = CATALOGUE.split("[[definition]]")[1:]
    return "".join("[[definition]]" + block for block in blocks if any(f'"{name}"' in block for name in ids))


ALL = ("opposite_up", "opposite_down", "spread_1d", "unconfirmed_high", "spread_15m", "lasting_rise")


@cache
def frames() -> tuple[bytes, ...]:
    log = np.concatenate([warm_start(), rich_log(1)])
    return tuple(cut(log, range(0, len(log), 50)))


def alive(engine: PartitionEngine) -> dict[tuple[str, str], str]:
    """Definition and pair of everything that is open or a candidate."""
    found = {}
    for watch in engine.evaluator.watches:
        for row, life in enumerate(engine.evaluator.lifecycle.episodes[watch.rule.number]):
            if life["state"] in STANDING or life["candidate"]:
                key = watch.definition.definition_id, engine.world.pairs[row].name
                found[key] = "candidate" if life["candidate"] else EventState(int(life["state"])).label
    return found


@cache
def middle() -> tuple[int, bytes]:
    """A frame behind which something is open, confirmed and a candidate, and the state there."""
    engine = make_engine(catalogue=CATALOGUE)
    for number, payload in enumerate(frames()):
        engine.step(payload, number)
        found = alive(engine)
        if {"opened", "confirmed", "candidate"} <= set(found.values()):
            return number + 1, engine.snapshot()
    raise AssertionError("the log opens nothing")


def restored(catalogue: str = CATALOGUE) -> PartitionEngine:
    engine = make_engine(catalogue=catalogue)
    engine.restore(middle()[1])
    return engine


@cache
def undisturbed() -> Run:
    return run(restored(), frames()[middle()[0] :], first_offset=middle()[0])


def of(events: list[Event], *ids: str) -> list[tuple[str, bytes]]:
    """Those definitions' events, without the catalogue's digest, which rightly differs."""
    kept = []
    for event in events:
        if event.definition in ids:
            data = msgspec.json.decode(encode_data(event))
            del data["provenance"]["catalogue"]
            kept.append((event.event_id, msgspec.json.encode(data)))
    return kept


def assert_valid(event: Event) -> None:
    """Hold an event's data against its published schema."""
    validator(event_schema_id(event.family)).validate(msgspec.json.decode(encode_data(event)))


def sections_of(engine: PartitionEngine) -> dict[str, Section]:
    snapshot = Snapshot(engine.snapshot())
    return {name: snapshot.section(name) for name in snapshot.versions}


def same_section(one: Section, other: Section) -> bool:
    return all(array.tobytes() == other.arrays[name].tobytes() for name, array in one.arrays.items())


def test_until_it_adopts_an_engine_goes_on_with_the_definitions_of_the_snapshot() -> None:
    engine = restored(entries("opposite_up"))
    assert engine.definitions_wait
    assert engine.snapshot() == middle()[1]
    rest = frames()[middle()[0] :][:20]
    assert (
        run(engine, rest, first_offset=middle()[0]).told()
        == run(restored(), rest, first_offset=middle()[0]).told()
    )


def test_other_texts_end_nothing_and_are_said_from_their_adoption_on() -> None:
    texts = 'title = "A title"\nsentence = "{numerator} moved {numerator.return_pct:+}"'
    said = re.sub(r'^(id = ".*")$', rf"\1\n{texts}", CATALOGUE, flags=re.MULTILINE)
    own, plain = parse_catalogue(said).definitions, parse_catalogue(CATALOGUE).definitions
    assert [each.version for each in own] == [each.version for each in plain]
    engine = restored(said)
    before = alive(engine)
    assert engine.definitions_wait
    assert engine.adopt() == []
    assert alive(engine) == before
    again = make_engine(catalogue=said)
    again.restore(engine.snapshot())
    assert not again.definitions_wait
    assert alive(again) == before
    after = run(again, frames()[middle()[0] :], first_offset=middle()[0])
    assert [event.event_id for event in after.events] == [event.event_id for event in undisturbed().events]
    assert {event.title for event in after.events} == {"A title"}
    assert all(" moved " in event.summary or "unknown" in event.summary for event in after.events)
    assert any(" moved " in event.summary for event in after.events)


@pytest.mark.parametrize("gone", ALL)
def test_a_removed_definition_takes_its_open_events_along_and_nothing_else(gone: str) -> None:
    kept = [name for name in ALL if name != gone]
    engine = restored(entries(*kept))
    expected = {key: state for key, state in alive(engine).items() if key[0] == gone}
    withdrawn = engine.adopt()
    assert not engine.definitions_wait
    told = {(event.definition, event.pair): event.previous_state for event in withdrawn}
    assert told == expected
    assert {event.state for event in withdrawn} <= {"withdrawn"}
    after = run(engine, frames()[middle()[0] :], first_offset=middle()[0])
    assert of(after.events, *ALL) == of(undisturbed().events, *kept)
    assert [bars.tobytes() for bars in after.minute_bars] == [b.tobytes() for b in undisturbed().minute_bars]


def test_something_is_really_withdrawn() -> None:
    """An open episode, a confirmed one and a candidate, under ids nobody has used."""
    engine = restored("")
    before = alive(engine)
    withdrawn = engine.adopt()
    assert {event.previous_state for event in withdrawn} == {"opened", "confirmed", "candidate"}
    assert len(withdrawn) == len(before)
    earlier = make_engine(catalogue=CATALOGUE)
    used = {event.event_id for event in run(earlier, frames()[: middle()[0]]).events}
    assert not used & {event.event_id for event in withdrawn}
    for event in withdrawn:
        assert_valid(event)


def test_what_is_withdrawn_follows_from_the_state_alone() -> None:
    first, second = restored(""), restored("")
    assert [(e.event_id, encode_data(e)) for e in first.adopt()] == [
        (e.event_id, encode_data(e)) for e in second.adopt()
    ]
    assert first.snapshot() == second.snapshot()


def test_everything_shared_is_carried_over_byte_for_byte() -> None:
    engine = restored(NEW + entries("spread_15m", "spread_1d"))
    before = sections_of(engine)
    engine.adopt()
    after = sections_of(engine)
    kept = {name for name in before if not name.startswith("definition/")}
    kept |= {"definition/spread_1d", "definition/spread_15m"}
    assert after.keys() == kept | {"definition/another_up"}
    assert all(same_section(before[name], after[name]) for name in kept)


def test_a_changed_definition_ends_as_the_old_one_and_begins_as_a_new_one() -> None:
    changed = CATALOGUE.replace("instrument_return_pct:1d >= 1", "instrument_return_pct:1d >= 0.9", 1)
    engine = restored(changed)
    old = parse_catalogue(CATALOGUE).get("opposite_up").version
    new = parse_catalogue(changed).get("opposite_up").version
    expected = [key for key in alive(engine) if key[0] == "opposite_up"]
    withdrawn = engine.adopt()
    assert [(event.definition, event.pair) for event in withdrawn] == expected
    assert {event.version for event in withdrawn} <= {old}
    after = run(engine, frames()[middle()[0] :], first_offset=middle()[0])
    assert {event.version for event in after.events if event.definition == "opposite_up"} == {new}


def test_a_new_definition_counts_from_the_session_in_force() -> None:
    engine = restored(CATALOGUE + NEW)
    assert engine.adopt() == []
    after = run(engine, frames()[middle()[0] :], first_offset=middle()[0])
    fresh = [event for event in after.events if event.definition == "another_up"]
    assert fresh
    watch = next(one for one in engine.evaluator.watches if one.definition.definition_id == "another_up")
    episodes = engine.evaluator.lifecycle.episodes[watch.rule.number]
    decided = episodes["decided_since"][episodes["last_opened"] != 0]
    assert set(decided.tolist()) == {FIRST_SESSION}
    for event in fresh:  # All of that session.
        assert event.first_since is None
        assert event.reasons["first_since"] == "no earlier session on which the definition could be decided"
        assert event.quality in ("rebuilt", "stale", "not_ready")
        assert_valid(event)
    assert of(after.events, *ALL) == of(undisturbed().events, *ALL)


def test_pairs_that_a_definition_is_no_longer_for_are_withdrawn_and_the_others_stay() -> None:
    watched = [key[1] for key in alive(restored()) if key[0] == "unconfirmed_high"]
    assert watched
    only = CATALOGUE.replace('id = "unconfirmed_high"', 'id = "unconfirmed_high"\npairs = ["ETH/COIN"]')
    engine = restored(only)
    withdrawn = engine.adopt()
    assert [(event.definition, event.pair) for event in withdrawn] == [
        ("unconfirmed_high", pair) for pair in watched if pair != "ETH/COIN"
    ]
    assert {key for key in alive(engine) if key[0] == "unconfirmed_high"} <= {
        ("unconfirmed_high", "ETH/COIN")
    }


class TestSettingsMarks:
    """A mark in the log says where definitions change."""

    @staticmethod
    def mark(catalogue: str) -> LogBuilder:
        log = LogBuilder()
        log.add(
            TickKind.SETTINGS,
            session_open(0),
            source=HISTORY,
            trade_id=parse_catalogue(catalogue).mark,
        )
        return log

    def test_an_engine_that_knows_the_catalogue_changes_to_it_at_the_mark(self) -> None:
        catalogue = entries("spread_1d") + NEW
        engine, by_hand = restored(catalogue), restored(catalogue)
        assert engine.asked_catalogue is None
        (payload,) = cut(self.mark(catalogue).records, sequences=Sequences(epoch=2))
        output = engine.step(payload, middle()[0])
        assert not engine.definitions_wait
        assert engine.asked_catalogue == parse_catalogue(catalogue).mark
        assert [e.event_id for e in output.events] == [e.event_id for e in by_hand.adopt()]

    def test_a_mark_for_another_catalogue_changes_nothing_but_is_remembered(self) -> None:
        catalogue = entries("spread_1d")
        engine = restored(catalogue)
        (payload,) = cut(self.mark(NEW).records, sequences=Sequences(epoch=2))
        assert engine.step(payload, middle()[0]).events == []
        assert engine.definitions_wait
        again = make_engine(catalogue=catalogue)
        again.restore(engine.snapshot())
        assert again.asked_catalogue == parse_catalogue(NEW).mark

    def test_a_mark_for_the_definitions_in_force_changes_nothing(self) -> None:
        engine = restored()
        (payload,) = cut(self.mark(CATALOGUE).records, sequences=Sequences(epoch=2))
        assert engine.step(payload, middle()[0]).events == []
        assert not engine.definitions_wait

    def test_where_a_frame_is_cut_does_not_matter(self) -> None:
        """The change happens at the mark, not at the end of its frame."""
        catalogue = entries("spread_1d") + NEW
        log = LogBuilder()
        for back in (3, 2):
            log.baseline(session_open(0) - back * 86_400 * 10**9, {1: 100.0, 2: 200.0, 3: 50.0})
        records = np.concatenate([log.records[:3], self.mark(catalogue).records, log.records[3:]])
        states = []
        for cuts in ((), (3,), (4,), range(len(records))):
            engine = make_engine(catalogue=catalogue)
            engine.restore(make_engine(catalogue=CATALOGUE).snapshot())
            run(engine, cut(records, cuts))
            states.append(state_of(engine))
        assert all(state == states[0] for state in states)


def orphaned(definition_id: str, **changes: Any) -> bytes:
    """The snapshot in the middle, as a release would have left it that computed something else."""
    content = msgspec.msgpack.decode(middle()[1][4:])
    head = content["head"]
    for record in head["definitions"]:
        if record["entry"]["id"] == definition_id:
            record["entry"] |= changes
            record["version"] = content["sections"][f"definition/{definition_id}"]["version"] = "0ld"
    head["catalogue"] = "0ld"
    body = msgspec.msgpack.encode(content)
    return crc32c.crc32c(body).to_bytes(4, "little") + body


@pytest.mark.parametrize(
    "changes", [{}, {"kind": "forgotten"}, {"forgotten": 1.0}, {"enter": ["forgotten_pct > 1"]}]
)
def test_what_this_release_cannot_compute_is_kept_until_it_can_be_withdrawn(changes: dict[str, Any]) -> None:
    engine = make_engine(catalogue=CATALOGUE)
    expected = [key for key in alive(restored()) if key[0] == "unconfirmed_high"]
    data = orphaned("unconfirmed_high", **changes)
    engine.restore(data)
    assert engine.definitions_wait
    again = make_engine(catalogue=CATALOGUE)
    again.restore(engine.snapshot())
    assert again.snapshot() == engine.snapshot()
    withdrawn = engine.adopt()
    assert not engine.definitions_wait
    assert [(event.definition, event.pair) for event in withdrawn] == expected
    for event in withdrawn:
        assert event.version == "0ld"
        assert_valid(event)


def test_an_engine_that_begins_in_the_middle_says_so() -> None:
    engine = make_engine(catalogue=CATALOGUE)
    engine.mark_rebuilt()
    events = run(engine, frames()).events
    usual = run(make_engine(catalogue=CATALOGUE), frames()).events
    assert events
    assert [event.event_id for event in events] == [event.event_id for event in usual]
    assert {event.quality for event in events} <= {"rebuilt", "stale", "not_ready"}
    assert [event.first_since for event in events] == [event.first_since for event in usual]
