"""Extensions in an engine: numbered, taken back by a correction, and gained by a definition on the way."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.definitions.catalogue import parse_catalogue
from core.definitions.episode import EARLIER_EPISODE
from core.engine.engine import PartitionEngine
from core.engine.snapshot import Section, Snapshot, pack
from core.events.events import Event, event_id
from core.model.records import TickKind
from core.model.timestamps import date_text
from tests.support import worlds
from tests.support.desk import Desk
from tests.support.logs import Run, cut, run, state_of
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import BIG, FIRST_SESSION, SML, exchange_universe, make_engine

pytestmark = pytest.mark.compiled

CLOSE_S = 240
NEXT_OPEN_S = 1_200
BEFORE = """
[[definition]]
id = "high"
family = "level"
enter = ["numerator_price > numerator_high:63d"]
exit = ["return_1d_pct < -2"]
"""
EXTENDS = BEFORE + 'extend = ["numerator_price > numerator_high:63d"]\n'
VERSION_BEFORE = parse_catalogue(BEFORE).get("high").version
VERSION = parse_catalogue(EXTENDS).get("high").version

Told = tuple[str, str, int, int]
"""State, previous state, session of the opening, transition."""


def session(desk: Desk, number: int, sml: float) -> None:
    """A session that consists of its official closes."""
    start = number * NEXT_OPEN_S
    desk.mark(start + CLOSE_S)
    desk.official(start + CLOSE_S + 1, SML, sml)
    desk.official(start + CLOSE_S + 1, BIG, 200.0)
    desk.mark(start + CLOSE_S + 70)


def opened_desk(catalogue: str = EXTENDS) -> Desk:
    """Session 0 closes at a high."""
    desk = Desk(catalogue=catalogue, baseline_days=70)
    session(desk, 0, 101.0)
    return desk


def correct(desk: Desk, number: int, sml: float) -> list[Event]:
    """Correct the close of a session."""
    seconds = number * NEXT_OPEN_S + CLOSE_S + 1
    desk.official(seconds, SML, 1.0, kind=TickKind.CANCEL)
    desk.official(seconds, SML, sml, kind=TickKind.CORRECTION)
    return desk.flush().events


def events_of(desk: Desk) -> list[Event]:
    return [event for event in desk.said.events if event.pair == "SML/BIG"]


def told(desk: Desk) -> list[Told]:
    return [(e.state, e.previous_state, e.episode - FIRST_SESSION, e.transition) for e in events_of(desk)]


def day(number: int) -> str:
    return date_text(FIRST_SESSION + number)


def since(event: Event) -> tuple[object, ...]:
    assert event.first_since is not None
    names = ("last_true", "previous_opening", "openings", "sessions_true")
    return tuple(event.first_since[name] for name in names)


def moved(desk: Desk, catalogue: str, data: bytes | None = None) -> PartitionEngine:
    """Let another engine go on from a snapshot of the desk's."""
    engine = make_engine(exchange_universe(), catalogue=catalogue)
    engine.restore(desk.engine.snapshot() if data is None else data)
    desk.engine = engine
    return engine


class TestLife:
    """What a reader sees."""

    def test_every_further_high_is_told_and_says_when_the_last_one_was(self) -> None:
        desk = opened_desk()
        for number, sml in enumerate([102.0, 101.5, 103.0, 100.0], start=1):
            session(desk, number, sml)
        assert told(desk) == [
            ("opened", "idle", 0, 1),
            ("extended", "opened", 0, 2),
            ("extended", "opened", 0, 3),
            ("resolved", "opened", 0, 4),
        ]
        assert [since(event) for event in events_of(desk)] == [
            (None, None, 0, 0),
            (day(0), None, 0, 1),
            (day(1), None, 0, 2),
            (day(3), None, 0, 3),
        ]
        session(desk, 5, 104.0)
        assert since(events_of(desk)[-1]) == (day(3), day(0), 1, 3)

    def test_a_correction_takes_an_extension_back(self) -> None:
        desk = opened_desk()
        session(desk, 1, 102.0)
        assert correct(desk, 1, 102.5) == []
        (revised,) = correct(desk, 1, 100.5)
        assert told(desk)[1:] == [("extended", "opened", 0, 2), ("revised", "extended", 0, 3)]
        assert since(revised) == (day(0), None, 0, 1)
        session(desk, 2, 103.0)
        assert told(desk)[-1] == ("extended", "opened", 0, 4)
        assert since(events_of(desk)[-1]) == (day(0), None, 0, 1)

    def test_a_correction_makes_one(self) -> None:
        desk = opened_desk()
        session(desk, 1, 100.5)
        correct(desk, 1, 102.0)
        session(desk, 2, 103.0)
        assert told(desk)[1:] == [("revised", "opened", 0, 2), ("extended", "opened", 0, 3)]
        assert since(events_of(desk)[-1]) == (day(1), None, 0, 2)


