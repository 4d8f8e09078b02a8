"""An official close corrected after the day was final: a `revised` event where it decides otherwise."""

from __future__ import annotations

import pytest

from core.events.events import Event
from core.model.records import TickKind
from tests.support.desk import Desk, at
from tests.support.worlds import BIG, GOO, OFFICIAL_WAIT_S, SML, small_universe

CLOSE_S = 240
DEADLINE_S = CLOSE_S + OFFICIAL_WAIT_S
NEXT_OPEN_S = 1_200
PRINT_S = CLOSE_S + 1.2
UP = "opposite_up"


def final_day(sml: float = 102.0, big: float = 199.0) -> Desk:
    """Session 0 is final; its closes are these."""
    desk = Desk()
    desk.mark(235)
    for instrument, price in ((SML, 100.5), (BIG, 200.5), (GOO, 50.0)):
        desk.trade(235.5, instrument, price)
    desk.mark(CLOSE_S)
    desk.official(PRINT_S, SML, sml)
    desk.official(PRINT_S, BIG, big)
    desk.mark(CLOSE_S + 10)
    return desk


def correct(desk: Desk, price: float, *, instrument: int = SML, seconds: float = PRINT_S) -> list[Event]:
    """A correction as the feed writes it: a cancel and the new print."""
    desk.official(seconds, instrument, 1.0, kind=TickKind.CANCEL)
    desk.official(seconds, instrument, price, kind=TickKind.CORRECTION)
    return desk.flush().events


def test_a_correction_that_changes_the_decision_is_an_event() -> None:
    desk = final_day()
    (opened,) = [event for event in desk.said.events if event.definition == UP and event.pair == "SML/BIG"]
    (revised,) = correct(desk, 100.5)
    assert (opened.state, revised.state) == ("opened", "revised")
    assert revised.previous_state == "opened"
    assert (revised.pair, revised.definition) == (opened.pair, opened.definition)
    assert revised.episode == opened.episode
    assert revised.transition == opened.transition + 1
    assert revised.event_id != opened.event_id
    assert revised.values["instrument_return_pct"] == pytest.approx(0.5, abs=1e-12)
    assert revised.first_since is not None
    assert (revised.first_since["openings"], revised.first_since["last_true"]) == (0, None)
    assert revised.ts_event_ns == at(CLOSE_S)
    assert revised.ts_knowable_ns >= at(CLOSE_S + 9)  # a correction cannot be known before it came


def test_a_second_revision_is_no_repeat() -> None:
    desk = final_day()
    (first,) = correct(desk, 100.5)
    (second,) = correct(desk, 103.0)
    (third,) = correct(desk, 99.9)
    ids = [event.event_id for event in desk.said.events]
    assert len(set(ids)) == len(ids)
    assert [event.transition for event in (first, second, third)] == [2, 3, 4]
    assert second.values["instrument_return_pct"] == pytest.approx(3.0, abs=1e-12)
    assert [event.previous_state for event in (second, third)] == ["idle", "opened"]


def test_a_correction_can_open_what_had_not_opened() -> None:
    desk = final_day(sml=100.5)
    assert desk.said.states(UP) == []
    (revised,) = correct(desk, 102.0)
    assert (revised.state, revised.previous_state) == ("revised", "idle")
    assert revised.values["instrument_return_pct"] == pytest.approx(2.0, abs=1e-12)


def test_a_correction_of_the_benchmark_counts_as_well() -> None:
    desk = final_day()
    (revised,) = correct(desk, 200.5, instrument=BIG)
    assert revised.state == "revised"
    assert revised.values["benchmark_return_pct"] == pytest.approx(0.25, abs=1e-12)


def test_a_correction_that_decides_the_same_is_no_event() -> None:
    desk = final_day()
    assert correct(desk, 102.5) == []
    assert desk.counted("corrections") == 1


@pytest.mark.parametrize("corrected_at_s", [CLOSE_S + 20, DEADLINE_S + 100, NEXT_OPEN_S])
def test_the_next_session_measures_from_the_corrected_close(corrected_at_s: float) -> None:
    """Guards against a session that continues with what the day before started from."""
    desk = final_day()
    desk.mark(corrected_at_s)
    assert [event.state for event in correct(desk, 100.5)] == ["revised"]
    desk.mark(NEXT_OPEN_S + 1)
    desk.trade(NEXT_OPEN_S + 1, SML, 100.5 * 1.02)
    desk.trade(NEXT_OPEN_S + 1, BIG, 199.0 * 1.01)
    desk.mark(NEXT_OPEN_S + 62)
    assert desk.value("instrument_return_pct:1d")[0] == pytest.approx(2.0, abs=1e-9)
    assert desk.value("benchmark_return_pct:1d")[0] == pytest.approx(1.0, abs=1e-9)
    assert desk.unknown("instrument_return_pct:1d", "GOO/BIG") == "not_ready"  # no trade yet
    assert desk.engine.evaluator.days.counts.tolist() == [4, 4]


