"""Splits and warm starts: what restates history, and what may not."""

from __future__ import annotations

import pytest

from core.model.records import TickKind
from tests.support.desk import Desk
from tests.support.logs import run, state_of
from tests.support.worlds import BIG, DAY, GOO, HISTORY, MINUTE, OPEN, SML, make_engine

NEXT_OPEN_S = 1_200
CLOSE_S = 240
KEYS = [
    *(
        f"{name}:{window}"
        for name in ("relative_strength_log", "instrument_return_pct")
        for window in ("1d", "5d")
    ),
    "beta:63d",
    "correlation:63d",
    "relative_return_zscore:1d",
    "ratio_line:1d",
]


def a_session(desk: Desk, start: float, sml: float, big: float) -> None:
    """One session: a trade of each shortly before the close, then the official closes."""
    desk.mark(start + CLOSE_S - 5)
    desk.trade(start + CLOSE_S - 4, SML, sml)
    desk.trade(start + CLOSE_S - 4, BIG, big)
    desk.mark(start + CLOSE_S)
    desk.official(start + CLOSE_S + 1, SML, sml)
    desk.official(start + CLOSE_S + 1, BIG, big)
    desk.mark(start + CLOSE_S + 70)


@pytest.mark.parametrize(
    ("instrument", "ratio"), [(SML, (1.0, 2.0)), (SML, (0.5, 1.0)), (SML, (3.0, 1.0)), (BIG, (1.0, 4.0))]
)
def test_a_split_leaves_every_return_as_it_was(instrument: int, ratio: tuple[float, float]) -> None:
    """Two engines see the same market; in one a share is split over night."""
    plain, split = (Desk(baseline_days=75) for _ in range(2))
    for desk in (plain, split):
        a_session(desk, 0, 103.0, 198.0)
    factor = ratio[0] / ratio[1]
    split.add(TickKind.ADJUSTMENT, CLOSE_S + 70, instrument=instrument, price=ratio[0], size=ratio[1])
    split.flush()
    assert split.counted("adjustments") == 1
    for desk in (plain, split):
        scale = {instrument: factor} if desk is split else {}
        sml, big = 104.0 * scale.get(SML, 1.0), 197.0 * scale.get(BIG, 1.0)
        desk.mark(NEXT_OPEN_S)
        desk.trade(NEXT_OPEN_S + 1, SML, sml)
        desk.trade(NEXT_OPEN_S + 1, BIG, big)
        desk.mark(NEXT_OPEN_S + 62)
    for key in KEYS:
        assert split.value(key)[1] == plain.value(key)[1]
        assert split.value(key)[0] == pytest.approx(plain.value(key)[0], rel=1e-8, nan_ok=True), key
    known = [key for key in KEYS if plain.value(key)[1] == "ok"]
    assert {"relative_strength_log:5d", "instrument_return_pct:1d", "beta:63d"} <= set(known)
    for side, row in enumerate((SML, BIG)):
        key = f"{('numerator', 'benchmark')[side]}_high:63d"
        scale_of = factor if row == instrument else 1.0
        assert split.value(key)[0] == pytest.approx(plain.value(key)[0] * scale_of, rel=1e-9)


def test_a_split_touches_only_the_pairs_of_its_instrument() -> None:
    desk = Desk()
    before = desk.engine.evaluator.days.closes.copy()
    desk.add(TickKind.ADJUSTMENT, 0, instrument=GOO, price=1.0, size=2.0)
    desk.flush()
    after = desk.engine.evaluator.days.closes
    names = [pair.name for pair in desk.engine.world.pairs]
    assert (after[names.index("SML/BIG")] == before[names.index("SML/BIG")]).all()
    assert (after[names.index("GOO/BIG")][:3, 0] == 25 * 10**9).all()
    assert (after[names.index("GOO/BIG")][:3, 1] == 200 * 10**9).all()


