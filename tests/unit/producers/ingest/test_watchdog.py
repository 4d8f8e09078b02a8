"""Silence counts while a market is open, from its open."""

from __future__ import annotations

from datetime import date

from core.model.sessions import build_calendar
from producers.ingest.watchdog import FeedWatchdog
from tests.support.feed_samples import NOON_NS, new_york_2024

SECOND = 10**9
HOUR = 3600 * SECOND
OPEN_NS = NOON_NS - 2 * HOUR - HOUR // 2
CLOSE_NS = NOON_NS + 4 * HOUR


def test_silence_in_session_is_death() -> None:
    watch = FeedWatchdog([new_york_2024()], 15)
    assert not watch.is_dead(NOON_NS, 15 * SECOND)
    assert watch.is_dead(NOON_NS, 15 * SECOND + 1)


def test_silence_at_night_is_none() -> None:
    watch = FeedWatchdog([new_york_2024()], 15)
    assert not watch.is_dead(CLOSE_NS, 4 * HOUR)
    assert not watch.is_dead(OPEN_NS - 1, 24 * HOUR)


def test_after_the_open_the_feed_has_its_time_to_begin() -> None:
    watch = FeedWatchdog([new_york_2024()], 15)
    assert not watch.is_dead(OPEN_NS + 15 * SECOND, 9 * HOUR)
    assert watch.is_dead(OPEN_NS + 15 * SECOND + 1, 9 * HOUR)


def test_without_a_calendar_data_is_always_expected() -> None:
    assert FeedWatchdog([], 600).is_dead(0, 601 * SECOND)
    assert not FeedWatchdog([], 600).is_dead(0, 600 * SECOND)


def test_silence_is_judged_behind_the_end_of_what_the_calendar_was_built_for() -> None:
    watch = FeedWatchdog([build_calendar("XNYS", date(2023, 1, 3), date(2023, 6, 30), growing=True)], 15)
    assert not watch.is_dead(NOON_NS, 15 * SECOND)
    assert watch.is_dead(NOON_NS, 15 * SECOND + 1)
    assert not watch.is_dead(CLOSE_NS, 4 * HOUR)
