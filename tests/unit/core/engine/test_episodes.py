"""Lives of events as an engine's readers see them: candidates, openings, endings, pauses."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from core.model.instruments import Pair, Universe
from tests.support.definitions import opposite_day
from tests.support.desk import Desk, at
from tests.support.worlds import (
    BIG,
    COIN,
    ETH,
    FEED,
    FIRST_SESSION,
    GOO,
    HISTORY,
    MINUTE,
    OPEN,
    SML,
    make_calendar,
    make_instrument,
    make_source,
)

pytestmark = pytest.mark.compiled

CLOSE_S = 240
NEXT_OPEN_S = 1_200
UP = "opposite_up"
UNCONFIRMED = """
[[definition]]
id = "unconfirmed_high"
family = "divergence"
enter = ["numerator_price > numerator_high:63d", "benchmark_price < benchmark_high:63d * 0.999"]
exit = ["paired_benchmark_price > benchmark_high:63d"]
invalidate = {{ key = "paired_numerator_price", below_pct = 2.0 }}
show.numerator_close = "numerator_price"
show.numerator_previous_high = "numerator_high:63d"
show.benchmark_close = "benchmark_price"
show.benchmark_previous_high = "benchmark_high:63d"
{timing}
"""


def minutes(desk: Desk, returns: list[float], *, big: float = 199.0) -> None:
    """One minute after another, each ending with SML up by so many percent."""
    for number, percent in enumerate(returns):
        desk.mark(60 * number + 50)
        desk.trade(60 * number + 50.5, SML, 100.0 + percent)
        desk.trade(60 * number + 50.5, BIG, big)
        desk.mark(60 * number + 54)
        desk.trade(60 * number + 54.5, SML, 100.0 + percent)
        desk.trade(60 * number + 54.5, BIG, big)
    desk.mark(CLOSE_S + 1)


def close(desk: Desk, sml: float, big: float, *, start: float = 0.0) -> None:
    """Official closes, and the end of the wait for them."""
    desk.mark(start + CLOSE_S)
    desk.official(start + CLOSE_S + 1, SML, sml)
    desk.official(start + CLOSE_S + 1, BIG, big)
    desk.mark(start + CLOSE_S + 70)


def whole_sessions(desk: Desk, closes: list[tuple[float, float]]) -> None:
    """Sessions that consist of their official closes."""
    for number, (sml, big) in enumerate(closes):
        close(desk, sml, big, start=number * NEXT_OPEN_S)


class TestCandidates:
    """Daily definitions, looked at every minute."""

    def test_one_candidate_however_often_the_condition_flaps(self) -> None:
        desk = Desk()
        minutes(desk, [2.0, 0.5, 2.0, 0.5])
        assert desk.said.states(UP, "SML/BIG") == ["candidate"]
        (candidate,) = desk.said.events
        assert candidate.ts_event_ns == candidate.ts_knowable_ns == at(60)
        assert candidate.event_time == "2024-06-03T14:31:00Z"
        row = [pair.name for pair in desk.engine.world.pairs].index("SML/BIG")
        assert desk.engine.evaluator.lifecycle.episodes[0, row]["flips"] == 4
        close(desk, 102.0, 199.0)
        assert desk.said.states(UP, "SML/BIG") == ["candidate", "opened"]

    @pytest.mark.parametrize(("sml", "big"), [(100.5, 199.0), (102.0, 200.5)])
    def test_a_candidate_is_withdrawn_when_the_close_says_otherwise(self, sml: float, big: float) -> None:
        desk = Desk()
        minutes(desk, [2.0, 2.0, 2.0, 2.0])
        close(desk, sml, big)
        candidate, withdrawn = desk.said.events
        assert (candidate.state, withdrawn.state) == ("candidate", "withdrawn")
        assert (candidate.episode, withdrawn.episode) == (FIRST_SESSION, FIRST_SESSION)
        assert (candidate.transition, withdrawn.transition) == (0, 1)
        assert withdrawn.values["instrument_return_pct"] == pytest.approx(sml - 100.0, abs=1e-9)

    def test_the_close_may_open_what_was_no_candidate(self) -> None:
        desk = Desk()
        minutes(desk, [0.5, 0.5])
        close(desk, 102.0, 199.0)
        (opened,) = desk.said.events
        assert (opened.state, opened.previous_state, opened.transition) == ("opened", "idle", 1)

    def test_every_session_has_a_candidate_of_its_own(self) -> None:
        desk = Desk()
        minutes(desk, [2.0])
        close(desk, 100.0, 200.0)
        desk.mark(NEXT_OPEN_S + 50)
        desk.trade(NEXT_OPEN_S + 50, SML, 102.0)
        desk.trade(NEXT_OPEN_S + 50, BIG, 199.0)
        desk.mark(NEXT_OPEN_S + 62)
        assert desk.said.states(UP, "SML/BIG") == ["candidate", "withdrawn", "candidate"]
        assert [event.episode for event in desk.said.events] == [FIRST_SESSION] * 2 + [FIRST_SESSION + 1]


class TestManyAtOnce:
    """More transitions in one pass than the staging buffer holds."""

    PAIRS = 600

    def test_none_is_dropped_and_none_is_sent_twice(self) -> None:
        rows = range(10, 10 + self.PAIRS)
        universe = Universe(
            sources=(make_source(FEED, "feed"), make_source(HISTORY, "history")),
            instruments=(
                make_instrument(BIG, "BIG", has_official_close=False),
                *(make_instrument(row, f"S{row}", has_official_close=False) for row in rows),
            ),
            pairs=tuple(Pair(f"S{row}", "BIG") for row in rows),
        )
        catalogue = opposite_day("up")
        desk = Desk(universe, catalogue=catalogue, closes=dict.fromkeys([BIG, *rows], 100.0), baseline_days=1)
        assert len(desk.engine.evaluator.lifecycle.staged) < self.PAIRS
        for second in (10, 200):
            desk.mark(second)
            desk.trade(second, BIG, 99.0)
            for row in rows:
                desk.trade(second, row, 104.0 if row % 3 or second == 10 else 101.0)
            desk.mark(second + 2)
            desk.trade(second + 2, BIG, 99.0)
            for row in rows:
                desk.trade(second + 2, row, 104.0 if row % 3 or second == 10 else 101.0)
        desk.mark(CLOSE_S + 62)
        told = Counter(event.state for event in desk.said.events)
        falling = sum(row % 3 == 0 for row in rows)
        assert told == {"candidate": self.PAIRS, "opened": self.PAIRS - falling, "withdrawn": falling}
        assert len({event.event_id for event in desk.said.events}) == 2 * self.PAIRS
        assert {event.pair for event in desk.said.events} == {pair.name for pair in universe.pairs}


class TestEpisodes:
    """What stays open, and for how long."""

    HIGH = (104.0, 199.0)

    def test_what_is_open_ends_once(self) -> None:
        desk = Desk(catalogue=UNCONFIRMED.format(timing=""), baseline_days=70)
        whole_sessions(desk, [self.HIGH, (105.0, 199.5), (105.0, 201.0), (105.0, 202.0)])
        told = [e for e in desk.said.events if e.pair == "SML/BIG"]
        assert [event.state for event in told] == ["opened", "resolved"]
        assert [event.episode for event in told] == [FIRST_SESSION] * 2
        assert [event.transition for event in told] == [1, 2]
        assert told[1].previous_state == "opened"

    @pytest.mark.parametrize(
        ("fall", "state"), [(102.0, "opened"), (101.93, "opened"), (101.9, "invalidated")]
    )
    def test_the_invalidation_level_is_that_of_the_opening(self, fall: float, state: str) -> None:
        """Two percent below 104, also after the leader continued to 120."""
        desk = Desk(catalogue=UNCONFIRMED.format(timing=""), baseline_days=70)
        whole_sessions(desk, [self.HIGH, (120.0, 199.0), (fall, 199.0)])
        assert desk.said.states("unconfirmed_high", "SML/BIG")[-1] == state

    @pytest.mark.parametrize("expires", [1, 3])
    def test_an_episode_expires(self, expires: int) -> None:
        desk = Desk(catalogue=UNCONFIRMED.format(timing=f"expires = {expires}"), baseline_days=70)
        whole_sessions(desk, [self.HIGH, *[(103.5, 199.0)] * 4])
        opened, expired = [e for e in desk.said.events if e.pair == "SML/BIG"]
        assert (opened.state, expired.state) == ("opened", "expired")
        assert expired.event_time == f"2024-06-{3 + expires:02}"

    @pytest.mark.parametrize("cool_down", [0, 1, 2])
    def test_so_many_sessions_must_pass_before_the_next(self, cool_down: int) -> None:
        timing = f"expires = 1\ncool_down = {cool_down}"
        desk = Desk(catalogue=UNCONFIRMED.format(timing=timing), baseline_days=70)
        whole_sessions(desk, [(104.0 + number, 199.0) for number in range(5)])
        told = [e for e in desk.said.events if e.pair == "SML/BIG" and e.state == "opened"]
        assert [event.episode - FIRST_SESSION for event in told][:2] == [0, 2 + cool_down]

    def test_a_warm_start_is_muted_and_remembered(self) -> None:
        desk = Desk(baseline_days=3)
        whole_sessions(desk, [(102.0, 199.0), (104.5, 198.0)])
        first, second = [e for e in desk.said.events if e.definition == UP and e.pair == "SML/BIG"]
        assert first.first_since is not None
        assert second.first_since is not None
        names = ("last_true", "previous_opening", "openings", "sessions_true")
        assert [first.first_since[name] for name in names] == [None, None, 0, 0]
        assert [second.first_since[name] for name in names] == ["2024-06-03", "2024-06-03", 1, 1]
        # The first of three days of history, 2024-05-31, has no close before it.
        assert first.first_since["history_start"] == "2024-06-01"

    def test_ids_are_the_same_in_every_run_and_never_twice(self) -> None:
        told = []
        for _ in range(2):
            desk = Desk(catalogue=UNCONFIRMED.format(timing="expires = 1"), baseline_days=70)
            whole_sessions(desk, [(104.0 + number, 199.0) for number in range(5)])
            told.append([event.event_id for event in desk.said.events])
        assert told[0] == told[1]
        assert len(set(told[0])) == len(told[0]) > 4


class TestIntraday:
    """A definition at one minute: ETH against COIN, a session of three hours."""

    SESSION_S = 3 * 3_600
    CATALOGUE = """
