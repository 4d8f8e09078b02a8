"""Live knows all the history it is given: the same closes, from before 1990, as history and as ticks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from consumers.worker.run import engine_factory
from core.definitions.catalogue import parse_catalogue
from core.engine.baseline import baseline_records
from core.events.events import Event, event_data
from core.model.instruments import Pair, Universe
from core.model.records import NANOSECONDS_PER_SECOND, Frequency, Update
from core.model.sessions import Calendar, build_calendar, session_day
from core.model.settings import Settings
from core.research.study import HistoryRun, study_universe
from tests.support.logs import LogBuilder, cut, run
from tests.support.shared_data import shared_data

pytestmark = [pytest.mark.integration, pytest.mark.compiled, pytest.mark.slow, pytest.mark.timeout(1_200)]

PAIR = "RUT/SPX"
UNIVERSE = """
source = [{id = 1, name = "feed"}, {id = 900, name = "history"}]
defaults.index.max_age_ms = 3_600_000
pair = [{numerator = "RUT", benchmark = "SPX"}]
instrument = [
    {id = 1, symbol = "RUT", class = "index", calendar = "XNYS", source = "feed"},
    {id = 2, symbol = "SPX", class = "index", calendar = "XNYS", source = "feed"},
]
"""
FILES = {"RUT": "RUT", "SPX": "GSPC"}
TICKS_SOURCE, HISTORY_SOURCE = 1, 900
SECOND = NANOSECONDS_PER_SECOND
ONLY_LIVE = ("candidate", "withdrawn")
"""States of a session in progress, of which daily closes know nothing."""
ASIDE = ("knowable_time", "provenance", "base_rate", "tags", "reasons", "previous_state")
"""Given from elsewhere, or known only to who watched the day."""


class Told(NamedTuple):
    """Daily events of one pair in the live sessions: by definition, episode and transition."""

    live: dict[tuple[Any, ...], dict[str, Any]]
    study: dict[tuple[Any, ...], dict[str, Any]]
    live_start: int
    study_start: int


def read_files(*parts: str) -> dict[str, pl.DataFrame]:
    """Daily files of both legs, one part after the other."""
    return {
        symbol: pl.concat(
            pl.read_csv(shared_data(f"daily/{name}{part}.csv"), try_parse_dates=True).select(
                "date", "close", pl.col("volume").cast(pl.Float64)
            )
            for part in parts
        )
        for symbol, name in FILES.items()
    }


def made_since_1978() -> dict[str, pl.DataFrame]:
    """A walk of two correlated legs over every session from 1978 to 1992; its greatest lead is in 1979."""
    calendar = build_calendar("XNYS", date(1978, 1, 3), date(1992, 6, 30))
    generator = np.random.default_rng(1978)
    common = generator.standard_t(4, len(calendar)) * 0.006
    own = generator.standard_t(4, len(calendar)) * 0.005
    own[300:305] = 0.03
    days = [date(1970, 1, 1) + timedelta(days=int(day)) for day in calendar.session]
    closes = {"RUT": 100 * np.exp(np.cumsum(common + own)), "SPX": 95 * np.exp(np.cumsum(common))}
    return {symbol: pl.DataFrame({"date": days, "close": close.round(2)}) for symbol, close in closes.items()}


def ticks_of(
    closes: Mapping[int, pl.DataFrame], calendar: Calendar, first: date, steps: int
) -> NDArray[np.void]:
    """Sessions as ticks: from the close before to the session's, evenly over the day, with marks."""
    log = LogBuilder()
    frames = list(closes.values())
    for index in np.flatnonzero(frames[0]["date"].to_numpy() >= np.datetime64(first)).tolist():
        row = calendar.row_of(session_day(frames[0]["date"][index]))
        opened, closed = int(calendar.open_ns[row]), int(calendar.close_ns[row])
        for step in range(1, steps + 1):
            at = opened + (closed - opened) * step // steps - SECOND
            log.mark(at - SECOND, TICKS_SOURCE)
            for number, frame in closes.items():
                before, close = float(frame["close"][index - 1]), float(frame["close"][index])
                price = close if step == steps else before + (close - before) * step / steps
                log.trade(at, number, price, 0.0, source=TICKS_SOURCE, update=Update.ALL & ~Update.VOLUME)
        log.mark(closed + 1_200 * SECOND, TICKS_SOURCE)
    return log.records


