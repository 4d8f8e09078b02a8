"""Every record close while an episode is open is told, and says when the last one was.

Real closes of the Russell 2000 to July 2024; from there to the record of 2025-09-18 a constructed line that
stays below the record.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from consumers.study.inputs import read_inputs
from consumers.study.running import StudyResult, run_history
from core.events.events import Event
from core.model.instruments import Pair
from core.model.sessions import build_calendar, day_to_date
from core.research.rarity import NullPairs, count_rarity
from core.research.study_rates import study_base_rates
from core.runtime.files import CATALOGUE, read_text
from tests.support.shared_data import shared_data

pytestmark = pytest.mark.compiled

RECORD_DAY: Final = date(2025, 9, 18)
RECORD: Final = 2467.70
CLOSE_BEFORE: Final = 2407.28
"""2467.70 was a gain of 2.51 %."""


def real_closes(symbol: str) -> list[tuple[date, float]]:
    with shared_data(f"daily/{symbol}.csv").open(encoding="utf-8", newline="") as file:
        return [(date.fromisoformat(row["date"]), float(row["close"])) for row in csv.DictReader(file)]


def constructed(last: float, begin: date) -> list[tuple[date, float]]:
    """A line to the close before the record, session by session."""
    calendar = build_calendar("XNYS", begin, RECORD_DAY)
    days = [day for day in map(day_to_date, calendar.session.tolist()) if begin < day < RECORD_DAY]
    line = np.linspace(last, CLOSE_BEFORE, len(days) + 1)[1:].round(2).tolist()
    return [*zip(days, line, strict=True), (RECORD_DAY, RECORD)]


def write(path: Path, closes: list[tuple[date, float]]) -> Path:
    path.write_text("date,close\n" + "".join(f"{day},{close}\n" for day, close in closes), encoding="utf-8")
    return path


@cache
def russell() -> tuple[tuple[date, float], ...]:
    real = real_closes("RUT")
    return tuple(real + constructed(real[-1][1], real[-1][0]))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    """The shipped `record_high` over RUT against SPX."""
    folder = tmp_path_factory.mktemp("closes")
    numerator = list(russell())
    known = dict(real_closes("GSPC"))
    flat = known[max(known)]
    benchmark = [(day, known.get(day, flat)) for day, _ in numerator]
    blocks = read_text(None, CATALOGUE).split("[[definition]]")[1:]
    (entry,) = [block for block in blocks if 'id = "record_high"\n' in block]
    catalogue = folder / "catalogue.toml"
    catalogue.write_text("[[definition]]" + entry, encoding="utf-8")
    inputs = read_inputs(
        [f"RUT={write(folder / 'RUT.csv', numerator)}", f"SPX={write(folder / 'SPX.csv', benchmark)}"],
        [],
        ["RUT/SPX"],
        catalogue,
        "XNYS",
    )
    return run_history(inputs)


@pytest.fixture(scope="module")
def events(result: StudyResult) -> Sequence[Event]:
    return result.events


def record_closes() -> list[str]:
    """Days that closed above every earlier close, after the first 252 sessions."""
    highest, found = -1.0, []
    for number, (day, close) in enumerate(russell()):
        if close > highest and number >= 252:
            found.append(str(day))
        highest = max(highest, close)
    return found


def test_the_record_of_2025_names_the_last_record_close(events: Sequence[Event]) -> None:
    (opened,) = [event for event in events if event.event_time == str(RECORD_DAY)]
    assert opened.state == "opened"
    assert opened.first_since is not None
    assert opened.first_since["last_true"] == "2021-11-08"
    assert opened.first_since["previous_opening"] == "2021-11-02"
    assert opened.first_since["openings"] == sum(event.state == "opened" for event in events) - 1
    assert opened.first_since["sessions_true"] == len(record_closes()) - 1


def test_no_record_close_passes_in_silence_while_an_episode_is_open(events: Sequence[Event]) -> None:
    is_open, told, counts = False, {event.event_time: event for event in events}, Counter[str]()
    assert len(told) == len(events)
    records = set(record_closes())
    for day, _ in russell():
        event = told.get(str(day))
        if str(day) in records and is_open:
            assert event is not None, day
            counts[event.state] += 1
        if event is not None and event.state not in ("confirmed", "extended"):
            is_open = event.state == "opened"
    assert counts["extended"] > 400
    assert counts["confirmed"] > 20
    # On the 252nd session after an opening the episode's end is told, also of a record close.
    assert counts.keys() <= {"confirmed", "extended", "expired"}
    assert counts["expired"] <= 3


def test_what_would_open_if_nothing_were_open_is_told_instead(events: Sequence[Event]) -> None:
    """Record closes after a month under water: most open an episode, the others come while one is open."""
    peak, under, states = -1.0, 0, Counter[str]()
    told = {event.event_time: event.state for event in events}
    for number, (day, close) in enumerate(russell()):
        if close > peak:
            if under >= 21 and number >= 252:
                states[told[str(day)]] += 1
            peak, under = close, 0
        else:
            under += 1
    assert states["opened"] == sum(event.state == "opened" for event in events)
    assert states == {"opened": 31, "extended": 11}


def test_an_extension_is_no_opening_for_base_rates_and_nulls(result: StudyResult) -> None:
    """Neither changes when everything but openings is left out."""
    inputs, opened = result.inputs, [event for event in result.events if event.state == "opened"]
    null, start = NullPairs(Pair("RUT", "SPX"), {}, {}), str(russell()[0][0])
    last = [int(inputs.calendar.session[-1])]
    rows, counts = [], []
    for events in (result.events, opened):
        rates = study_base_rates(
            events, inputs.catalogue, inputs.universe, inputs.frames, inputs.calendar, resamples=20
        )
        rows.append(rates.columns(last).rows(0, 0))
        counts += count_rarity(events, inputs.catalogue, null, len(russell()), start)
    assert rows[0] == rows[1]
    assert max(row.n for row in rows[0]) == len(opened) - 1  # The latest has no outcome yet.
    assert [each.count for each in counts] == [len(opened)] * 2