class TestGained:
    """A definition that gains `extend` and nothing else."""

    def test_what_is_open_keeps_its_version_and_is_not_extended(self) -> None:
        desk = opened_desk(BEFORE)
        engine = moved(desk, EXTENDS)
        assert engine.adoption_is_due
        assert engine.adopt() == []
        assert not engine.definitions_wait
        session(desk, 1, 102.0)
        moved(desk, EXTENDS)
        for number, sml in enumerate([99.0, 104.0, 105.0], start=2):
            session(desk, number, sml)
        assert told(desk) == [
            ("opened", "idle", 0, 1),
            ("resolved", "opened", 0, 2),
            ("opened", "idle", 3, 1),
            ("extended", "opened", 3, 2),
        ]
        assert [event.version for event in events_of(desk)] == [VERSION_BEFORE] * 2 + [VERSION] * 2
        for event in events_of(desk):
            identity = ("high", event.version, "SML/BIG", "1d", event.episode, event.transition)
            assert event.event_id == event_id(*identity)

    def test_it_counts_anew_where_extend_asks_something_else(self) -> None:
        narrow = BEFORE.replace('63d"]', '63d", "return_1d_pct > 0.9"]')
        desk = opened_desk(narrow)
        session(desk, 1, 101.5)
        session(desk, 2, 99.0)
        moved(desk, EXTENDS.replace('63d"]', '63d", "return_1d_pct > 0.9"]', 1)).adopt()
        session(desk, 3, 102.0)
        session(desk, 4, 102.5)
        opened, extended = events_of(desk)[-2:]
        assert since(opened) == (None, day(0), 1, None)
        assert opened.reasons["first_since.last_true"] == f"not recorded before {day(3)}"
        assert since(extended) == (day(3), day(0), 1, None)

    def test_an_opening_that_is_taken_back_and_made_again_is_still_its_own(self) -> None:
        desk = opened_desk(BEFORE)
        moved(desk, EXTENDS).adopt()
        correct(desk, 0, 99.9)
        correct(desk, 0, 101.0)
        session(desk, 1, 102.0)
        assert told(desk) == [
            ("opened", "idle", 0, 1),
            ("revised", "opened", 0, 2),
            ("revised", "idle", 0, 3),
        ]

    def test_a_settings_mark_for_it_as_it_was_asks_for_it(self) -> None:
        before, now = parse_catalogue(BEFORE), parse_catalogue(EXTENDS)
        assert {before.mark, now.mark} <= now.marks
        assert before.marks == {before.mark}

    def test_another_change_withdraws_what_is_open(self) -> None:
        desk = opened_desk(BEFORE)
        (withdrawn,) = moved(desk, EXTENDS.replace("< -2", "< -3")).adopt()
        assert (withdrawn.state, withdrawn.version) == ("withdrawn", VERSION_BEFORE)


def as_before(data: bytes) -> bytes:
    """The snapshot as a release without the record of true sessions would have written it."""
    snapshot = Snapshot(data)
    sections = {name: snapshot.section(name) for name in snapshot.versions}
    for name, section in sections.items():
        if name.startswith("definition/"):
            arrays = dict(section.arrays)
            for each in ("lives", "undo/lives"):
                earlier: NDArray[np.void] = np.zeros(arrays[each].shape, EARLIER_EPISODE)
                for field in EARLIER_EPISODE.names or ():
                    earlier[field] = arrays[each][field]
                arrays[each] = earlier
            sections[name] = Section(section.version, arrays)
    return pack(snapshot.head, sections)


