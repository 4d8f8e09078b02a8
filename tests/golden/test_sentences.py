"""Every shipped sentence over real events: what it shows is what the event holds, to the digits shown."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
import pytest

from consumers.inspect.event_lines import event_row
from consumers.study.inputs import read_inputs
from consumers.study.running import run_history
from core.events.events import event_data
from deploy.demo.story import what_happened
from tests.support.sentence_reader import LEGS, SENTENCES, Data, check_sentence, needed
from tests.support.shared_data import shared_data

pytestmark = [pytest.mark.compiled, pytest.mark.slow, pytest.mark.timeout(900)]

FILES = {
    "RUT": "daily/RUT.csv", "GSPC": "daily/GSPC.csv", "IWM": "daily/IWM.csv", "SPY": "daily/SPY.csv",
    "NVDA": "daily/NVDA_yahoo.csv",
}  # fmt: skip
PAIRS = ("RUT/GSPC", "IWM/SPY", "NVDA/SPY")
NOT_IN_DAILY_HISTORY = {"spread_z_15m", "leg_unknown"}
"""Needs prices of minutes, and a halt or a gap in a feed."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Data]:
    """Every event of 35 years."""
    flows = tmp_path_factory.mktemp("flows") / "flow.csv"
    days = pl.read_csv(shared_data(FILES["IWM"]), infer_schema_length=None).to_series(0).to_list()
    # No file of flows is published; only that they change their sign matters here.
    made = np.random.default_rng(14).standard_t(4, len(days)).cumsum() * 1e7
    flows.write_text("date,flow\n" + "".join(f"{d},{f:.0f}\n" for d, f in zip(days, made, strict=True)))
    inputs = read_inputs(
        [f"{symbol}={shared_data(path)}" for symbol, path in FILES.items()],
        [f"DGS10={shared_data('rates/FRED_DGS.csv')}:DGS10", f"IWM_flow={flows}:flow"],
        PAIRS,
        None,
        "XNYS",
    )
    return [event_data(event) for event in run_history(inputs).events]


def of_definition(told: list[Data]) -> dict[str, list[Data]]:
    found: dict[str, list[Data]] = defaultdict(list)
    for data in told:
        found[data["definition"]].append(data)
    return found


def chosen(events: list[Data]) -> Iterator[Data]:
    """The first and the last event of every state."""
    states: dict[str, list[Data]] = defaultdict(list)
    for data in events:
        states[data["state"]].append(data)
    for same in states.values():
        yield from (same[0], same[-1])


def test_every_figure_of_every_sentence_is_the_events_own(told: list[Data]) -> None:
    by_definition = of_definition(told)
    opened = {name for name, events in by_definition.items() if any(e["state"] == "opened" for e in events)}
    assert set(SENTENCES) - opened == NOT_IN_DAILY_HISTORY
    checked = 0
    for events in by_definition.values():
        for data in chosen([each for each in events if "unknown" not in each["summary"]]):
            checked += check_sentence(data, {leg: data[leg] for leg in LEGS})
    assert checked > 1000


def test_nothing_is_called_unknown_that_the_event_knows(told: list[Data]) -> None:
    for data in told:
        assert ("unknown" in data["summary"]) == (None in needed(data)), data["summary"]


def test_every_line_has_both_legs_returns(told: list[Data]) -> None:
    for data in told:
        legs = [data["legs"][leg]["return_pct"] for leg in ("numerator", "benchmark")]
        assert None not in legs
        shown = f"{data['numerator']} {legs[0]:+.2f} %, {data['benchmark']} {legs[1]:+.2f} %".replace(
            "-0.00", "+0.00"
        )
        assert shown in event_row(data)
        assert shown in what_happened(data)


def test_summaries_are_short_and_say_since_when(told: list[Data]) -> None:
    for data in told:
        assert 0 < len(data["summary"]) <= 200
        assert "…" not in data["summary"]
        if data["state"] == "opened" and data["first_since"] is not None:
            assert re.search(r": first (since|in the history from) \d{4}-\d\d-\d\d", data["summary"])


def test_openings_a_year_are_the_openings_before_over_the_years(told: list[Data]) -> None:
    opened: dict[tuple[str, str], int] = defaultdict(int)
    rates = 0
    for data in told:
        if data["state"] != "opened":
            continue
        key = data["definition"], data["pair"]
        rate = data["openings_per_year"]
        if rate is None:
            assert data["reasons"]["openings_per_year"] in ("less than one year of history", "no history")
        else:
            start = date.fromisoformat(data["first_since"]["history_start"])
            years = (date.fromisoformat(data["event_time"]) - start).days / 365.25
            assert rate == pytest.approx(opened[key] / years, rel=1e-9, abs=1e-12)
            rates += 1
        opened[key] += 1
    assert rates > 1000
