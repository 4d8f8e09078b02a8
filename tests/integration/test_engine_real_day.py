"""The engine over the tape of 2013-10-08: any cut, any restore, and the auctions' closes.

Half a million trades of four stocks; the last half hour of the day before gives every return of the
session its base. Kernels must be compiled: as plain Python the day would take an hour.
"""

from __future__ import annotations

import random
from datetime import date
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.model.frames import HEADER_BYTES, MAX_RECORDS
from core.model.instruments import Universe, parse_universe
from core.model.records import TICK, EventState, TickKind
from core.model.sessions import Calendar, build_calendar, session_day
from producers.replay.tick_files import load_tick_files
from tests.support.logs import Run, cut, run, state_of
from tests.support.real_day import DAY, DAY_BEFORE, EXCHANGES, tape_file, universe_text
from tests.support.recorded_log import recorded_ticks, with_marks
from tests.support.worlds import MINUTE, SECOND

pytestmark = [pytest.mark.integration, pytest.mark.compiled, pytest.mark.slow]

CLOSES = {"AIG": 47.70, "BAC": 13.69, "IBM": 178.72, "SPY": 165.48}
PAIRS = ("AIG/SPY", "BAC/SPY", "IBM/SPY", "AIG/IBM")
CATALOGUE = """
[[definition]]
id = "opposite_down"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d <= -0.01", "benchmark_return_pct:1d > 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = -0.01 }

[[definition]]
id = "opposite_up"
family = "divergence"
point = true
enter = ["instrument_return_pct:1d >= 0.01", "benchmark_return_pct:1d < 0"]
show.instrument_return_pct = "instrument_return_pct:1d"
show.benchmark_return_pct = "benchmark_return_pct:1d"
show.spread_pp = "relative_strength_pp:1d"
threshold = { instrument_return_pct = 0.01 }

[[definition]]
id = "spread_15m"
frequency = "1m"
family = "relative-strength"
cool_down = 20
enter = ["abs(relative_return_zscore:15m) >= 1.2"]
exit = ["abs(relative_return_zscore:15m) <= 0.3"]
show.zscore = "relative_return_zscore:15m"
show.relative_return_pct = "relative_strength_percent:15m"
show.spread_pp = "relative_strength_pp:15m"
threshold = { zscore = 1.2, zscore_exit = 0.3 }
"""
SEEDS = (11, 12, 13, 14)
RESTORES = 12


@cache
def universe() -> Universe:
    return parse_universe(universe_text(PAIRS))


@cache
def calendar() -> Calendar:
    return build_calendar("XNYS", date(2013, 9, 2), date(2013, 10, 31))


def make_engine() -> PartitionEngine:
    return PartitionEngine(
        universe(), parse_catalogue(CATALOGUE), {"XNYS": calendar()}, partition=0, partitions=1
    )


def close_ns(day: date) -> int:
    return int(calendar().close_ns[calendar().row_of(session_day(day))])


@cache
def log() -> NDArray[np.void]:
    """The tape as a producer would write it, marks included."""
    paths = [tape_file(symbol, day) for symbol in EXCHANGES for day in (DAY_BEFORE, DAY)]
    ticks = recorded_ticks(load_tick_files(paths), universe(), 1)
    ticks = ticks[ticks["ts_event"] >= close_ns(DAY_BEFORE) - 30 * MINUTE]
    return with_marks(ticks, universe(), 1, [calendar()])


class Outcome(NamedTuple):
    """One run of the whole log."""

    state: dict[str, str]
    said: Run


@cache
def reference() -> Outcome:
    """The log in frames of 512 records."""
    engine = make_engine()
    said = run(engine, cut(log(), range(0, len(log()), 512)))
    return Outcome(state_of(engine), said)


