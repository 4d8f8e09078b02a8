"""What a person sees of a chaos run: what is going on, and a table at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.chaos.arena import RECOVERY_GOAL_S
from tests.chaos.round import Result

_WIDTH = 118


class Told:
    """A progress bar on a terminal, plain lines elsewhere; both on standard error.

    Args:
        total: Number of faults.
    """

    def __init__(self, total: int) -> None:
        self._started_s = time.monotonic()
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("chaos"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def __call__(self, text: str) -> None:
        """Say what is being done."""
        self._bar.update(self._task, description=text)
        if not sys.stderr.isatty():
            print(f"chaos {time.monotonic() - self._started_s:6.0f} s  {text}", file=sys.stderr, flush=True)

    def done(self, faults: int) -> None:
        """Count faults that are judged."""
        self._bar.advance(self._task, faults)


def print_results(results: Sequence[Result]) -> None:
    """One row a fault, in the order in which they happened."""
    table = Table(box=None, header_style="bold")
    table.add_column("seed", justify="right")
    table.add_column("fault", no_wrap=True)
    table.add_column("recovery", justify="right")
    table.add_column("longest stall", justify="right")
    table.add_column("events")
    for each in results:
        table.add_row(
            str(each.seed),
            each.fault,
            _seconds(each.recovery_s),
            _seconds(each.stall_s),
            each.outcome,
            style="red" if each.failed else None,
        )
    console = Console()
    console.width = max(console.width, _WIDTH)
    console.print(table)


def print_summary(results: Sequence[Result], rounds: int, failed_rounds: int) -> None:
    """The figures that count."""
    recoveries = [each.recovery_s for each in results if each.recovery_s is not None]
    slow = [each for each in results if each.recovery_s is None or each.recovery_s > RECOVERY_GOAL_S]
    kinds = len({each.fault for each in results})
    print(f"{len(results)} faults of {kinds} kinds in {rounds} rounds; {failed_rounds} broke a promise")
    if recoveries:
        recoveries.sort()
        print(
            f"recovery: median {recoveries[len(recoveries) // 2]:.1f} s, longest {recoveries[-1]:.1f} s "
            f"[goal ≤ {RECOVERY_GOAL_S:.0f} s: {'missed by ' + str(len(slow)) if slow else 'met'}]"
        )
    print(f"longest stall: {max((each.stall_s for each in results), default=0):.1f} s")


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
