"""A study's universe and its run: the engine of the live system, fed with history."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from core.definitions.catalogue import parse_catalogue
from core.model.errors import UniverseError
from core.model.instruments import Pair
from core.model.sessions import Calendar, build_calendar, day_to_date
from core.research.study import HistoryRun, Series, study_universe

SIGNALS = """
[[definition]]
id = "opposite_up"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 3", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = 3.0 }
"""


@pytest.fixture
def calendar() -> Calendar:
    return build_calendar("XNYS", date(2023, 1, 3), date(2023, 1, 31))


def frame(calendar: Calendar, closes: list[float], volume: bool = True) -> pl.DataFrame:
    dates = [day_to_date(session) for session in calendar.session[: len(closes)]]
    columns: dict[str, list[object]] = {"date": list(dates), "close": list(closes)}
    return pl.DataFrame(columns | ({"volume": [1e6] * len(closes)} if volume else {}))


def test_sessions_come_in_order_with_what_became_known(calendar: Calendar) -> None:
    frames = {"A": frame(calendar, [100.0, 104.0, 104.0]), "B": frame(calendar, [50.0, 49.0, 49.0])}
    universe = study_universe(frames, [Pair("A", "B")], "XNYS")
    run = HistoryRun(universe, parse_catalogue(SIGNALS), {"XNYS": calendar}, frames)
    steps = list(run.sessions())
    assert len(run) == 3
    assert [one.session for one in steps] == calendar.session[:3].tolist()
    assert [[event.definition for event in one.events] for one in steps] == [[], ["opposite_up"], []]


def test_a_run_may_end_before_the_history(calendar: Calendar) -> None:
    frames = {"A": frame(calendar, [100.0, 104.0, 104.0]), "B": frame(calendar, [50.0, 49.0, 49.0])}
    universe = study_universe(frames, [Pair("A", "B")], "XNYS")
    run = HistoryRun(
        universe, parse_catalogue(SIGNALS), {"XNYS": calendar}, frames, until=int(calendar.session[0])
    )
    assert [one.session for one in run.sessions()] == [calendar.session[0]]


def test_days_of_utc_belong_to_the_day_they_end(calendar: Calendar) -> None:
    days = build_calendar("24/7", date(2023, 1, 1), date(2023, 1, 5))
    frames = {"A": frame(days, [1.0, 2.0, 3.0]), "B": frame(days, [1.0, 1.0, 1.0])}
    universe = study_universe(frames, [Pair("A", "B")], "24/7")
    run = HistoryRun(universe, parse_catalogue(SIGNALS), {"24/7": days}, frames)
    assert [day_to_date(one.session) for one in run.sessions()] == [date(2023, 1, day) for day in (1, 2, 3)]


def test_a_universe_knows_who_has_volume_and_what_the_series_are(calendar: Calendar) -> None:
    frames = {"A": frame(calendar, [1.0]), "B": frame(calendar, [1.0], volume=False)}
    series = [Series("TEN", "rate"), Series("A_flow", "flow", "A")]
    universe = study_universe(frames, [Pair("A", "B")], "XNYS", series)
    assert [one.has_volume for one in universe.instruments] == [True, False, False, False]
    assert [one.asset_class for one in universe.instruments] == ["etf", "etf", "rate", "flow"]
    assert universe.instrument("A_flow").group == "A"


def test_a_pair_twice_is_refused(calendar: Calendar) -> None:
    frames = {"A": frame(calendar, [1.0]), "B": frame(calendar, [1.0])}
    with pytest.raises(UniverseError, match="stands twice"):
        study_universe(frames, [Pair("A", "B"), Pair("A", "B")], "XNYS")


def test_prices_too_small_for_the_default_scale_get_a_finer_one(calendar: Calendar) -> None:
    closes = [0.000012, 0.00001234567891]
    frames = {"A": frame(calendar, closes), "B": frame(calendar, [60_000.5, 60_000.25])}
    universe = study_universe(frames, [Pair("A", "B")], "XNYS")
    assert [one.price_exponent for one in universe.instruments] == [-15, -9]
    run = HistoryRun(universe, parse_catalogue(SIGNALS), {"XNYS": calendar}, frames)
    rows = {o.key: f.values[n] for f in run.engine.evaluator.families for n, o in enumerate(f.outputs)}
    seen = []
    for _ in run.sessions():
        seen.append((float(rows["numerator_price"][0]), float(rows["ratio:1d"][0])))
    assert [price for price, _ in seen] == closes
    assert [ratio for _, ratio in seen] == pytest.approx(
        [0.000012 / 60_000.5, closes[1] / 60_000.25], rel=1e-14
    )