def test_the_level_that_invalidates_is_restated_with_its_leg() -> None:
    catalogue = """
[[definition]]
id = "unconfirmed_high"
family = "divergence"
enter = ["numerator_price > numerator_high:63d", "benchmark_price < benchmark_high:63d * 0.999"]
exit = ["paired_benchmark_price > benchmark_high:63d"]
invalidate = { key = "paired_numerator_price", below_pct = 2.0 }
show.numerator_close = "numerator_price"
show.numerator_previous_high = "numerator_high:63d"
show.benchmark_close = "benchmark_price"
show.benchmark_previous_high = "benchmark_high:63d"
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
threshold = { window_sessions = 63.0, delta_pct = 0.1, invalidation_pct = 2.0 }
"""
    desk = Desk(catalogue=catalogue, baseline_days=70)
    a_session(desk, 0, 104.0, 199.0)
    assert desk.said.states("unconfirmed_high", "SML/BIG") == ["candidate", "opened"]
    levels = desk.engine.evaluator.lifecycle.levels
    row = [pair.name for pair in desk.engine.world.pairs].index("SML/BIG")
    assert levels[0, row] == pytest.approx(104.0 * 0.98)
    desk.add(TickKind.ADJUSTMENT, CLOSE_S + 70, instrument=SML, price=1.0, size=2.0)
    desk.add(TickKind.ADJUSTMENT, CLOSE_S + 70, instrument=BIG, price=1.0, size=5.0)
    desk.flush()
    assert levels[0, row] == pytest.approx(52.0 * 0.98)
    a_session(desk, NEXT_OPEN_S, 51.5, 199.0 / 5)
    assert desk.said.states("unconfirmed_high", "SML/BIG") == ["candidate", "opened"]
    a_session(desk, 2 * NEXT_OPEN_S, 50.9, 199.0 / 5)
    assert desk.said.states("unconfirmed_high", "SML/BIG")[-1] == "invalidated"


class TestBaseline:
    """The warm start is part of the log."""

    def test_it_makes_history_and_says_nothing(self) -> None:
        desk = Desk(baseline_days=70)
        assert desk.said.told() == ([], b"", b"", [], [])
        assert desk.engine.evaluator.days.counts.tolist() == [70, 70]
        assert desk.counted("baselines", HISTORY) == 70 * 4

    def test_the_same_again_changes_nothing(self) -> None:
        """A producer that restarts sends its warm start again."""
        desk = Desk(baseline_days=5)
        before = state_of(desk.engine, without=["count_baselines"])
        for back in range(5, 0, -1):
            closes = {SML: 77.0, BIG: 88.0, GOO: 99.0}
            for instrument, close in closes.items():
                desk.add(
                    TickKind.BASELINE, _seconds(back), instrument=instrument, price=close, source=HISTORY
                )
            desk.add(TickKind.BASELINE, _seconds(back), source=HISTORY)
        assert desk.flush().dead_letters == []
        assert state_of(desk.engine, without=["count_baselines"]) == before

    def test_a_leg_without_a_close_has_no_day(self) -> None:
        desk = Desk(baseline_days=3, closes={SML: 100.0, BIG: 200.0})
        assert desk.engine.evaluator.days.counts.tolist() == [3, 0]

    def test_a_baseline_is_no_part_of_a_session_that_runs(self) -> None:
        desk = Desk(baseline_days=3)
        desk.mark(60)
        before = desk.engine.evaluator.days.counts.copy()
        desk.add(TickKind.BASELINE, CLOSE_S, instrument=SML, price=1.0, source=HISTORY)
        desk.add(TickKind.BASELINE, CLOSE_S, instrument=BIG, price=1.0, source=HISTORY)
        desk.add(TickKind.BASELINE, CLOSE_S, source=HISTORY)
        desk.flush()
        assert (desk.engine.evaluator.days.counts == before).all()

    def test_sessions_nobody_watched_may_be_filled_in_before_the_next_open(self) -> None:
        """Guards against a hole in the history of an engine whose producer came back days later."""
        desk = Desk(baseline_days=3)
        a_session(desk, 0, 101.0, 199.0)
        for session, (sml, big) in {1: (110.0, 220.0), 2: (111.0, 221.0)}.items():
            close = session * NEXT_OPEN_S + CLOSE_S
            desk.add(TickKind.BASELINE, close, instrument=SML, price=sml, source=HISTORY)
            desk.add(TickKind.BASELINE, close, instrument=BIG, price=big, source=HISTORY)
            desk.add(TickKind.BASELINE, close, source=HISTORY)
        desk.mark(3 * NEXT_OPEN_S)
        desk.trade(3 * NEXT_OPEN_S + 1, SML, 111.0 * 1.01)
        desk.trade(3 * NEXT_OPEN_S + 1, BIG, 221.0)
        desk.mark(3 * NEXT_OPEN_S + 62)
        assert desk.engine.evaluator.days.counts.tolist() == [6, 3]
        assert desk.value("instrument_return_pct:1d")[0] == pytest.approx(1.0, abs=1e-9)
        assert desk.value("instrument_return_pct:5d")[1] == "ok"

    def test_the_offset_to_start_from_is_the_first_baselines(self) -> None:
        desk = Desk(baseline_days=2)
        assert desk.engine.baseline_offset == 0
        fresh = make_engine()
        run(fresh, [])
        assert fresh.baseline_offset == 0


def _seconds(back: int) -> float:
    """When the baseline session so many days back is complete, in seconds since the open."""
    return (OPEN - 5 * MINUTE - (back - 1) * DAY - OPEN) / 10**9