@pytest.mark.parametrize(
    "corrected_at_s", [NEXT_OPEN_S + 61, NEXT_OPEN_S + CLOSE_S + 5, NEXT_OPEN_S + DEADLINE_S + 10]
)
def test_a_correction_after_the_next_open_comes_too_late_and_says_so(corrected_at_s: float) -> None:
    """The day before cannot be taken back once the next one has been looked at."""
    desk = final_day()
    desk.mark(corrected_at_s)
    before = desk.engine.evaluator.days.closes.copy()
    desk.official(PRINT_S, SML, 100.5, kind=TickKind.CORRECTION)
    said = desk.flush()
    assert said.events == []
    assert said.reasons() == ["revision_too_late"]
    assert (desk.engine.evaluator.days.closes == before).all()


def test_a_corrected_open_is_no_corrected_close() -> None:
    desk = final_day()
    desk.mark(DEADLINE_S + 100)
    assert correct(desk, 100.5, seconds=0.5) == []
    closes = desk.engine.evaluator.days.closes[0]
    assert closes[3].tolist() == [102_000_000_000, 199_000_000_000]


def test_a_candidate_is_not_withdrawn_again_by_a_revision() -> None:
    desk = Desk()
    for second in (50, 110, 170, 235):
        desk.mark(second)
        desk.trade(second, SML, 102.0)
        desk.trade(second, BIG, 199.0)
    desk.mark(CLOSE_S)
    desk.official(PRINT_S, SML, 102.0)
    desk.official(PRINT_S, BIG, 199.0)
    desk.mark(CLOSE_S + 10)
    correct(desk, 100.5)
    desk.mark(NEXT_OPEN_S + DEADLINE_S + 10)
    assert desk.said.states(UP, "SML/BIG") == ["candidate", "opened", "revised"]


def test_a_revised_episode_goes_on_under_new_numbers() -> None:
    """An episode that a correction reopens may still end, and its end has an id of its own."""
    catalogue = """
[[definition]]
id = "unconfirmed_high"
family = "divergence"
expires = 1
enter = ["numerator_price > numerator_high:63d", "benchmark_price < benchmark_high:63d * 0.999"]
exit = ["paired_benchmark_price > benchmark_high:63d"]
invalidate = { key = "paired_numerator_price", below_pct = 5.0 }
show.numerator_close = "numerator_price"
show.numerator_previous_high = "numerator_high:63d"
show.benchmark_close = "benchmark_price"
show.benchmark_previous_high = "benchmark_high:63d"
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
threshold = { window_sessions = 63.0, delta_pct = 0.1, invalidation_pct = 5.0 }
"""
    desk = Desk(catalogue=catalogue, baseline_days=70)
    desk.mark(235)
    for instrument, price in ((SML, 99.0), (BIG, 199.0)):
        desk.trade(235.5, instrument, price)
    desk.mark(CLOSE_S)
    desk.official(PRINT_S, SML, 99.0)
    desk.official(PRINT_S, BIG, 199.0)
    desk.mark(CLOSE_S + 10)
    assert desk.said.events == []
    (revised,) = correct(desk, 101.0)
    assert revised.transition == 2
    desk.mark(NEXT_OPEN_S + CLOSE_S - 1)
    for instrument, price in ((SML, 100.0), (BIG, 199.0)):
        desk.trade(NEXT_OPEN_S + CLOSE_S - 1, instrument, price)
    desk.mark(NEXT_OPEN_S + DEADLINE_S + 2)
    assert desk.said.states("unconfirmed_high", "SML/BIG") == ["revised", "expired"]
    expired = desk.said.events[-1]
    assert (expired.episode, expired.transition) == (revised.episode, 3)
    assert len({event.event_id for event in desk.said.events}) == 2


def test_a_split_in_between_ends_what_can_be_corrected() -> None:
    """The kept copy is in the old scale; a correction after the split must not bring it back."""
    desk = final_day()
    desk.mark(DEADLINE_S + 100)
    desk.add(TickKind.ADJUSTMENT, DEADLINE_S + 100, instrument=SML, price=1.0, size=2.0)
    desk.flush()
    desk.official(PRINT_S, SML, 100.5, kind=TickKind.CORRECTION)
    said = desk.flush()
    assert (said.events, said.reasons()) == ([], ["revision_too_late"])
    desk.mark(NEXT_OPEN_S + 1)
    desk.trade(NEXT_OPEN_S + 1, SML, 51.0)
    desk.trade(NEXT_OPEN_S + 1, BIG, 199.0)
    desk.mark(NEXT_OPEN_S + 62)
    assert desk.value("instrument_return_pct:1d")[0] == pytest.approx(0.0, abs=1e-9)


def test_pairs_that_still_wait_are_decided_by_the_corrected_close() -> None:
    desk = Desk(small_universe(), marked={1: 0.0, 2: 0.0})
    desk.mark(235)
    for instrument, price in ((SML, 100.5), (BIG, 200.5), (GOO, 50.0)):
        desk.trade(235.5, instrument, price)
    desk.mark(CLOSE_S)
    desk.official(PRINT_S, SML, 102.0)
    desk.mark(CLOSE_S + 10)  # SML and GOO are final, BIG is not
    assert desk.engine.evaluator.days.counts.tolist() == [3, 3, 4, 3, 3]
    correct(desk, 103.0)
    desk.mark(CLOSE_S + 15)
    desk.official(CLOSE_S + 15, BIG, 199.0)
    desk.mark(CLOSE_S + 30)
    (opened,) = [e for e in desk.said.events if e.definition == UP and e.pair == "SML/BIG"]
    assert opened.state == "opened"
    assert opened.values["instrument_return_pct"] == pytest.approx(3.0, abs=1e-12)
