"""Openings and endings of every daily definition over real history, against a state machine of their own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from importlib import resources
from typing import Any

import pytest

from core.definitions.catalogue import parse_catalogue
from core.definitions.detector_translation import DETECTOR_KINDS, rule_of_detector
from core.definitions.entry_text import entry_text
from core.events.events import Event
from core.model.instruments import Universe, parse_universe
from core.model.sessions import Calendar, build_calendars
from tests.oracles.daily import DailyPair
from tests.oracles.episodes import KINDS, episodes
from tests.oracles.raw import daily_closes
from tests.support.decided_days import decide_days
from tests.support.definitions import opposite_day
from tests.support.shared_data import shared_data

pytestmark = pytest.mark.compiled

FIRST = date(1990, 1, 1)
FILES = {"RUT": "RUT", "SPX": "GSPC", "IWM": "IWM", "SPY": "SPY"}
UNIVERSE = """
source = [{id = 1, name = "tape"}]
pair = [{numerator = "RUT", benchmark = "SPX"}, {numerator = "IWM", benchmark = "SPY"}]
instrument = [
    {id = 1, symbol = "RUT", class = "index", calendar = "XNYS", source = "tape"},
    {id = 2, symbol = "SPX", class = "index", calendar = "XNYS", source = "tape"},
    {id = 3, symbol = "IWM", class = "etf", calendar = "XNYS", source = "tape"},
    {id = 4, symbol = "SPY", class = "etf", calendar = "XNYS", source = "tape"},
]
"""
SHIPPED = (resources.files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8")
DETECTORS = """
[[definition]]
id = "opposite_day_up"
kind = "opposite_day"
parameters = { direction = 1, instrument_return_pct = 3.0 }

[[definition]]
id = "opposite_day_down"
kind = "opposite_day"
parameters = { direction = -1, instrument_return_pct = 3.0 }

[[definition]]
id = "spread_z_1d"
kind = "spread_z"
expires = 21
parameters = { horizon_sessions = 1, enter_z = 3.0, exit_z = 1.0 }

[[definition]]
id = "spread_z_5d"
kind = "spread_z"
expires = 21
parameters = { horizon_sessions = 5, enter_z = 3.0, exit_z = 1.0 }

[[definition]]
id = "spread_z_21d"
kind = "spread_z"
expires = 21
parameters = { horizon_sessions = 21, enter_z = 3.0, exit_z = 1.0 }

[[definition]]
id = "nonconfirmation_high"
kind = "nonconfirmation"
cool_down = 5
expires = 20
parameters = { direction = 1, leader = 1, window_sessions = 252, delta_pct = 0.5, invalidation_pct = 2.0 }

[[definition]]
id = "nonconfirmation_low"
kind = "nonconfirmation"
cool_down = 5
expires = 20
parameters = { direction = -1, leader = 1, window_sessions = 252, delta_pct = 0.5, invalidation_pct = 2.0 }

[[definition]]
id = "benchmark_nonconfirmation_high"
kind = "nonconfirmation"
cool_down = 5
expires = 20
parameters = { direction = 1, leader = 2, window_sessions = 252, delta_pct = 0.5, invalidation_pct = 2.0 }

[[definition]]
id = "benchmark_nonconfirmation_low"
kind = "nonconfirmation"
cool_down = 5
expires = 20
parameters = { direction = -1, leader = 2, window_sessions = 252, delta_pct = 0.5, invalidation_pct = 2.0 }

[[definition]]
id = "strength_high_before_price"
kind = "strength_high"
cool_down = 5
expires = 63
parameters = { window_sessions = 252, invalidation_pct = 2.0 }
"""
"""The shipped definitions that were detectors, as they stood."""

OTHERS = """
[[definition]]
id = "small_opposite_day"
kind = "opposite_day"
cool_down = 3
parameters = { direction = -1, instrument_return_pct = 0.3 }

[[definition]]
id = "numerator_ahead_21d"
kind = "spread_z"
cool_down = 2
parameters = { horizon_sessions = 21, direction = 1, enter_z = 1.0, exit_z = 0.5 }

[[definition]]
id = "benchmark_ahead_5d"
kind = "spread_z"
expires = 4
parameters = { horizon_sessions = 5, direction = -1, enter_z = 1.5, exit_z = 0.0 }

[[definition]]
id = "quarter_high"
kind = "nonconfirmation"
expires = 10
parameters = { direction = 1, leader = 2, window_sessions = 63, delta_pct = 0.0, invalidation_pct = 0.0 }

[[definition]]
id = "quarter_low"
kind = "nonconfirmation"
parameters = { direction = -1, leader = 1, window_sessions = 63, delta_pct = 2.0, invalidation_pct = 1.0 }