[[definition]]
id = "spread"
family = "relative-strength"
frequency = "1m"
cool_down = {cool_down}
enter = ["abs(relative_return_zscore:15m) >= 6"]
exit = ["abs(relative_return_zscore:15m) <= 1"]
show.zscore = "relative_return_zscore:15m"
show.relative_return_pct = "relative_strength_percent:15m"
show.spread_pp = "relative_strength_pp:15m"
threshold = {{ zscore = 6.0, zscore_exit = 1.0 }}
"""

    def play(self, shocks: dict[int, float], *, cool_down: int = 0) -> Desk:
        """Quiet minutes, with ETH moved by so many percent from these minutes on."""
        universe = Universe(
            sources=(make_source(FEED, "feed"), make_source(HISTORY, "history")),
            instruments=(
                make_instrument(COIN, "COIN", calendar="24/7", has_official_close=False),
                make_instrument(ETH, "ETH", calendar="24/7", has_official_close=False),
            ),
            pairs=(Pair("ETH", "COIN"),),
        )
        spans = [(OPEN + n * 180 * MINUTE, OPEN + (n + 1) * 180 * MINUTE) for n in range(-3, 3)]
        desk = Desk(
            universe,
            catalogue=self.CATALOGUE.format(cool_down=cool_down),
            calendars={"24/7": make_calendar("24/7", FIRST_SESSION - 3, spans)},
            baseline_days=0,
        )
        level = 0.0
        for minute in range(self.SESSION_S // 60):
            level += shocks.get(minute, 0.0)
            for part in (20, 50):
                second = 60 * minute + part
                desk.mark(second)
                desk.trade(second, COIN, 1000.0)
                desk.trade(second, ETH, 70.0 * (1 + level / 100 + 1e-4 * math.sin(minute)))
        desk.mark(self.SESSION_S + 2)
        return desk

    def test_a_shock_opens_and_its_fading_resolves(self) -> None:
        desk = self.play({100: 2.0})
        opened, resolved = desk.said.events
        assert (opened.state, resolved.state) == ("opened", "resolved")
        assert opened.episode == at(101 * 60) // 10**9
        assert opened.ts_event_ns == at(101 * 60)
        assert resolved.ts_event_ns == at(116 * 60)  # the horizon is a quarter of an hour
        assert (opened.transition, resolved.transition) == (1, 2)
        assert opened.event_time == "2024-06-03T16:11:00Z"

    def test_what_is_open_at_the_end_of_the_session_expires(self) -> None:
        desk = self.play({175: 2.0})
        assert desk.said.states("spread") == ["opened", "expired"]
        assert desk.said.events[-1].ts_event_ns == at(self.SESSION_S)

    @pytest.mark.parametrize(("cool_down", "openings"), [(0, 2), (5, 2), (12, 1)])
    def test_a_second_shock_in_the_pause_opens_nothing(self, cool_down: int, openings: int) -> None:
        """The first episode ends at minute 116, the second shock's quarter of an hour ends at 135."""
        desk = self.play({100: 1.0, 119: 8.0}, cool_down=cool_down)
        opened = [event for event in desk.said.events if event.state == "opened"]
        assert opened[0].ts_event_ns == at(101 * 60)
        expected = max(120, 117 + cool_down)
        if openings == 2:
            assert [event.ts_event_ns for event in opened[1:]] == [at(expected * 60)]

    def test_the_pause_counts_minutes_across_the_night(self) -> None:
        """Guards against a closing minute that counts twice."""
        desk = self.play({160: 2.0}, cool_down=7)
        assert desk.said.events[-1].ts_event_ns == at(176 * 60)  # four minutes before the end
        assert int(desk.engine.evaluator.lifecycle.episodes[0, 0]["cool_down"]) == 7 - 4


def test_goo_is_in_no_one_elses_story() -> None:
    desk = Desk()
    minutes(desk, [2.0])
    assert {event.pair for event in desk.said.events} == {"SML/BIG"}
    assert desk.row(GOO)["day_trades"] == 0
