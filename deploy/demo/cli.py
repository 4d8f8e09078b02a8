"""`rotascope demo`: eight recorded days through the whole of Rotascope, in one command."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from core.runtime.exit_codes import exit_codes
from core.runtime.signals import unwound_by_signals
from deploy.demo.lines import JsonView, PlainView
from deploy.demo.orchestrator import Options, run_demo
from deploy.demo.progress import View

WATCHABLE_SPEED: Final = 9_000.0
"""On a terminal: a session in two to three seconds, the eight days in some twenty."""

app = typer.Typer(help="See all of Rotascope at work on recorded data.")


class Format(StrEnum):
    """How the run is told."""

    AUTO = "auto"
    SCREEN = "screen"
    PLAIN = "plain"
    JSON = "json"


@app.command()
def demo(
    bootstrap_servers: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT[,…]",
            help="Run on this Kafka, whose topics must be empty; none: on a broker inside the process.",
        ),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Seconds of the recording a second; 0: as fast as it is read. "
            f"Default: {WATCHABLE_SPEED:,.0f} on a screen, else 0.",
        ),
    ] = None,
    keep_seconds: Annotated[
        float,
        typer.Option(min=0, help="Leave all of it up so long after the recording; Ctrl-C ends it sooner."),
    ] = 0.0,
    closes: Annotated[
        Path | None,
        typer.Option(help="CSV of daily closes (symbol,date,close) in place of the recorded ones."),
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", help="auto: a screen on a terminal, plain lines elsewhere.")
    ] = Format.AUTO,
) -> None:
    """Play 2024-07-08 to 07-17 through replay server, producer, Kafka, worker.

    Each is a process of its own, started as you would start it. On
    2024-07-11 small caps rose 3.57 % while the S&P 500 fell 0.88 %: watch
    the event build up during the day, and open at the close.

    Kernels are compiled on the first start, which takes about a minute.

    Examples:
      rotascope demo
      rotascope demo --speed 3000
      rotascope demo --keep-seconds 300
      rotascope demo --bootstrap-servers 127.0.0.1:9092
      rotascope demo --format json | jq 'select(.kind == "event") | .data'

    Exit codes: 0 done; 1 a program failed, and what it said is shown; 2 input
    cannot be used; 130 Ctrl-C.
    """
    on_screen = output is Format.SCREEN or (output is Format.AUTO and sys.stdout.isatty())
    if speed is None:
        speed = WATCHABLE_SPEED if on_screen else 0.0
    with exit_codes(), unwound_by_signals():
        run_demo(Options(bootstrap_servers, speed, closes, keep_seconds), _view(output, on_screen))


def _view(output: Format, on_screen: bool) -> View:
    if output is Format.JSON:
        return JsonView(sys.stdout)
    if on_screen:
        from deploy.demo.screen import Screen

        return Screen(Console())
    return PlainView(sys.stdout)
