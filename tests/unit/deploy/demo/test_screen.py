"""The live screen: what can be read on it, and that it fits the terminal."""

from __future__ import annotations

import io

from rich.console import Console

from deploy.demo.board import WINDOWS
from deploy.demo.fitting import fitting_columns, whole_words
from deploy.demo.progress import Progress
from deploy.demo.screen import GLOSSARY, WIDE, Screen, latest
from tests.support.demo_events import read_back, story_of_2024_07_11
from tests.support.sample_events import candidate, opposite_day

PAIRS = tuple((f"P{number}/SPX",) for number in range(10))
PROGRESS = Progress(
    phase="playing",
    metrics_url="http://127.0.0.1:9464/metrics",
    trades=26_371,
    trades_sent=12_000,
    clock_ns=1_720_708_440_000_000_000,
    ticks=100_000,
    frames=2_000,
    ticks_per_s=12_345.0,
    lag_records=7,
    lag_s=3.0,
    strength={
        (*PAIRS[0], "1d"): 3.31,
        (*PAIRS[1], "1d"): -1.23,
        (*PAIRS[2], "1d"): 0.001,
        (*PAIRS[9], "252d"): 126.03,
    },
    ratios=dict.fromkeys(PAIRS, 0.3712),
)


def shown(progress: Progress, *, width: int = 140, height: int = 45) -> list[str]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, height=height, color_system=None)
    screen = Screen(console)
    screen.show(progress)
    for event in story_of_2024_07_11():
        screen.event(event)
    # What Live would draw, without its cursor movements.
    console.print(screen.picture())
    return stream.getvalue().splitlines()


def test_it_shows_clock_strength_events_rate_and_lag() -> None:
    lines = shown(PROGRESS)
    text = "\n".join(lines)
    assert "Thu 2024-07-11  14:34:00 UTC" in text
    assert "12,000 of 26,371 trades" in text
    assert "12,345" in text
    assert "7 frames, 3 s" in text
    row = next(line for line in lines if "P0/SPX" in line)
    assert row.split()[:3] == ["P0/SPX", "0.3712", "·"]
    assert "+3.31" in row
    assert "-1.23" in next(line for line in lines if "P1/SPX" in line)
    opened = next(line for line in lines if " opened " in line)
    assert "RUT +3.57 %, SPX -0.88 %" in opened
    assert "0.03 a year" in opened
    assert "Small caps rose 3.57 % while large caps fell 0.88 %" in opened


def test_before_the_first_mark_there_is_no_board() -> None:
    text = "\n".join(shown(Progress(phase="compiling kernels: 3 so far")))
    assert "no event time yet" in text
    assert "compiling kernels: 3 so far" in text
    assert "relative strength" not in text


def windows_at(width: int) -> list[str]:
    lines = shown(PROGRESS, width=width, height=32)
    head = next(line for line in lines if line.split()[:1] == ["pair"])
    return [name for name in head.split() if name in WINDOWS]


def test_a_wider_terminal_only_adds_columns() -> None:
    before: set[str] = set()
    for width in range(24, 140, 4):
        chosen = windows_at(width)
        assert chosen == [name for name in WINDOWS if name in chosen], "in the order of time"
        assert before <= set(chosen), f"at {width} columns"
        before = set(chosen)
    assert windows_at(WIDE) == list(WINDOWS)
    assert {"1d", "5d", "21d", "252d"} <= set(windows_at(80))
    for width in (80, WIDE - 1, WIDE):
        events = [line for line in shown(PROGRESS, width=width, height=32) if " opened " in line]
        assert events
        assert all("RUT +3.57 %," in line and " -0.88 %" in line for line in events)


def test_dots_ticks_and_trades_are_explained() -> None:
    text = "\n".join(shown(PROGRESS))
    assert "· not known yet" in text
    assert GLOSSARY in text


def test_words_and_columns_are_whole() -> None:
    assert whole_words("RUT +3.57 %, SPX -0.88 %", 8) == "RUT …"
    assert fitting_columns({"a": 3, "b": 3}, 9, ["a", "b"]) == ["a"]
    for width in range(1, 40):
        cut = whole_words("RUT 2,125.04 above its 2,124.55 high", width)
        assert len(cut) <= width
        assert set(cut.removesuffix("…").split()) <= {"RUT", "2,125.04", "above", "its", "2,124.55", "high"}


def test_what_has_opened_stays_longer_than_what_has_not() -> None:
    opened, other = read_back(opposite_day()), read_back(candidate())
    assert latest([opened, *[other] * 9], 4) == [opened, other, other, other]
    assert latest([opened, opened, opened, *[other] * 3], 4) == [opened, opened, other, other]
    common = read_back(opposite_day(openings_per_year=12.0))
    assert latest([opened, common, common, *[other] * 9], 2) == [opened, other]
    assert latest([common, opened, *[other] * 9], 2) == [opened, other]
    assert latest([opened, other], 1) == [other]
    assert latest([opened] * 9, 4) == [opened] * 4
    assert latest([other, opened], 4) == [other, opened]
    assert latest([], 4) == []


def test_it_leaves_the_last_picture_and_restores_the_terminal() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, height=40)
    with Screen(console) as screen:
        screen.milestone("worker started")
        screen.show(PROGRESS)
    output = stream.getvalue()
    assert "worker started" in output
    assert "P9/SPX" in output
    assert output.rindex("\x1b[?25h") > output.rindex("\x1b[?25l"), "the cursor is visible again"
