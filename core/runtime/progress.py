"""Progress on standard error: a bar on a terminal, lines elsewhere where the work is long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from core.runtime.line_budget import LineBudget

LINES_EVERY_S: Final = 10.0
"""Shortest time between two lines of work that takes minutes."""


@contextmanager
def progress(title: str, *, lines_every_s: float | None = None) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal, and lines or nothing elsewhere.

    Args:
        title: What is done.
        lines_every_s: Without a terminal, write a line at most this often; None for no lines.

    Yields:
        A function that takes the work done and the total.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _silent if lines_every_s is None else progress_lines(title, lines_every_s)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _silent(done: int, total: int) -> None:
    """Say nothing."""


def progress_lines(
    title: str, every_s: float, monotonic_s: Callable[[], float] = time.monotonic
) -> Callable[[int, int], None]:
    """Return a function that writes how much is done and how long the rest takes, at most so often.

    Args:
        title: What is done.
        every_s: Shortest time before and between lines.
        monotonic_s: Monotonic clock, s.
    """
    started_s = monotonic_s()
    budget = LineBudget(every_s)
    budget.spend(started_s)

    def write(done: int, total: int) -> None:
        now_s = monotonic_s()
        if done and budget.take(now_s):
            left_s = (now_s - started_s) * (total - done) / done
            typer.echo(f"{title}: {done:,} of {total:,}, about {left_s:,.0f} s left", err=True)

    return write
