"""core.definitions.lifecycle: extensions, and the sessions on which a definition was true."""

from __future__ import annotations

import pytest

from core.definitions.lifecycle import Rule
from core.model.records import EventState
from tests.support.life_desk import FALSE, TRUE, UNKNOWN, LifeDesk

EXTENDS = Rule(0, point=False, cool_down=0, expires=0, extends=True)


def truths(desk: LifeDesk) -> tuple[int, int, int]:
    life = desk.life
    return int(life["last_true"]), int(life["previous_true"]), int(life["sessions_true"])


class TestExtension:
    """It happened once more: a transition that leaves the episode as it is."""

    def test_it_is_numbered_and_the_episode_stays_as_it_is(self) -> None:
        desk = LifeDesk(EXTENDS)
        desk.close(TRUE, extend=TRUE, session=7)
        assert desk.close(FALSE, extend=TRUE, session=8) == [(0, "extended", "opened", 7, 2)]
        assert desk.life["state"] == EventState.OPENED
        assert desk.close(FALSE, confirm=TRUE, extend=TRUE, session=9) == [(0, "confirmed", "opened", 7, 3)]
        assert desk.close(FALSE, extend=TRUE, session=10) == [(0, "extended", "confirmed", 7, 4)]
        assert desk.close(FALSE, extend=FALSE, session=11) == []
        assert desk.close(FALSE, TRUE, extend=TRUE, session=12) == [(0, "resolved", "confirmed", 7, 5)]
        assert (desk.life["openings"], desk.lifecycle.tally[0, EventState.EXTENDED]) == (1, 2)

    @pytest.mark.parametrize("answer", [FALSE, UNKNOWN])
    def test_neither_false_nor_unknown_extends(self, answer: int) -> None:
        desk = LifeDesk(EXTENDS)
        desk.close(TRUE, extend=TRUE, session=7)
        assert desk.close(TRUE, extend=answer, session=8) == []

    @pytest.mark.parametrize(
        ("leave", "invalid", "fade", "ending"),
        [
            (TRUE, FALSE, FALSE, "resolved"),
            (FALSE, TRUE, FALSE, "invalidated"),
            (FALSE, FALSE, TRUE, "faded"),
        ],
    )
    def test_every_other_transition_outranks_it(
        self, leave: int, invalid: int, fade: int, ending: str
    ) -> None:
        desk = LifeDesk(EXTENDS)
        desk.close(TRUE, extend=TRUE, session=7)
        (told,) = desk.close(TRUE, leave, invalid, fade=fade, extend=TRUE, session=8)
        assert told[1] == ending

    def test_it_does_not_prolong_an_episode(self) -> None:
        desk = LifeDesk(Rule(0, point=False, cool_down=0, expires=2, extends=True))
        desk.close(TRUE, extend=TRUE, session=7)
        assert desk.close(TRUE, extend=TRUE, session=8)[0][1] == "extended"
        assert desk.close(TRUE, extend=TRUE, session=9) == [(0, "expired", "opened", 7, 3)]

    def test_nothing_that_is_not_open_is_extended(self) -> None:
        desk = LifeDesk(EXTENDS)
        assert desk.close(FALSE, extend=TRUE, session=7) == []
        assert desk.minute(TRUE, session=8) == [(0, "candidate", "idle", 8, 0)]
        assert desk.close(FALSE, extend=TRUE, session=8) == [(0, "withdrawn", "candidate", 8, 1)]

    def test_history_is_numbered_and_not_told(self) -> None:
        desk = LifeDesk(EXTENDS)
        desk.close(TRUE, extend=TRUE, session=7, emit=False)
        assert desk.close(FALSE, extend=TRUE, session=8, emit=False) == []
        assert not desk.lifecycle.tally.any()
        assert desk.close(FALSE, extend=TRUE, session=9) == [(0, "extended", "opened", 7, 3)]

    def test_an_episode_of_a_version_without_it_is_not_extended_and_the_next_one_is(self) -> None:
        desk = LifeDesk(EXTENDS)
        desk.close(TRUE, extend=TRUE, session=7)
        desk.lifecycle.episodes["not_extended"] = 1
        assert desk.close(FALSE, extend=TRUE, session=8) == []
        assert desk.close(FALSE, TRUE, session=9) == [(0, "resolved", "opened", 7, 2)]
        desk.close(TRUE, extend=TRUE, session=10)
        assert desk.close(FALSE, extend=TRUE, session=11) == [(0, "extended", "opened", 10, 2)]

    def test_a_candidate_of_such_a_version_opens_as_an_episode_of_it(self) -> None:
        desk = LifeDesk(EXTENDS)
        desk.minute(TRUE, session=7)
        desk.lifecycle.episodes["not_extended"] = 1
        desk.close(TRUE, extend=TRUE, session=7)
        assert desk.close(FALSE, extend=TRUE, session=8) == []


class TestTruth:
    """On which sessions the definition was true."""

    def test_without_extend_it_is_what_would_open(self) -> None:
        desk = LifeDesk(Rule(0, point=False, cool_down=0, expires=0, dwell=2))
        for session, enter in enumerate([TRUE, TRUE, TRUE, FALSE, UNKNOWN, TRUE], start=7):
            desk.close(enter, session=session)
        assert truths(desk) == (9, 8, 2)

    def test_with_extend_it_is_that(self) -> None:
        desk = LifeDesk(EXTENDS)
        for session, extend in enumerate([TRUE, FALSE, UNKNOWN, TRUE], start=7):
            desk.close(FALSE, extend=extend, session=session)
        assert truths(desk) == (10, 7, 2)

    def test_steps_of_one_session_count_once(self) -> None:
        desk = LifeDesk()
        for session in (7, 7, 7, 8, 8):
            desk.close(TRUE, session=session)
        desk.close(TRUE, session=9, closing=True)
        assert truths(desk) == (8, 7, 2)