[[definition]]
id = "quarter_strength"
kind = "strength_high"
cool_down = 1
parameters = { window_sessions = 63, invalidation_pct = 1.0 }
"""
RUT_SPX = UNIVERSE.replace(', {numerator = "IWM", benchmark = "SPY"}', "")
GOLDEN_UP = ["2008-10-10", "2024-07-11"]


@pytest.fixture(scope="module")
def closes() -> dict[str, dict[date, Fraction]]:
    return {
        symbol: {
            day: close
            for day, close in daily_closes(shared_data(f"daily/{name}.csv")).items()
            if day >= FIRST
        }
        for symbol, name in FILES.items()
    }


@pytest.fixture(scope="module")
def calendars() -> dict[str, Calendar]:
    return build_calendars(["XNYS"], FIRST, date(2024, 12, 31))


@pytest.fixture(scope="module")
def universe() -> Universe:
    return parse_universe(UNIVERSE)


def oracle_pair(closes: Mapping[str, Mapping[date, Fraction]], name: str) -> DailyPair:
    numerator, benchmark = name.split("/")
    return DailyPair(tuple(closes["SPX"]), closes[numerator], closes[benchmark])


def detectors(text: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tomllib.loads(text)["definition"]
    return entries


def as_rules(text: str) -> str:
    return "\n\n".join(entry_text(rule_of_detector(entry)) for entry in detectors(text))


def numbers(entry: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a detector; only a direction is ever left out, and is then either."""
    return {"direction": 0.0, **entry["parameters"]}


def test_every_kind_has_a_state_machine_of_its_own() -> None:
    assert set(KINDS) == set(DETECTOR_KINDS)


def test_the_shipped_rules_are_what_the_detectors_were() -> None:
    shipped = parse_catalogue(SHIPPED)
    for definition in parse_catalogue(as_rules(DETECTORS)).definitions:
        before = shipped.get(definition.definition_id).without_extend
        assert replace(before, words=definition.words) == definition, "texts decide nothing"


def test_openings_and_endings_are_those_of_the_state_machine(
    universe: Universe,
    calendars: dict[str, Calendar],
    closes: dict[str, dict[date, Fraction]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    catalogue = parse_catalogue(as_rules(DETECTORS + OTHERS))
    events = decide_days(universe, calendars, catalogue, closes)
    counts: dict[str, int] = {}
    entries = detectors(DETECTORS + OTHERS)
    for pair in universe.pairs:
        history = oracle_pair(closes, pair.name)
        for entry in entries:
            expected = episodes(
                history,
                entry["kind"],
                numbers(entry),
                point=entry["kind"] == "opposite_day",
                cool_down=entry.get("cool_down", 0),
                expires=entry.get("expires", 0),
            )
            mine = [e for e in events if (e.definition, e.pair) == (entry["id"], pair.name)]
            assert [(date.fromisoformat(e.event_time), e.state) for e in mine] == expected
            for _, state in expected:
                counts[state] = counts.get(state, 0) + 1
    with capsys.disabled():
        print(f"\ntransitions of {len(entries)} definitions since {FIRST}: {counts}")
    assert set(counts) == {"opened", "resolved", "invalidated", "expired"}
    assert min(counts.values()) > 100


def opposite_days(
    calendars: dict[str, Calendar], closes: Mapping[str, Mapping[date, Fraction]], text: str
) -> list[Event]:
    """Decide definitions for RUT/SPX alone."""
    held = {symbol: closes[symbol] for symbol in ("RUT", "SPX")}
    return decide_days(parse_universe(RUT_SPX), calendars, parse_catalogue(text), held)


def openings(events: list[Event], definition: str) -> list[str]:
    return [e.event_time for e in events if e.definition == definition and e.state == "opened"]


def test_the_days_small_caps_rose_three_percent_and_large_caps_fell(
    calendars: dict[str, Calendar], closes: dict[str, dict[date, Fraction]]
) -> None:
    """Since 1990, two days, for every threshold from 2.46 to 3.57; one such day down."""
    thresholds = (2.46, 2.5, 3.0, 3.5, 3.57)
    numbers = {f"up_{100 * least:.0f}": (1, least) for least in (*thresholds, 3.58)} | {"down": (-1, 3.0)}
    text = "".join(
        opposite_day(name, least_pct=least, up=direction > 0, more='pairs = ["RUT/SPX"]')
        for name, (direction, least) in numbers.items()
    )
    events = opposite_days(calendars, closes, text)
    for least in thresholds:
        assert openings(events, f"up_{100 * least:.0f}") == GOLDEN_UP
    assert openings(events, "up_358") == GOLDEN_UP[:1]
    assert openings(events, "down") == ["2000-04-03"]
    figures = {
        e.event_time: (e.values["instrument_return_pct"], e.values["benchmark_return_pct"])
        for e in events
        if e.definition == "up_300"
    }
    expected = {"2008-10-10": (4.663, -1.176), "2024-07-11": (3.572, -0.876)}
    assert figures == {day: pytest.approx(expected[day], abs=0.0005) for day in GOLDEN_UP}


def test_the_latest_of_them_names_the_one_before(
    calendars: dict[str, Calendar], closes: dict[str, dict[date, Fraction]]
) -> None:
    definition = opposite_day("up", more='pairs = ["RUT/SPX"]')
    *_, last = opposite_days(calendars, closes, definition)
    assert last.event_time == "2024-07-11"
    assert last.first_since is not None
    # The first session has no close before it, so whether it was an opposite day is not known.
    assert last.first_since["history_start"] == str(sorted(closes["RUT"])[1])
    assert (last.first_since["last_true"], last.first_since["previous_opening"]) == ("2008-10-10",) * 2
    assert (last.first_since["openings"], last.first_since["sessions_true"]) == (1, 1)
