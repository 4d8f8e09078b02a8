"""`rotascope study report`: one page that stands by itself and says what the study says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from core.definitions.catalogue import parse_catalogue
from core.runtime.files import CATALOGUE, parsed
from tests.support.study_command import daily_frame, random_closes, session_dates, study, write_csv

COUNT = 400
JUMPS = (150, 300)
DATES = session_dates(date(2021, 1, 4), COUNT)
CATALOGUE_SHIPPED = parsed(None, CATALOGUE, parse_catalogue)
OPPOSITE_DAY = CATALOGUE_SHIPPED.get("opposite_day_up").title


@dataclass
class Page(HTMLParser):
    """What a page holds: tables by class, headings, and whatever a browser would fetch."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    policy: str = ""
    figures: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    verdict: list[str] = field(default_factory=list)
    captions: int = 0
    unscoped: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self._rows: list[list[str]] = []
        self._open = ""
        self._in_verdict = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag not in ("a", "code", "span"):
            self._open = tag
        if tag == "table":
            self._rows = self.tables.setdefault(given["class"], [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        elif tag == "caption":
            self.captions += 1
        elif tag == "svg" and given.get("class") == "chart":
            self.figures.append(given["aria-label"])
        elif tag == "path":
            self.lines.append(given["d"])
        elif tag == "p" and given.get("class") in ("opened", "rarity", "followed", "open"):
            self.verdict.append("")
        self.unscoped += tag == "th" and given.get("scope") not in ("row", "col")
        if tag not in ("span", "code"):
            self._in_verdict = tag == "p" and given.get("class") in ("opened", "rarity", "followed", "open")
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        self.fetched += [
            given[name] for name in ("src", "href") if name in given and not given[name].startswith("#")
        ]

    def handle_data(self, data: str) -> None:
        if self._in_verdict:
            self.verdict[-1] += data
        elif self._open in ("td", "th"):
            self._rows[-1][-1] += data
        elif self._open in ("h1", "h2", "h3") and data.strip():
            self.headings[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""
        if tag == "p":
            self._in_verdict = False


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
    assert f"wrote {out} (" in answer.err
    return out.read_text()


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    return page


def test_nothing_is_fetched_and_nothing_may_be(text: str) -> None:
    page = read(text)
    assert page.fetched == []
    assert page.policy.startswith("default-src 'none'")
    assert "script" not in page.policy
    assert "<script" not in text
    assert len(text.encode()) < 500_000
    assert page.headings[:3] == ["Rotascope study: S&L/BIG", "At a glance", "S&L against BIG"], "escaped"


def test_every_table_has_a_caption_and_scopes(text: str) -> None:
    page = read(text)
    assert page.captions == text.count("<table")
    assert page.unscoped == 0


def test_the_verdict_says_what_opened_how_rare_it_is_and_what_followed(
    text: str, bars: dict[str, Path], tmp_path: Path
) -> None:
    opened, rarity, followed, _ = read(text).verdict
    assert "in the last 21 sessions" in opened or "of the last 21 sessions" in opened
    assert f"since {DATES[0]}" in rarity
    assert "chance is not known: no simulated histories were given" in rarity
    assert "earlier case" in followed
    out, until = tmp_path / "then.html", str(DATES[JUMPS[1] + 3])
    chosen = ("--definition", "opposite_day_up", "--to", until)
    assert study("report", "--pair", "S&L/BIG", "--out", str(out), *chosen, bars=bars).code == 0
    opened, rarity, followed, still = read(out.read_text()).verdict
    assert opened.startswith(f"“{OPPOSITE_DAY}” opened on {DATES[JUMPS[1]]}, the rarest opening of the last ")
    assert rarity.startswith(f"2 openings since {DATES[0]}, ")
    assert f"the one before on {DATES[JUMPS[0]]}" in rarity
    assert followed.startswith("Over the next 20 sessions S&L was ahead of BIG in ")
    assert " of 1 earlier case" in followed, "the latest is not twenty sessions old"
    assert still == "Nothing is open now."
    assert f"As of the close of {until}" in out.read_text()


def test_rarity_stands_in_the_page_when_it_was_known(bars: dict[str, Path], tmp_path: Path) -> None:
    rarity, out = tmp_path / "rarity.json", tmp_path / "page.html"
    made = ("--simulations", "2", "--store", str(rarity))
    assert study("nulls", "--pair", "S&L/BIG", *made, bars=bars).code == 0
    given = ("--pair", "S&L/BIG", "--rarity", str(rarity), "--out", str(out))
    answer = study("report", *given, bars=bars)
    assert answer.code == 0, answer.err
    page = read(out.read_text())
    head, *rows = page.tables["rarity"]
    entries = {entry["definition"]: entry["rarity"] for entry in json.loads(rarity.read_text())["entries"]}
    assert head[3:5] == ["by chance, a year", "against chance"]
    told = {row[0].split()[-1]: row for row in rows}
    for definition, row in told.items():
        if definition in entries:
            rates = [null["per_year"] for null in entries[definition]["by_chance"].values()]
            assert row[3] == f"{min(rates):.2f} to {max(rates):.2f}"
            assert row[4] in ("more often", "less often", "about as often")
    assert "by chance" in page.verdict[1]
    out.unlink()
    early = study("report", *given, "--to", str(DATES[350]), bars=bars)
    assert (early.code, out.exists()) == (2, False)
    assert f"was known by {DATES[350]}" in early.err


def test_the_rarity_table_says_what_the_events_say(text: str, bars: dict[str, Path]) -> None:
    head, *rows = read(text).tables["rarity"]
    assert head[:2] == ["definition", "openings"]
    told = {row[0].split()[-1]: row for row in rows}
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


def test_what_is_open_now_is_what_the_events_leave_open(text: str, bars: dict[str, Path]) -> None:
    answer = study("events", "--pair", "S&L/BIG", "--format", "jsonl", bars=bars)
    state = {
        event["definition"]: event["state"]
        for event in answer.lines
        if event["frequency"] == "1d" and event["state"] != "candidate"
    }
    points = {each.definition_id for each in CATALOGUE_SHIPPED.definitions if each.point}
    left = {each for each, last in state.items() if last in ("opened", "confirmed", "extended")} - points
    assert left
    titles = {CATALOGUE_SHIPPED.get(each).title for each in left}
    assert {row[0] for row in read(text).tables["open"][1:]} == titles


def test_the_base_rate_table_has_the_figures_of_the_command(text: str, bars: dict[str, Path]) -> None:
    answer = study("base-rates", "--pair", "S&L/BIG", "--format", "json", bars=bars)
    stored = {
        (CATALOGUE_SHIPPED.get(row["definition"]).title, str(row["horizon_sessions"])): row
        for row in json.loads(answer.out)["base_rates"]
        if row["n"]
    }
    _, *rows = read(text).tables["rates"]
    assert {(row[0], row[1]) for row in rows} == set(stored)
    for row in rows:
        source = stored[row[0], row[1]]
        assert row[2:4] == [str(source["n"]), str(source["n_declustered"])]
        if source["difference_interval_pp"]:
            shown = " to ".join(f"{bound:.2f}" for bound in source["difference_interval_pp"])
            assert row[9] == shown.replace("-", "−")


def test_the_line_has_every_session_and_the_chart_says_so_in_words(text: str) -> None:
    page = read(text)
    (line,) = page.lines
    assert line.count("l") == COUNT - 1
    (told,) = page.figures
    assert told.startswith(f"Ratio of S&L to BIG, {DATES[0]} to {DATES[-1]}: from 100.0 to ")
    assert len(page.tables["episodes"]) == 1 + text.count('<g class="lane">')


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
    assert [row[0] for row in page.tables["rarity"][1:]] == [f"{OPPOSITE_DAY} opposite_day_up"]
    assert page.tables["rarity"][1][1] == "2", "what is not shown still counts"
    assert page.tables["episodes"][1:] == [[OPPOSITE_DAY, str(DATES[JUMPS[1]])]]
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
    missing = study("report", "--pair", "S&L/BIG", "--out", str(tmp_path), bars={"S&L": "no", "BIG": "no"})
    assert "it is a directory" in missing.err, "before anything is read"
