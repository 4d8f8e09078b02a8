"""core.definitions.lifecycle: confirmation, dwell and the tally."""

from __future__ import annotations

import pytest

from core.definitions.life_pass import FLIPS, STEPS_TO_CONFIRM
from core.definitions.lifecycle import Rule
from core.model.records import EventState
from tests.support.life_desk import FALSE, TRUE, UNKNOWN, LifeDesk


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
    def test_an_interruption_restarts_the_count(self, answer: int) -> None:
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
    """Published transitions, counted when published."""

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
