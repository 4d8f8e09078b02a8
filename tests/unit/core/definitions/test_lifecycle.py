"""core.definitions.lifecycle: every path of an episode; a candidate does not change the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from core.definitions.answers import ENTER, allocate_answers
from core.definitions.lifecycle import LifeCycle, Rule
from core.model.records import EventState, Quality
from tests.support.life_desk import FALSE, MINUTE_NS, TRUE, UNKNOWN, LifeDesk

answers = st.sampled_from([UNKNOWN, FALSE, TRUE])


def test_an_opening_without_a_candidate_is_transition_one() -> None:
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
    assert desk.life["flips"] == 4  # on, off, on, off; unknown has no effect
    assert desk.close(FALSE, session=7) == [(0, "withdrawn", "candidate", 7, 1)]
    assert desk.life["flips"] == 0


def test_the_next_session_may_have_a_candidate_of_its_own() -> None:
    desk = LifeDesk()
    desk.minute(TRUE, session=7)
    desk.close(FALSE, session=7)
    assert desk.minute(TRUE, session=8) == [(0, "candidate", "idle", 8, 0)]


@pytest.mark.parametrize("enter", [FALSE, UNKNOWN])
def test_a_definition_that_is_not_true_opens_nothing(enter: int) -> None:
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


def test_history_advances_episodes_without_publishing() -> None:
    told, silent = LifeDesk(), LifeDesk()
    days = [(TRUE, FALSE), (FALSE, FALSE), (FALSE, TRUE), (TRUE, FALSE)]
    for session, (enter, leave) in enumerate(days, start=7):
        told.close(enter, leave, session=session)
        assert silent.close(enter, leave, session=session, emit=False) == []
    assert silent.lifecycle.episodes.tobytes() == told.lifecycle.episodes.tobytes()
    assert silent.life["openings"] == 2


def test_opened_now_is_about_the_latest_step_only() -> None:
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


def test_a_definition_is_evaluated_for_its_pairs_only() -> None:
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
