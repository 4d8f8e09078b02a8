"""Openings and endings of every shipped rule over real history, against its text read by plain Python."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from consumers.study.inputs import StudyInputs, read_inputs
from consumers.study.running import run_history
from core.definitions.rules import known_outputs, value_name
from core.model.records import Quality
from core.model.sessions import day_to_date
from core.research.study import HistoryRun
from core.runtime.files import CATALOGUE, read_text
from tests.oracles.rules import Life
from tests.support.shared_data import shared_data

pytestmark = pytest.mark.compiled

FIRST = date(2015, 1, 1)
FILES = {"IWM": "daily/IWM.csv", "QQQ": "daily/QQQ_yahoo.csv"}
RATE = "rates/FRED_DGS.csv"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> StudyInputs:
    folder = tmp_path_factory.mktemp("closes")
    cut = {name: cut_file(folder, name, path) for name, path in {**FILES, "DGS10": RATE}.items()}
    return read_inputs(
        [f"{symbol}={cut[symbol]}" for symbol in FILES],
        [f"DGS10={cut['DGS10']}:DGS10"],
        ["IWM/QQQ"],
        None,
        "XNYS",
    )


def cut_file(folder: Path, name: str, path: str) -> Path:
    """The file from the first day on."""
    frame = pl.read_csv(shared_data(path), infer_schema_length=None)
    frame = frame.filter(pl.col(frame.columns[0]).str.slice(0, 10) >= str(FIRST))
    file = folder / f"{name}.csv"
    frame.write_csv(file)
    return file


class Reader:
    """Reads every rule's text against the values of each session."""

    def __init__(self) -> None:
        entries = tomllib.loads(read_text(None, CATALOGUE))["definition"]
        self.lives = {entry["id"]: Life(entry) for entry in entries}
        self.told: list[tuple[str, str, str]] = []
        self._finished = 0

    def __call__(self, run: HistoryRun, session: int) -> None:
        evaluator = run.engine.evaluator
        finished = int(evaluator.days.counts[0])
        if finished == self._finished:  # A session that the pair did not have.
            return
        self._finished = finished
        known = {}
        for key in known_outputs():
            values, quality = evaluator.columns[key]
            known[key] = known[value_name(key)] = (float(values[0]), Quality(int(quality[0])).label)
        for definition, life in self.lives.items():
            state = life.step(known)
            if state is not None:
                self.told.append((str(day_to_date(session)), definition, state))


def test_every_shipped_rule_says_what_its_text_says(
    inputs: StudyInputs, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = Reader()
    result = run_history(inputs, after_session=reader)
    rules = reader.lives.keys()
    told = [(e.event_time, e.definition, e.state) for e in result.events if e.definition in rules]
    assert told == reader.told
    counts = Counter(state for _, _, state in told)
    with capsys.disabled():
        print(f"\ntransitions of {len(rules)} rules since {FIRST}: {dict(counts)}")
    assert set(counts) == {"opened", "confirmed", "resolved", "faded", "invalidated", "expired", "extended"}
    assert min(counts.values()) >= 10
