"""`rotascope study report`: one page that stands by itself and says what the study says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.support.study_command import daily_frame, random_closes, session_dates, study, write_csv

COUNT = 400
JUMPS = (150, 300)
DATES = session_dates(date(2021, 1, 4), COUNT)


@dataclass
class Page(HTMLParser):
    """What a page holds: tables by class, headings, and whatever a browser would fetch."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    policy: str = ""
    figures: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._rows: list[list[str]] = []
        self._open = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self._open = tag
        if tag == "table":
            self._rows = self.tables.setdefault(given["class"], [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        elif "plotly-graph-div" in given.get("class", ""):
            self.figures.append(given["id"])
        elif tag in ("h1", "h2", "h3"):
            self.headings.append("")
        self.fetched += [
            given[name] for name in ("src", "href") if name in given and not given[name].startswith("#")
        ]

    def handle_data(self, data: str) -> None:
        if self._open in ("td", "th"):
            self._rows[-1][-1] += data
        elif self._open in ("h1", "h2", "h3") and data.strip():
            self.headings[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("report")
    small, big = (100 + (random_closes(COUNT, seed) - 100) / 50 for seed in (1, 2))
    for jump in JUMPS:
        small[jump:] *= 1.04 * small[jump - 1] / small[jump]
        big[jump:] *= 0.99 * big[jump - 1] / big[jump]
    return {
        symbol: write_csv(folder, symbol, daily_frame(DATES, np.round(closes, 6)))
        for symbol, closes in (("S&L", small), ("BIG", big))
    }


@pytest.fixture(scope="module")
def text(bars: dict[str, Path]) -> str:
    out = bars["BIG"].parent / "page.html"
    answer = study("report", "--pair", "S&L/BIG", "--out", str(out), bars=bars)
    assert (answer.code, answer.out) == (0, ""), answer.err
    return out.read_text()


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    return page


def test_nothing_is_fetched_and_nothing_may_be(text: str) -> None:
    page = read(text)
    assert page.fetched == []
    assert page.policy.startswith("default-src 'none'")
    assert "http" not in page.policy
    assert page.headings[:2] == ["Rotascope study: S&L/BIG", "S&L/BIG"], "names are escaped"


def test_the_rarity_table_says_what_the_events_say(text: str, bars: dict[str, Path]) -> None:
    head, *rows = read(text).tables["rarity"]
    assert head[:2] == ["definition", "openings"]
    told = {row[0]: row for row in rows}
    answer = study("events", "--pair", "S&L/BIG", "--state", "opened", "--format", "jsonl", bars=bars)
    openings: dict[str, list[str]] = {}
    for event in answer.lines:
        if event["frequency"] == "1d":
            openings.setdefault(event["definition"], []).append(event["event_time"])
    assert set(told) == set(openings)
    for definition, times in openings.items():
        before = times[-2] if len(times) > 1 else "none"
        assert told[definition][1] == str(len(times))
        assert told[definition][3:5] == [times[-1], before]
    assert told["opposite_day_up"][3:5] == [str(DATES[JUMPS[1]]), str(DATES[JUMPS[0]])]
    assert [int(row[1]) for row in rows] == sorted(int(row[1]) for row in rows), "the rarest first"


def test_the_base_rate_table_has_the_figures_of_the_command(text: str, bars: dict[str, Path]) -> None:
    answer = study("base-rates", "--pair", "S&L/BIG", "--format", "json", bars=bars)
    stored = {
        (row["definition"], str(row["horizon_sessions"])): row
        for row in json.loads(answer.out)["base_rates"]
        if row["n"]
    }
    _, *rows = read(text).tables["rates"]
    assert {(row[0], row[1]) for row in rows} == set(stored)
    for row in rows:
        source = stored[row[0], row[1]]
        assert row[2:4] == [str(source["n"]), str(source["n_declustered"])]
        assert row[-1] == source["wording"]
        if source["difference_interval_pp"]:
            assert row[9] == " … ".join(f"{bound:.2f}" for bound in source["difference_interval_pp"])


def test_the_line_and_its_marks_stand_where_they_belong(text: str) -> None:
    page = read(text)
    assert page.figures[0] == "ratio-0"
    (call,) = re.findall(r'Plotly\.newPlot\(\s*"ratio-0",\s*(\[.*?\]),\s*\{"', text, re.DOTALL)
    traces = {trace["name"]: trace for trace in json.loads(call)}
    line = traces["S&L/BIG"]
    assert (len(line["x"]), line["x"][0], line["y"][0]) == (COUNT, str(DATES[0]), 100.0)
    marks = traces["opposite_day_up (2)"]
    assert marks["x"] == [str(DATES[jump]) for jump in JUMPS]
    assert marks["y"] == [line["y"][jump] for jump in JUMPS]
    assert f"previous: {DATES[JUMPS[0]]}" in marks["text"][1]


def test_the_same_files_give_the_same_page_and_a_choice_shows_less(
    text: str, bars: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "again.html"
    answer = study("report", "--pair", "S&L/BIG", "--out", str(out), bars=bars)
    assert answer.code == 0
    assert f"wrote {out} (" in answer.err
    assert out.read_text() == text
    first = str(DATES[200])
    chosen = ("--definition", "opposite_day_up", "--from", first)
    assert study("report", "--pair", "S&L/BIG", "--out", str(out), *chosen, bars=bars).code == 0
    page = read(out.read_text())
    assert [row[0] for row in page.tables["rarity"][1:]] == ["opposite_day_up"]
    assert page.tables["rarity"][1][1] == "2", "what is not shown still counts"
    assert f"200 sessions, {first}" in out.read_text()


def test_unusable_input_ends_with_2_and_writes_nothing(bars: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    for arguments, told in (
        (("--definition", "opposite_day_upp"), "--definition 'opposite_day_upp': the catalogue has no such "),
        (("--from", "2022-02-30"), "--from"),
        (("--from", "2022-02-03", "--to", "2022-02-02"), "is after"),
    ):
        answer = study("report", "--pair", "S&L/BIG", "--out", str(out), *arguments, bars=bars)
        assert (answer.code, out.exists()) == (2, False), told
        assert told in answer.err
    file = tmp_path / "no" / "page.html"
    answer = study("report", "--pair", "S&L/BIG", "--out", str(file), bars=dict.fromkeys(bars, "none.csv"))
    assert answer.code == 2
    assert f"--out {file} cannot be written: there is no directory" in answer.err, "before any file is read"