def random_cuts(seed: int) -> list[int]:
    """Stretches of frames of one size each, from single records to full frames."""
    noise = random.Random(seed)
    cuts, position = [0], 0
    while position < len(log()):
        size = noise.choice([1, 2, 3, 10, 50, 200, 512, MAX_RECORDS])
        for _ in range(noise.randrange(1, 1 + 3_000 // size)):
            position += size
            cuts.append(position)
    return cuts


def test_the_day_is_what_it_is_taken_for() -> None:
    trades = int((log()["kind"] == TickKind.TRADE).sum())
    marks = int((log()["kind"] == TickKind.CLOCK).sum())
    assert trades > 500_000
    assert marks > 23_400
    assert reference().said.dead_letters == []
    assert {"candidate", "withdrawn", "opened", "resolved"} <= {
        event.state for event in reference().said.events
    }
    sizes = {stop - start for start, stop in pairwise(random_cuts(SEEDS[0]))}
    assert {1, 512, MAX_RECORDS} <= sizes


@pytest.mark.parametrize("seed", SEEDS)
def test_any_cut_gives_the_same_state_and_the_same_story(seed: int) -> None:
    engine = make_engine()
    said = run(engine, cut(log(), random_cuts(seed)))
    assert state_of(engine) == reference().state
    assert said.told() == reference().said.told()


def test_a_mark_first_or_last_in_its_frame_changes_nothing() -> None:
    marks = np.flatnonzero(log()["kind"] == TickKind.CLOCK)
    half = len(marks) // 2
    cuts = [*marks[:half].tolist(), *(marks[half:] + 1).tolist()]
    engine = make_engine()
    said = run(engine, cut(log(), cuts))
    assert state_of(engine) == reference().state
    assert said.told() == reference().said.told()


def test_a_restore_anywhere_leads_to_the_same_bytes() -> None:
    """Every restore goes to the next one's place and to the end of the day."""
    noise = random.Random(SEEDS[0])
    inside = np.flatnonzero((log()["kind"] == TickKind.TRADE) & (log()["ts_event"] % SECOND != 0))
    places = sorted(noise.sample(inside[len(inside) // 10 :].tolist(), RESTORES))
    frames = cut(log(), [*range(0, len(log()), 512), *places])
    starts = np.cumsum([0, *((len(frame) - HEADER_BYTES) // TICK.itemsize for frame in frames)])
    stops = [int(np.searchsorted(starts, place)) for place in places]
    assert starts[stops].tolist() == places
    engine, kept, alive = make_engine(), [], np.zeros(3, np.int64)
    for first, last in pairwise([0, *stops, len(frames)]):
        run(engine, frames[first:last], first_offset=first)
        kept.append(engine.snapshot())
        episodes = engine.evaluator.lifecycle.episodes
        opened = episodes["state"] == int(EventState.OPENED)
        alive += [(episodes["candidate"] == 1).any(), opened.any(), (episodes["cool_down"] > 0).any()]
    assert alive.min() > 0  # a candidate, an open episode and a cool-down were among what came back
    for position, first in enumerate(stops):
        restored = make_engine()
        restored.restore(kept[position])
        following = [*stops, len(frames)][position + 1]
        run(restored, frames[first:following], first_offset=first)
        assert restored.snapshot() == kept[position + 1]
        run(restored, frames[following:], first_offset=following)
        assert restored.snapshot() == kept[-1]


@pytest.mark.parametrize("symbol", CLOSES)
def test_the_close_is_the_auctions(symbol: str) -> None:
    """SPY's is stamped 16:00:01.196; a million shares at 167.51, at 16:01:15, are no close."""
    number = universe().instrument(symbol).instrument_id
    bars = [bar for part in reference().said.day_bars for bar in part if bar["instrument_id"] == number]
    assert [int(bar["session"]) for bar in bars] == [session_day(DAY_BEFORE), session_day(DAY)]
    assert bars[-1]["close"] == round(CLOSES[symbol] * 1e9)


def test_the_million_shares_after_the_close_are_on_the_tape() -> None:
    """The guard above would be empty without them."""
    spy = log()[log()["instrument_id"] == universe().instrument("SPY").instrument_id]
    late = spy[(spy["ts_event"] > close_ns(DAY) + MINUTE) & (spy["size"] >= 1_000_000 * SECOND)]
    assert 167_510_000_000 in late["price"].tolist()