class TestEarlierSnapshot:
    """A snapshot of a release that did not record when a definition was true."""

    def test_what_was_not_recorded_is_unknown_and_says_since_when(self) -> None:
        desk = opened_desk(BEFORE)
        session(desk, 1, 102.0)
        moved(desk, BEFORE, as_before(desk.engine.snapshot()))
        for number, sml in enumerate([99.0, 103.0, 103.5, 100.0], start=2):
            session(desk, number, sml)
        resolved, opened, ended = events_of(desk)[1:]
        unknown = f"not recorded before {day(2)}"
        for event in (resolved, opened):
            assert since(event)[0] is None
            assert event.reasons["first_since.last_true"] == unknown
        assert since(opened) == (None, day(0), 1, None)
        assert since(ended) == (day(4), day(0), 1, None)
        assert "first_since.last_true" not in ended.reasons
        assert ended.reasons["first_since.sessions_true"] == unknown

    def test_the_session_that_is_corrected_is_recorded(self) -> None:
        desk = opened_desk(BEFORE)
        moved(desk, BEFORE, as_before(desk.engine.snapshot()))
        assert correct(desk, 0, 101.5) == []
        session(desk, 1, 99.0)
        assert since(events_of(desk)[-1])[0] == day(0)

    def test_what_that_release_published_behind_it_has_no_extensions(self) -> None:
        """A change of definitions in between is made as that release made it, and again afterwards."""
        desk = opened_desk(BEFORE)
        engine = moved(desk, EXTENDS, as_before(desk.engine.snapshot()))
        assert engine.adopt() == []
        assert engine.evaluator.catalogue == parse_catalogue(BEFORE)
        assert engine.keep_published_versions()
        assert not engine.keep_published_versions()
        assert engine.adoption_is_due
        assert engine.adopt() == []
        assert engine.evaluator.catalogue == parse_catalogue(EXTENDS)
        session(desk, 1, 102.0)
        assert told(desk) == [("opened", "idle", 0, 1)]


LASTING = """
[[definition]]
id = "lasting_rise"
family = "level"
expires = 40
enter = ["return_1d_pct > -50"]
confirm = ["return_1d_pct > 0"]
exit = ["return_1d_pct < -50"]
extend = ["return_1d_pct > -0.1"]
"""
SEED = 1


@cache
def whole_log() -> NDArray[np.void]:
    return np.concatenate([warm_start(), rich_log(SEED)])


def lasting_engine() -> PartitionEngine:
    return make_engine(catalogue=worlds.CATALOGUE + LASTING)


@cache
def reference() -> tuple[dict[str, str], Run]:
    """The log in frames as large as they may be."""
    engine = lasting_engine()
    said = run(engine, cut(whole_log()))
    return state_of(engine), said


def test_the_log_extends_what_is_open() -> None:
    assert [e.state for e in reference()[1].events if e.definition == "lasting_rise"].count("extended") > 2


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    cuts=st.sets(st.integers(1, 3_000), max_size=300),
    polls=st.lists(st.integers(0, 400), max_size=12),
)
def test_any_cut_and_any_restart_give_the_reference(cuts: set[int], polls: list[int]) -> None:
    engine, said, frames = lasting_engine(), Run(), cut(whole_log(), cuts)
    bounds = [0, *sorted({poll % (len(frames) + 1) for poll in polls}), len(frames)]
    for first, last in itertools.pairwise(bounds):
        run(engine, frames[first:last], first_offset=first, into=said)
        successor = lasting_engine()
        successor.restore(engine.snapshot())
        assert successor.snapshot() == engine.snapshot()
        engine = successor
    assert state_of(engine) == reference()[0]
    assert said.told() == reference()[1].told()