def key(data: Mapping[str, Any]) -> tuple[Any, ...]:
    return data["definition"], data["version"], data["episode"], data["transition"]


def told(events: list[Event], first: date) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Decided daily events since a day, without what differs by nature."""
    found = {}
    for event in events:
        if event.pair == PAIR and event.frequency == Frequency.DAY.label and event.state not in ONLY_LIVE:
            data = event_data(event)
            if str(data["event_time"]) >= str(first):
                found[key(data)] = {name: value for name, value in data.items() if name not in ASIDE}
    return found


@cache
def catalogue_text() -> str:
    return (resources.files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8")


def both_ways(frames: Mapping[str, pl.DataFrame], first: date, folder: Path) -> Told:
    """Study the whole history; and give a worker's engine what was before a day, and the rest as ticks."""
    (folder / "universe.toml").write_text(UNIVERSE)
    engine = engine_factory(Settings(universe_file=folder / "universe.toml"))(0, 1)
    universe: Universe = engine.world.universe
    calendar = engine.world.calendars[engine.world.calendar_row("XNYS")]
    closes = {universe.instrument(symbol).instrument_id: frame for symbol, frame in frames.items()}
    history = baseline_records(
        closes, universe, {"XNYS": calendar}, first - timedelta(days=1), HISTORY_SOURCE
    )
    live = run(engine, cut(np.concatenate([history, ticks_of(closes, calendar, first, 13)])))
    assert not live.dead_letters

    days = frames["RUT"]["date"]
    own = {"XNYS": build_calendar("XNYS", days[0], days[-1])}
    studied = HistoryRun(
        study_universe(frames, [Pair("RUT", "SPX")], "XNYS"), parse_catalogue(catalogue_text()), own, frames
    )
    events = [event for session in studied.sessions() for event in session.events]
    row = [pair.name for pair in engine.world.pairs].index(PAIR)
    return Told(
        told(live.events, first),
        told(events, first),
        int(engine.evaluator.days.history_start[row]),
        int(studied.engine.evaluator.days.history_start[0]),
    )


@pytest.fixture(scope="module")
def july(tmp_path_factory: pytest.TempPathFactory) -> Told:
    frames = {
        symbol: frame.filter(pl.col("date") <= date(2024, 7, 31))
        for symbol, frame in read_files("_1987_1989", "").items()
    }
    return both_ways(frames, date(2024, 7, 1), tmp_path_factory.mktemp("july"))


def assert_equal(found: Told) -> None:
    assert set(found.live) == set(found.study)
    for name, data in found.study.items():
        assert found.live[name] == data


def test_live_equals_study_on_july_2024_with_history_from_1987(july: Told) -> None:
    assert len(july.study) > 10
    assert july.live_start == july.study_start == session_day(date(1987, 9, 10))
    assert_equal(july)


def test_the_lead_of_october_1987_is_not_forgotten(july: Told) -> None:
    """The record before July 2024: 8.86 pp over five sessions, of 1987-10-19; since 1990 it was 8.80."""
    for events in (july.live, july.study):
        records = [data for data in events.values() if data["definition"] == "record_outperformance_5d"]
        first = next(data for data in records if data["event_time"] == "2024-07-16")
        assert first["values"]["relative_record_5d_pp"] == pytest.approx(8.861, abs=0.0005)
        assert first["values"]["relative_5d_pp"] == pytest.approx(9.922, abs=0.0005)
        assert first["first_since"]["openings"] == 0
        # Of one close before; a record is one only after 252 sessions.
        starts = {data["definition"]: data["first_since"]["history_start"] for data in events.values()}
        assert starts["opposite_day_up"] == min(starts.values()) == "1987-09-11"
        assert starts["record_outperformance_5d"] == "1988-09-15"


def test_live_equals_study_on_a_series_from_1978(tmp_path: Path) -> None:
    found = both_ways(made_since_1978(), date(1992, 4, 1), tmp_path)
    assert found.live_start == found.study_start == session_day(date(1978, 1, 3))
    assert len(found.study) > 10
    assert_equal(found)
