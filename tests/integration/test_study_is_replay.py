"""The demo's days, told twice: tick by tick, and by `study events` on the daily bars that came of them."""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.events.events import Event, event_data
from core.model.sessions import build_calendars, day_to_date
from producers.replay.demo import demo_daily
from tests.support.demo_log import LAST_BASELINE_SESSION, demo_log, demo_universe
from tests.support.logs import Run, run
from tests.support.study_command import study

pytestmark = [pytest.mark.integration, pytest.mark.compiled, pytest.mark.slow, pytest.mark.timeout(600)]

FIRST, LAST = "2024-07-08", "2024-07-17"
ONLY_LIVE = ("candidate", "withdrawn")
"""States of a session in progress, of which daily bars know nothing."""

ASIDE = ("knowable_time", "provenance", "base_rate", "tags", "reasons")
"""What the two are given from elsewhere: the moment both legs were final, digests, artefacts."""


@cache
def replayed() -> Run:
    text = (resources.files("core") / "data" / "catalogue.toml").read_text(encoding="utf-8")
    calendars = build_calendars(["XNYS"], date(1990, 1, 1), date(2024, 12, 31))
    engine = PartitionEngine(demo_universe(), parse_catalogue(text), calendars, partition=0, partitions=1)
    return run(engine, demo_log(1)[0])


def decided_live() -> list[Event]:
    """What final day bars have decided."""
    return [event for event in replayed().events if event.frequency == "1d" and event.state not in ONLY_LIVE]


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The history the demo begins with, and behind it the days as the engine closed them."""
    folder = tmp_path_factory.mktemp("bars")
    history = demo_daily(LAST_BASELINE_SESSION)
    days = [bar for part in replayed().day_bars for bar in part]
    files = {}
    for instrument in demo_universe().instruments:
        own = [bar for bar in days if bar["instrument_id"] == instrument.instrument_id]
        assert len(own) == 8, instrument.symbol
        made = pl.DataFrame(
            {
                "date": [day_to_date(int(bar["session"])) for bar in own],
                "close": [int(bar["close"]) / 1e9 for bar in own],
            }
        )
        before = history.filter(pl.col("symbol") == instrument.symbol)
        file = folder / f"{instrument.symbol}.csv"
        pl.concat([before.select(pl.col("session").alias("date"), "close"), made]).write_csv(file)
        files[instrument.symbol] = file
    return files


def key(data: dict[str, Any]) -> tuple[Any, ...]:
    return data["pair"], data["definition"], data["version"], data["episode"], data["transition"]


def by_symbol(summary: str) -> str:
    """A sentence with the symbols of its instruments in place of their names."""
    for instrument in demo_universe().instruments:
        name = instrument.sentence_name or instrument.name
        summary = re.sub(rf"\b{re.escape(name)}\b", instrument.symbol, summary, flags=re.IGNORECASE)
    return summary


def test_the_daily_events_of_the_demo_are_those_of_its_daily_bars(bars: dict[str, Path]) -> None:
    pairs = [word for pair in demo_universe().pairs for word in ("--pair", pair.name)]
    answer = study("events", "--format", "jsonl", "--from", FIRST, "--to", LAST, *pairs, bars=bars)
    assert answer.code == 0, answer.err
    told = {key(line): line for line in answer.lines}
    live = {key(data): data for data in map(event_data, decided_live())}
    assert len(live) > 20
    assert ("RUT/SPX", "opposite_day_up") in {(data["pair"], data["definition"]) for data in live.values()}
    assert set(told) == set(live)
    for name, data in live.items():
        expected = {field: value for field, value in data.items() if field not in ASIDE}
        found = {field: value for field, value in told[name].items() if field not in ASIDE}
        if data["previous_state"] == "candidate":
            # The day had been watched before it was decided.
            expected["previous_state"] = found["previous_state"]
        # A study knows its files by symbol only.
        expected["summary"] = by_symbol(str(expected["summary"]))
        assert found == expected
