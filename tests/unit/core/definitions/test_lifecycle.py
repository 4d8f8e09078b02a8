"""core.definitions.lifecycle: every way through an episode, numbered the same whoever watched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.definitions.answers import ENTER, allocate_answers
from core.definitions.life_pass import FLIPS, STEPS_TO_CONFIRM
from core.definitions.lifecycle import LifeCycle, Rule
from core.model.records import EventState, Quality
from tests.support.life_desk import FALSE, MINUTE_NS, TRUE, UNKNOWN, LifeDesk, Told

answers = st.sampled_from([UNKNOWN, FALSE, TRUE])


def test_a_day_nobody_watched_opens_as_transition_one() -> None:
    assert LifeDesk().close(TRUE, session=7) == [(0, "opened", "idle", 7, 1)]


def test_a_candidate_opens_at_the_close() -> None:
    desk = LifeDesk()
    assert desk.minute(TRUE, session=7) == [(0, "candidate", "idle", 7, 0)]
    assert desk.close(TRUE, session=7) == [(0, "opened", "candidate", 7, 1)]


@pytest.mark.parametrize("answer", [FALSE, UNKNOWN], ids=["false", "unknown"])
def test_a_candidate_is_withdrawn_at_the_close(answer: int) -> None:
    desk = LifeDesk()
    desk.minute(TRUE, session=7)
    assert desk.close(answer, session=7) == [(0, "withdrawn", "candidate", 7, 1)]
    assert desk.life["candidate"] == 0
    assert desk.close(FALSE, session=8) == []


def test_a_candidate_is_sent_once_however_it_flaps() -> None:
    desk = LifeDesk()
    answers = [FALSE, TRUE, FALSE, TRUE, TRUE, UNKNOWN, TRUE, FALSE]
    told = [desk.minute(answer, session=7, number=n) for n, answer in enumerate(answers)]
    assert [n for n, events in enumerate(told) if events] == [1]
    assert desk.life["first_true_ns"] == MINUTE_NS
    assert desk.life["flips"] == 4  # on, off, on, off; unknown says nothing
    assert desk.close(FALSE, session=7) == [(0, "withdrawn", "candidate", 7, 1)]
    assert desk.life["flips"] == 0


def test_the_next_session_may_have_a_candidate_of_its_own() -> None:
    desk = LifeDesk()
    desk.minute(TRUE, session=7)
    desk.close(FALSE, session=7)
    assert desk.minute(TRUE, session=8) == [(0, "candidate", "idle", 8, 0)]


@pytest.mark.parametrize("enter", [FALSE, UNKNOWN])
def test_nothing_becomes_of_what_is_not_true(enter: int) -> None:
    desk = LifeDesk()
    assert desk.minute(enter, session=7) == []
    assert desk.close(enter, session=7) == []
    assert desk.life["openings"] == 0


@pytest.mark.parametrize(
    ("leave", "invalid", "ending"),
    [(TRUE, FALSE, "resolved"), (FALSE, TRUE, "invalidated"), (TRUE, TRUE, "resolved")],
)
def test_an_open_episode_ends(leave: int, invalid: int, ending: str) -> None:
    desk = LifeDesk()
    desk.close(TRUE, session=7)
    assert desk.close(TRUE, session=8) == []  # still true: it stays open, nothing is repeated
    assert desk.close(FALSE, leave, invalid, session=9) == [(0, ending, "opened", 7, 2)]
    assert desk.close(TRUE, session=10) == [(0, "opened", "idle", 10, 1)]


def test_what_is_unknown_ends_nothing() -> None:
    desk = LifeDesk()
    desk.close(TRUE, session=7)
    assert desk.close(UNKNOWN, UNKNOWN, UNKNOWN, session=8) == []
    assert desk.life["state"] == EventState.OPENED


def test_the_step_of_an_ending_opens_nothing() -> None:
    desk = LifeDesk()
    desk.close(TRUE, session=7)
    assert desk.close(TRUE, TRUE, session=8) == [(0, "resolved", "opened", 7, 2)]
    assert desk.life["state"] == EventState.IDLE


@pytest.mark.parametrize("expires", [1, 3])
def test_an_episode_expires_after_so_many_steps(expires: int) -> None:
    desk = LifeDesk(Rule(0, point=False, cool_down=0, expires=expires))
    desk.close(TRUE, session=7)
    for step in range(1, expires):
        assert desk.close(TRUE, session=7 + step) == []
    assert desk.close(TRUE, session=7 + expires) == [(0, "expired", "opened", 7, 2)]


def test_an_episode_that_never_expires_stays_open() -> None:
    desk = LifeDesk()
    desk.close(TRUE, session=7)
    assert all(desk.close(FALSE, session=n) == [] for n in range(8, 300))


@pytest.mark.parametrize("cool_down", [0, 1, 3])
def test_after_an_episode_so_many_steps_pass(cool_down: int) -> None:
    desk = LifeDesk(Rule(0, point=False, cool_down=cool_down, expires=0))
    desk.close(TRUE, session=7)
    desk.close(FALSE, TRUE, session=8)
    opened = [n for n in range(9, 20) if desk.close(TRUE, session=n)]
    assert opened[0] == 9 + cool_down


def test_while_it_cools_down_there_is_no_candidate_either() -> None:
    desk = LifeDesk(Rule(0, point=True, cool_down=1, expires=0))
    desk.close(TRUE, session=7)
    assert desk.minute(TRUE, session=8) == []
    assert desk.close(TRUE, session=8) == []
    assert desk.minute(TRUE, session=9) == [(0, "candidate", "idle", 9, 0)]
    assert desk.close(TRUE, session=9) == [(0, "opened", "candidate", 9, 1)]


def test_while_it_is_open_there_is_no_candidate() -> None:
    desk = LifeDesk()
    desk.close(TRUE, session=7)
    assert desk.minute(TRUE, session=8) == []
    assert desk.life["candidate"] == 0


def test_a_point_event_ends_with_its_opening() -> None:
    desk = LifeDesk(Rule(0, point=True, cool_down=0, expires=5))
    for session in (7, 8):
        assert desk.close(TRUE, session=session) == [(0, "opened", "idle", session, 1)]
        assert desk.life["state"] == EventState.IDLE
    assert desk.close(FALSE, TRUE, TRUE, session=9) == []
    assert (desk.life["openings"], desk.life["last_opened"], desk.life["previous_opened"]) == (2, 8, 7)


def test_the_invalidation_level_is_fixed_at_the_opening() -> None:
    desk = LifeDesk()
    desk.close(FALSE, session=6, level=90.0)
    assert desk.lifecycle.levels[0, 0] == 0.0
    desk.close(TRUE, session=7, level=100.0)
    desk.close(TRUE, session=8, level=110.0)
    assert desk.lifecycle.levels[0, 0] == 100.0


def test_the_close_of_a_session_ends_what_is_open_and_opens_nothing() -> None:
    desk = LifeDesk()
    assert desk.close(TRUE, session=7, closing=True) == []
    desk.close(TRUE, session=7)
    assert desk.close(TRUE, session=7, closing=True) == [(0, "expired", "opened", 7, 2)]
    desk.close(TRUE, session=8)
    assert desk.close(FALSE, TRUE, session=8, closing=True) == [(0, "resolved", "opened", 8, 2)]


def test_history_moves_lives_and_says_nothing() -> None:
    told, silent = LifeDesk(), LifeDesk()
    days = [(TRUE, FALSE), (FALSE, FALSE), (FALSE, TRUE), (TRUE, FALSE)]
    for session, (enter, leave) in enumerate(days, start=7):
        told.close(enter, leave, session=session)
        assert silent.close(enter, leave, session=session, emit=False) == []
    assert silent.lifecycle.episodes.tobytes() == told.lifecycle.episodes.tobytes()
    assert silent.life["openings"] == 2


def test_opened_now_speaks_of_the_latest_step_only() -> None:
    desk = LifeDesk()
    desk.close(TRUE, session=7)
    assert desk.life["opened_now"] == 1
    desk.close(TRUE, session=8)
    assert desk.life["opened_now"] == 0


def test_definitions_do_not_touch_each_other() -> None:
    desk = LifeDesk(Rule(2, point=False, cool_down=0, expires=0), pairs=2)
    desk.close([TRUE, FALSE], session=7)
    assert desk.lifecycle.episodes["openings"].tolist() == [[0, 0], [0, 0], [1, 0]]
    assert int(desk.lifecycle.staged[0]["definition"]) == 2


def test_the_times_and_the_quality_are_handed_over() -> None:
    desk = LifeDesk()
    desk.close(TRUE, session=7)
    event = desk.lifecycle.staged[0]
    assert (event["ts_event"], event["ts_knowable"], event["quality"]) == (7, 8, Quality.OK)


@pytest.mark.parametrize("staging", [1, 2, 3, 7])
def test_a_full_staging_buffer_goes_on_where_it_stopped(staging: int) -> None:
    pairs = 7
    wide, narrow = LifeDesk(pairs=pairs), LifeDesk(pairs=pairs, staging=staging)
    for desk in (wide, narrow):
        assert len(desk.minute(TRUE, session=7)) == pairs
        assert [told[0] for told in desk.close([TRUE, FALSE] * 3 + [TRUE], session=7)] == list(range(pairs))
    assert narrow.lifecycle.episodes.tobytes() == wide.lifecycle.episodes.tobytes()
    assert wide.calls == 2
    assert narrow.calls == 2 * -(-pairs // staging)


class TestConfirmation:
    """After the opening: confirmed once, or faded before that."""

    def test_confirmed_once_and_resolved_from_there(self) -> None:
        desk = LifeDesk()
        desk.close(TRUE, session=7)
        assert desk.close(TRUE, session=8) == []
        assert desk.close(TRUE, confirm=TRUE, session=9) == [(0, "confirmed", "opened", 7, 2)]
        assert desk.close(TRUE, confirm=TRUE, session=10) == []
        assert desk.close(FALSE, TRUE, session=11) == [(0, "resolved", "confirmed", 7, 3)]
        assert desk.close(TRUE, confirm=TRUE, session=12) == [(0, "opened", "idle", 12, 1)]

    def test_the_opening_itself_confirms_nothing(self) -> None:
        desk = LifeDesk()
        assert desk.close(TRUE, confirm=TRUE, session=7) == [(0, "opened", "idle", 7, 1)]
        assert desk.close(TRUE, confirm=TRUE, session=8) == [(0, "confirmed", "opened", 7, 2)]

    def test_what_fades_is_not_confirmed_and_what_is_confirmed_does_not_fade(self) -> None:
        desk = LifeDesk()
        desk.close(TRUE, session=7)
        assert desk.close(FALSE, confirm=TRUE, fade=TRUE, session=8) == [(0, "faded", "opened", 7, 2)]
        desk.close(TRUE, session=9)
        desk.close(TRUE, confirm=TRUE, session=10)
        assert desk.close(FALSE, fade=TRUE, session=11) == []
        assert desk.close(FALSE, invalid=TRUE, session=12) == [(0, "invalidated", "confirmed", 9, 3)]

    @pytest.mark.parametrize(
        ("leave", "invalid", "ending"), [(TRUE, FALSE, "resolved"), (FALSE, TRUE, "invalidated")]
    )
    def test_an_ending_outranks_a_confirmation_and_a_fade_outranks_both(
        self, leave: int, invalid: int, ending: str
    ) -> None:
        desk = LifeDesk()
        desk.close(TRUE, session=7)
        assert desk.close(FALSE, leave, invalid, confirm=TRUE, session=8) == [(0, ending, "opened", 7, 2)]
        desk.close(TRUE, session=9)
        assert desk.close(FALSE, leave, invalid, fade=TRUE, session=10) == [(0, "faded", "opened", 9, 2)]

    def test_an_episode_expires_confirmed_or_not_counted_from_its_opening(self) -> None:
        desk = LifeDesk(Rule(0, point=False, cool_down=0, expires=3))
        desk.close(TRUE, session=7)
        desk.close(TRUE, confirm=TRUE, session=8)
        assert desk.close(TRUE, session=9) == []
        assert desk.close(TRUE, session=10) == [(0, "expired", "confirmed", 7, 3)]

    def test_what_is_unknown_confirms_and_fades_nothing(self) -> None:
        desk = LifeDesk()
        desk.close(TRUE, session=7)
        assert desk.close(UNKNOWN, UNKNOWN, UNKNOWN, confirm=UNKNOWN, fade=UNKNOWN, session=8) == []


class TestDwell:
    """An opening that must have been true for so many steps in a row."""

    @pytest.mark.parametrize("dwell", [1, 2, 4])
    def test_it_opens_at_the_last_of_them(self, dwell: int) -> None:
        desk = LifeDesk(Rule(0, point=True, cool_down=0, expires=0, dwell=dwell))
        opened = [n for n in range(1, 9) if desk.close(TRUE, session=n)]
        assert opened[0] == dwell

    @pytest.mark.parametrize("answer", [FALSE, UNKNOWN], ids=["false", "unknown"])
    def test_a_break_starts_the_count_anew(self, answer: int) -> None:
        desk = LifeDesk(Rule(0, point=True, cool_down=0, expires=0, dwell=2))
        told = [desk.close(each, session=n) for n, each in enumerate([TRUE, answer, TRUE, TRUE])]
        assert [n for n, events in enumerate(told) if events] == [3]

    def test_a_candidate_counts_the_session_in_progress(self) -> None:
        desk = LifeDesk(Rule(0, point=True, cool_down=0, expires=0, dwell=2))
        assert desk.minute(TRUE, session=7) == []
        desk.close(TRUE, session=7)
        assert desk.minute(TRUE, session=8) == [(0, "candidate", "idle", 8, 0)]
        assert desk.close(TRUE, session=8) == [(0, "opened", "candidate", 8, 1)]

    def test_the_closing_minute_counts_once(self) -> None:
        desk = LifeDesk(Rule(0, point=False, cool_down=0, expires=0, dwell=2))
        desk.close(TRUE, session=7)
        assert desk.close(TRUE, session=7, closing=True) == []
        assert desk.life["held"] == 1


class TestTally:
    """What was told, counted where it is told."""

    def test_transitions_steps_to_confirm_and_flips(self) -> None:
        desk = LifeDesk(pairs=2)
        for answer in (TRUE, FALSE):
            desk.minute(answer, session=7)
        desk.close([TRUE, FALSE], session=7)
        desk.close(TRUE, session=8)
        desk.close(TRUE, confirm=[TRUE, FALSE], session=9)
        desk.close(FALSE, confirm=TRUE, fade=[FALSE, TRUE], session=10)
        tally = desk.lifecycle.tally[0]
        assert {state.label: int(tally[state]) for state in EventState if tally[state]} == {
            "candidate": 2,
            "withdrawn": 1,
            "opened": 2,
            "confirmed": 1,
            "faded": 1,
        }
        assert (tally[STEPS_TO_CONFIRM], tally[FLIPS]) == (2, 4)

    def test_history_is_not_counted(self) -> None:
        desk = LifeDesk()
        desk.close(TRUE, session=7, emit=False)
        desk.close(TRUE, confirm=TRUE, session=8, emit=False)
        assert not desk.lifecycle.tally.any()
        assert desk.life["state"] == EventState.CONFIRMED


def test_a_definition_looks_only_at_the_pairs_it_wants() -> None:
    wanted = np.array([[True, False], [True, True]])
    rules = [Rule(0, point=True, cool_down=0, expires=0), Rule(1, point=True, cool_down=0, expires=0)]
    lifecycle = LifeCycle(rules, wanted)
    answers = allocate_answers(2, 2)
    answers.results[ENTER] = TRUE
    numbers, rows = np.arange(2, dtype=np.int32), np.arange(2, dtype=np.int32)
    expected = [(0, 0), (1, 0), (1, 1)]
    _, seen = lifecycle.provisional(numbers, rows, 0, answers, episode=7, ts_event_ns=1)
    assert [(int(e["definition"]), int(e["pair"])) for e in lifecycle.staged[:seen]] == expected
    position, told = lifecycle.final(
        numbers,
        rows,
        0,
        answers,
        episode=7,
        session=7,
        ts_event_ns=1,
        ts_knowable_ns=2,
        closing=False,
        emit=True,
        counted=True,
    )
    assert position == 4
    assert [(int(e["definition"]), int(e["pair"])) for e in lifecycle.staged[:told]] == expected


@settings(deadline=None)
@given(
    days=st.lists(
        st.tuples(st.lists(answers, max_size=4), answers, answers, answers, answers, answers),
        min_size=1,
        max_size=40,
    ),
    point=st.booleans(),
    cool_down=st.integers(0, 3),
    expires=st.integers(0, 4),
    dwell=st.integers(1, 3),
)
def test_every_life_is_well_formed(
    days: list[tuple[list[int], int, int, int, int, int]],
    point: bool,
    cool_down: int,
    expires: int,
    dwell: int,
) -> None:
    """Whatever the answers: ids never repeat, openings and endings take turns, watching changes no number."""
    watched = LifeDesk(Rule(0, point, cool_down, expires, dwell))
    unwatched = LifeDesk(Rule(0, point, cool_down, expires, dwell))
    told: list[Told] = []
    told_at_closes: list[Told] = []
    for session, (minutes, enter, leave, invalid, confirm, fade) in enumerate(days, start=1):
        for number, answer in enumerate(minutes):
            told += watched.minute(answer, session=session, number=number)
        told += watched.close(enter, leave, invalid, confirm=confirm, fade=fade, session=session)
        told_at_closes += unwatched.close(enter, leave, invalid, confirm=confirm, fade=fade, session=session)
    numbers = [(episode, transition) for _, _, _, episode, transition in told]
    assert len(set(numbers)) == len(numbers)
    settled = [t for t in told if t[1] not in ("candidate", "withdrawn")]
    assert [(s, e, n) for _, s, _, e, n in settled] == [(s, e, n) for _, s, _, e, n in told_at_closes]
    confirmed = [(e, p) for _, s, p, e, _ in settled if s == "confirmed"]
    assert len(set(confirmed)) == len(confirmed)
    assert {previous for _, previous in confirmed} <= {"opened"}
    states = [state for _, state, *_ in settled if state != "confirmed"]
    if point:
        assert set(states) <= {"opened"}
    else:
        assert states[0::2] == ["opened"] * len(states[0::2])
        assert "opened" not in states[1::2]
    candidates = [e for _, s, _, e, _ in told if s == "candidate"]
    ends = [e for _, s, p, e, _ in told if p == "candidate" and s in ("opened", "withdrawn")]
    assert candidates == ends


step = st.tuples(
    st.sampled_from(["minute", "minute", "minute", "close"]),
    *(st.lists(st.sampled_from([TRUE, FALSE, FALSE, UNKNOWN]), min_size=4, max_size=4) for _ in range(2)),
)


@settings(max_examples=100)
@given(
    steps=st.lists(step, max_size=30),
    rule=st.builds(
        Rule,
        st.just(1),
        point=st.booleans(),
        cool_down=st.integers(0, 2),
        expires=st.integers(0, 3),
        dwell=st.integers(1, 3),
    ),
    staging=st.sampled_from([1, 3, 256]),
)
def test_what_is_passed_over_unread_would_not_have_changed(
    steps: list[tuple[str, list[int], list[int]]], rule: Rule, staging: int
) -> None:
    """Beside it: one that reads every life, and one that is restored before every step."""
    desk, reading, restored = (LifeDesk(rule, pairs=4, staging=staging) for _ in range(3))
    for session, (kind, enter, leave) in enumerate(steps, start=7):
        reading.lifecycle._may_fall.fill(True)
        fresh = LifeDesk(rule, pairs=4, staging=staging)
        np.copyto(fresh.lifecycle.episodes, restored.lifecycle.episodes)
        np.copyto(fresh.lifecycle.tally, restored.lifecycle.tally)
        restored = fresh
        told = [
            each.minute(enter, session=session)
            if kind == "minute"
            else each.close(enter, leave, session=session)
            for each in (desk, reading, restored)
        ]
        assert told[0] == told[1] == told[2]
        for other in (reading, restored):
            assert desk.lifecycle.episodes.tobytes() == other.lifecycle.episodes.tobytes()
            assert desk.lifecycle.tally.tobytes() == other.lifecycle.tally.tobytes()
