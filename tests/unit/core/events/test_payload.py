"""core.events.payload: an event explains itself with the values as they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from core.definitions.catalogue import parse_catalogue
from core.definitions.definition import Definition
from core.definitions.episode import EPISODE, WITH_THE_PAIR
from core.definitions.watch import Watch, make_watch
from core.events.events import Event, event_id
from core.events.lookups import Lookups, NoLookups
from core.events.payload import build_event, leg_figures
from core.events.summary import LegNames
from core.model.instruments import Pair, parse_universe
from core.model.records import EVENT, EventState, Quality
from core.model.scale import default_pair_scales
from core.model.sessions import build_calendars, session_day
from core.partition.world import build_world
from tests.support.definitions import opposite_day

DAY = session_day(date(2024, 7, 11))
EARLIER = session_day(date(2008, 10, 10))
START = session_day(date(1990, 1, 2))
SYMBOLS = {"numerator": "RUT", "benchmark": "SPX"}
NAMES = LegNames({"numerator": "small caps", "benchmark": "large caps"}, SYMBOLS)
LEGS = {"numerator": {"price": 1.0}, "benchmark": {"price": 2.0}}
UNIVERSE = """
source = [{id = 1, name = "tape"}]
pair = [{numerator = "RUT", benchmark = "SPX"}]
instrument = [
    {id = 1, symbol = "RUT", class = "index", calendar = "XNYS", source = "tape"},
    {id = 2, symbol = "SPX", class = "index", calendar = "XNYS", source = "tape"},
]
"""
DEFINITION = parse_catalogue(opposite_day("up")).get("up")


FIGURES = {
    "instrument_return_pct:1d": (3.572, Quality.OK),
    "benchmark_return_pct:1d": (-0.876, Quality.OK),
    "relative_strength_pp:1d": (np.nan, Quality.STALE),
}
"""The spread is not known."""


def watch() -> Watch:
    world = build_world(
        parse_universe(UNIVERSE),
        build_calendars(["XNYS"], date(2024, 7, 1), date(2024, 7, 31)),
        partition=0,
        partitions=1,
    )
    return make_watch(0, DEFINITION, world, list(FIGURES).index)


def life(
    *, openings: int, last: int = 0, previous: int = 0, episode: int = DAY, decided: int = WITH_THE_PAIR
) -> np.void:
    record = np.zeros(1, EPISODE)
    record["openings"], record["last_opened"], record["previous_opened"] = openings, last, previous
    record["episode"], record["decided_since"] = episode, decided
    found: np.void = record[0]
    return found


class Found:
    """Answers that repeat what was asked."""

    @property
    def digests(self) -> dict[str, str]:
        return {"base_rates": "123"}

    def base_rate(self, definition: Definition, pair: Pair, ts_knowable_ns: int) -> dict[str, object]:
        return {"definition": definition.definition_id, "pair": pair.name, "as_of_ns": ts_knowable_ns}

    def rarity(self, definition: Definition, pair: Pair, ts_knowable_ns: int) -> dict[str, object] | None:
        return {"count": 2, "as_of_ns": ts_knowable_ns}

    def tags(self, session: int, ts_knowable_ns: int) -> tuple[str, ...]:
        return (f"session {session}", f"known {ts_knowable_ns}")


def event(
    state: EventState,
    of: np.void,
    *,
    history_start: int = START,
    lookups: Lookups | None = None,
    at_work: Watch | None = None,
    figures: Sequence[tuple[float, Quality]] = tuple(FIGURES.values()),
) -> Event:
    staged = np.zeros(1, EVENT)
    staged["pair"], staged["state"], staged["previous_state"] = 1, state, EventState.CANDIDATE
    staged["episode"], staged["transition"] = DAY, 1
    staged["ts_event"], staged["ts_knowable"] = 1_720_728_000_000_000_000, 1_720_728_005_000_000_000
    return build_event(
        staged[0],
        at_work or watch(),
        DEFINITION.version,
        Pair("RUT", "SPX"),
        NAMES,
        of,
        np.array([value for value, _ in figures]),
        np.array([quality for _, quality in figures], np.uint8),
        LEGS,
        history_start,
        DAY,
        {"catalogue": "abc"},
        lookups or NoLookups(),
    )


def test_values_are_the_pairs_own_and_an_unknown_one_says_why() -> None:
    opened = event(EventState.OPENED, life(openings=1, last=DAY))
    assert opened.values == {
        "instrument_return_pct": 3.572,
        "benchmark_return_pct": -0.876,
        "spread_pp": None,
    }
    none = "none since 1990-01-02"
    assert opened.reasons == {
        "first_since.last_true": none,
        "first_since.previous_opening": none,
        "spread_pp": "stale",
    }
    assert opened.threshold == {"instrument_return_pct": 3.0}
    assert (opened.legs, opened.quality, opened.provenance) == (LEGS, "ok", {"catalogue": "abc"})


@pytest.mark.parametrize(
    ("value", "shown", "reason"),
    [
        (float(EARLIER), "2008-10-10", None),
        (0.0, None, "none since 1990-01-02"),
        (math.nan, None, "not_ready"),
    ],
)
def test_a_session_is_shown_as_a_date(value: float, shown: str | None, reason: str | None) -> None:
    one = replace(watch(), payload=(("peak_date", 0),), dates=frozenset({"peak_date"}))
    found = event(EventState.OPENED, life(openings=1), at_work=one, figures=[(value, Quality.NOT_READY)])
    assert found.values == {"peak_date": shown}
    assert found.reasons.get("peak_date") == reason


def test_names_times_and_id() -> None:
    opened = event(EventState.OPENED, life(openings=1, last=DAY))
    assert (opened.definition, opened.family, opened.pair, opened.frequency) == (
        "up",
        "divergence",
        "RUT/SPX",
        "1d",
    )
    assert (opened.state, opened.previous_state) == ("opened", "candidate")
    assert (opened.episode, opened.transition) == (DAY, 1)
    assert opened.event_time == "2024-07-11"
    assert opened.ts_knowable_ns - opened.ts_event_ns == 5_000_000_000
    assert opened.event_id == event_id("up", DEFINITION.version, "RUT/SPX", "1d", DAY, 1)


@pytest.mark.parametrize(
    ("state", "of", "expected"),
    [
        # A candidate has not opened: the last opening is the one before it.
        (EventState.CANDIDATE, life(openings=1, last=EARLIER), ("2008-10-10", 1)),
        (EventState.WITHDRAWN, life(openings=1, last=EARLIER), ("2008-10-10", 1)),
        (EventState.CANDIDATE, life(openings=0), (None, 0)),
        # An opening is itself the last: what counts is the one before.
        (EventState.OPENED, life(openings=2, last=DAY, previous=EARLIER), ("2008-10-10", 1)),
        (EventState.OPENED, life(openings=1, last=DAY), (None, 0)),
        (EventState.RESOLVED, life(openings=2, last=DAY, previous=EARLIER), ("2008-10-10", 1)),
        # A revision that made the opening, and one that took it back.
        (EventState.REVISED, life(openings=2, last=DAY, previous=EARLIER), ("2008-10-10", 1)),
        (EventState.REVISED, life(openings=1, last=EARLIER), ("2008-10-10", 1)),
    ],
)
def test_first_since_names_the_latest_earlier_opening(
    state: EventState, of: np.void, expected: tuple[str | None, int]
) -> None:
    found = event(state, of).first_since
    assert found is not None
    assert (found["previous_opening"], found["openings"]) == expected
    assert (found["history_start"], found["series"], found["operator"]) == ("1990-01-02", "close", ">=")


def true_on(last: int, previous: int, sessions: int, *, since: int = 0) -> np.void:
    record = life(openings=1, last=DAY).copy()
    record["last_true"], record["previous_true"], record["sessions_true"] = last, previous, sessions
    record["true_since"] = since
    return record


@pytest.mark.parametrize(
    ("of", "last_true", "sessions_true"),
    [
        # The session of the event does not count, whether it was true or not.
        (true_on(DAY, EARLIER, 2), "2008-10-10", 1),
        (true_on(EARLIER, 0, 1), "2008-10-10", 1),
        (true_on(DAY, 0, 1), None, 0),
        # Sessions before a snapshot of an earlier release were not recorded.
        (true_on(DAY, DAY - 1, 2, since=DAY - 2), "2024-07-10", None),
        (true_on(DAY, 0, 1, since=DAY - 2), None, None),
    ],
)
def test_first_since_names_the_last_session_before_on_which_it_was_true(
    of: np.void, last_true: str | None, sessions_true: int | None
) -> None:
    found = event(EventState.OPENED, of)
    assert found.first_since is not None
    assert (found.first_since["last_true"], found.first_since["sessions_true"]) == (last_true, sessions_true)
    why = "none since 1990-01-02" if sessions_true == 0 else "not recorded before 2024-07-09"
    assert found.reasons.get("first_since.last_true") == (None if last_true else why)
    assert found.reasons.get("first_since.sessions_true") == (None if sessions_true is not None else why)


def test_without_history_there_is_nothing_to_be_first_since() -> None:
    assert event(EventState.OPENED, life(openings=1, last=DAY), history_start=0).first_since is None


def test_history_starts_where_the_definition_could_first_be_decided() -> None:
    found = event(EventState.OPENED, life(openings=1, last=DAY, decided=EARLIER))
    assert found.first_since is not None
    assert found.first_since["history_start"] == "2008-10-10"
    assert found.reasons["first_since.previous_opening"] == "none since 2008-10-10"
    assert found.summary.endswith("first in the history from 2008-10-10")


@pytest.mark.parametrize("decided", [0, DAY])
def test_before_the_first_decision_there_is_nothing_earlier(decided: int) -> None:
    found = event(EventState.OPENED, life(openings=1, last=DAY, decided=decided))
    assert found.first_since is None
    assert found.openings_per_year is None
    assert found.reasons["first_since"] == "no earlier session on which the definition could be decided"


def test_base_rate_and_tags_are_looked_up_as_of_the_knowable_time() -> None:
    found = event(EventState.OPENED, life(openings=1, last=DAY), lookups=Found())
    known_ns = found.ts_knowable_ns
    assert found.base_rate == {"definition": "up", "pair": "RUT/SPX", "as_of_ns": known_ns}
    assert found.rarity == {"count": 2, "as_of_ns": known_ns}
    assert found.tags == (f"session {DAY}", f"known {known_ns}")


def test_without_lookups_there_is_neither() -> None:
    opened = event(EventState.OPENED, life(openings=1, last=DAY))
    assert (opened.base_rate, opened.rarity, opened.tags) == (None, None, ())


def test_legs_say_price_previous_close_and_return() -> None:
    prices = np.array([[2_125_040_000_000, -2], [5_584_540_000_000, 7]], np.int64)
    bases = np.zeros((2, 2, 2), np.int64)
    bases[0, :, 0] = [2_051_750_000_000, 5_633_910_000_000]
    figures = leg_figures(prices, bases, 0, default_pair_scales(prices.shape[1]))
    assert figures["numerator"] == {
        "price": 2125.04,
        "previous_close": 2051.75,
        "return_pct": pytest.approx(100 * (2125.04 / 2051.75 - 1), rel=1e-12),
    }
    assert figures["benchmark"]["return_pct"] == pytest.approx(-0.8763, abs=1e-4)


def test_a_leg_says_null_where_it_knows_nothing() -> None:
    prices = np.array([[-int(Quality.HALTED)], [50_000_000_000]], np.int64)
    bases = np.zeros((1, 2, 1), np.int64)
    bases[0, 0, 0] = 40_000_000_000
    assert leg_figures(prices, bases, 0, default_pair_scales(prices.shape[1])) == {
        "numerator": {"price": None, "previous_close": 40.0, "return_pct": None},
        "benchmark": {"price": 50.0, "previous_close": None, "return_pct": None},
    }
