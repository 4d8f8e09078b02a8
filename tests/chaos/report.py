"""What a person sees of a chaos run: what is going on, and a table at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.chaos.arena import RECOVERY_GOAL_S
from tests.chaos.mutations import Mutation
from tests.chaos.round import Judgement, Result

_WIDTH = 118


class Told:
    """A progress bar on a terminal, plain lines elsewhere; both on standard error."""

    def __init__(self) -> None:
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
        self._task = self._bar.add_task("", total=None)

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

    def total(self, faults: int) -> None:
        """Say how many faults there will be."""
        self._bar.update(self._task, total=faults)

    def done(self, faults: int) -> None:
        """Count faults that are judged."""
        self._bar.advance(self._task, faults)


def told_of(result: Result) -> str:
    """One fault in a line."""
    recovery, stall = _seconds(result.recovery_s), _seconds(result.stall_s)
    return f"{result.fault}: recovery {recovery}, longest stall {stall}, {result.outcome}"


def print_mutations(found: Mapping[Mutation, Judgement]) -> None:
    """One row a rule that was taken out."""
    table = Table(box=None, header_style="bold")
    for name in ("without", "fault", "the oracle says", ""):
        table.add_column(name)
    for mutation, judgement in found.items():
        table.add_row(
            mutation.name,
            mutation.fault,
            str(judgement.differences),
            "caught" if judgement.differs else "NOT caught",
            style=None if judgement.differs else "red",
        )
    _print(table)


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
    _print(table)


def print_summary(results: Sequence[Result], rounds: int, failed_rounds: int) -> None:
    """The figures that count."""
    recoveries = [each.recovery_s for each in results if each.recovery_s is not None]
    slow = [each for each in results if each.recovery_s is None or each.recovery_s > RECOVERY_GOAL_S]
    kinds = len({each.fault for each in results})
    seeds = len({each.seed for each in results})
    print(
        f"{len(results)} faults of {kinds} kinds under {seeds} seeds in {rounds} rounds; "
        f"{failed_rounds} rounds not equal"
    )
    if recoveries:
        recoveries.sort()
        print(
            f"recovery: median {recoveries[len(recoveries) // 2]:.1f} s, longest {recoveries[-1]:.1f} s "
            f"[goal ≤ {RECOVERY_GOAL_S:.0f} s: {'missed by ' + str(len(slow)) if slow else 'met'}]"
        )
    print(f"longest stall: {max((each.stall_s for each in results), default=0):.1f} s")


def _print(table: Table) -> None:
    console = Console()
    console.width = max(console.width, _WIDTH)
    console.print(table)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
