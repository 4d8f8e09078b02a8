"""The live screen on a real pseudo-terminal: whole columns, whole figures, and nothing left by a new size."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.demo.board import WINDOWS
from tests.support.terminal import TerminalScreen, read_for, set_size

CHECKOUT = Path(__file__).resolve().parents[4]
SIZES = [(80, 24), (124, 40), (60, 20), (200, 50), (40, 16), (30, 14)]
TINY = [(24, 10), (12, 6)]
PATIENCE_S = 60.0
SETTLE_S = 1.5
PROGRAM = """
import sys
from rich.console import Console
from deploy.demo.screen import Screen
from tests.support.demo_events import story_of_2024_07_11
from tests.unit.deploy.demo.test_screen import PROGRESS
with Screen(Console()) as screen:
    screen.milestone("worker started")
    screen.show(PROGRESS)
    for event in story_of_2024_07_11():
        screen.event(event)
    sys.stdin.readline()
"""


class OnTerminal:
    """The screen's program on a pseudo-terminal, and what is to be seen."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int, screen: TerminalScreen) -> None:
        self.process, self.descriptor, self.screen = process, descriptor, screen

    def until(self, text: str) -> list[str]:
        """Read until a text is on the screen and the frame is whole."""
        for _ in range(int(PATIENCE_S / SETTLE_S)):
            self.screen.feed(read_for(self.descriptor, SETTLE_S))
            if any(text in line for line in self.screen.lines()):
                return self.screen.lines()
        raise AssertionError(f"no {text!r} on {self.screen.lines()}")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, and let the program draw."""
        self.screen.feed(read_for(self.descriptor, 0.01))
        set_size(self.descriptor, columns, rows)
        self.screen.resize(columns, rows)


@contextmanager
def on_terminal(columns: int, rows: int) -> Iterator[OnTerminal]:
    controller, terminal = pty.openpty()
    set_size(controller, columns, rows)
    environ = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=CHECKOUT,
        env=environ | {"TERM": "xterm-256color"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        close_fds=True,
        start_new_session=True,
    )
    os.close(terminal)
    try:
        yield OnTerminal(process, controller, TerminalScreen(columns, rows))
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def require_whole(lines: list[str], columns: int) -> None:
    """Fail where a column is cut: a heading without its figures, a figure without its digits."""
    head = next(line for line in lines if line.split()[:1] == ["pair"])
    named = head.split()
    shown = [name for name in named if name in WINDOWS]
    rows = [line for line in lines if re.match(r" ?P\d/SPX", line)]
    assert rows
    for row in rows:
        cells = row.split()
        assert len(cells) == len(named), f"{row!r} under {head!r}"
        for cell in cells[1:]:
            assert re.fullmatch(r"·|0\.00|[+-]\d+\.\d\d|0\.3712", cell), f"{cell!r} is cut"
    assert all(len(line) <= columns for line in lines)
    assert "1d" in shown


def test_at_every_size_columns_and_figures_are_whole_and_a_new_size_leaves_nothing_behind() -> None:
    first, *others = SIZES
    with on_terminal(*first) as terminal:
        lines = terminal.until("P0/SPX")
        require_whole(lines, first[0])
        assert any("+126.03" in line for line in lines), "the figure that was once cut to +126"
        for columns, rows in others:
            terminal.resize(columns, rows)
            lines = terminal.until("P0/SPX")
            require_whole(lines, columns)
            assert sum("Rotascope" in line for line in lines) == 1, "a fragment of another size"
            assert sum(line.split()[:1] == ["pair"] for line in lines) == 1
            tops = sum(line.startswith("╭") for line in lines)
            assert tops == sum(line.startswith("╰") for line in lines) == 2
        os.write(terminal.descriptor, b"\n")
        terminal.screen.feed(read_for(terminal.descriptor, PATIENCE_S))
        assert not terminal.screen.is_alternate
        assert "worker started" in "\n".join(terminal.screen.normal)
        assert "P0/SPX" in "\n".join(terminal.screen.normal)
        assert terminal.process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(("columns", "rows"), [*SIZES, *TINY])
def test_the_picture_is_never_larger_than_the_terminal(columns: int, rows: int) -> None:
    from tests.unit.deploy.demo.test_screen import PROGRESS, shown

    lines = shown(PROGRESS, width=columns, height=rows)
    assert len(lines) <= rows
    assert max(map(len, lines)) <= columns
