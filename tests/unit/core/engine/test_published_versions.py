"""core.engine.published_versions: remembered as long as more may be published, and no longer."""

from __future__ import annotations

import numpy as np

from core.definitions.episode import EPISODE
from core.engine.published_versions import PublishedAs, still_published, unfinished_episodes, version_of
from core.model.records import EventState

PUBLISHED = {("up", "A/B"): PublishedAs("0ld", (10, 12)), ("up", "C/B"): PublishedAs("0ld", (11,))}


def records(*given: dict[str, int]) -> np.ndarray:
    """EPISODE records, idle but for what is given."""
    found = np.zeros(len(given), EPISODE)
    for row, fields in enumerate(given):
        for name, value in fields.items():
            found[name][row] = value
    return found


def test_an_episode_has_the_version_it_was_published_under_and_others_have_their_own() -> None:
    versions = [
        version_of(PUBLISHED, *case, "own")
        for case in (("up", "A/B", 10), ("up", "A/B", 11), ("up", "C/B", 11), ("down", "A/B", 10))
    ]
    assert versions == ["0ld", "own", "0ld", "own"]


def test_more_may_be_published_of_what_is_open_ahead_or_of_a_day_that_may_be_revised() -> None:
    now = records(
        {"episode": 10, "state": EventState.OPENED},
        {"episode": 11, "state": EventState.CONFIRMED},
        {"episode": 12, "candidate": 1},
        {"episode": 13, "opened_now": 1},
        {"episode": 14},
        {"episode": 15},
        {"episode": 17, "state": EventState.OPENED},
    )
    before = records(
        *[{}] * 5,
        {"episode": 15, "state": EventState.OPENED},
        {"episode": 16, "candidate": 1},
    )
    assert unfinished_episodes(now, before) == [(10,), (11,), (12,), (13,), (), (15,), (16, 17)]


def test_what_can_no_longer_be_published_is_forgotten() -> None:
    unfinished = [(12, 20), ()]
    assert still_published(PUBLISHED, "up", ("A/B", "C/B"), unfinished) == {"A/B": PublishedAs("0ld", (12,))}
    assert still_published(PUBLISHED, "down", ("A/B", "C/B"), unfinished) == {}
