"""`rotascope demo`: runs eight recorded days through all of Rotascope."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from core.runtime.exit_codes import exit_codes
from core.runtime.signals import stopped_by_signals
from deploy.demo.lines import JsonView, PlainView
from deploy.demo.orchestrator import Options, run_demo
from deploy.demo.progress import View

WATCHABLE_SPEED: Final = 9_000.0
"""On a terminal: one session in two to three seconds, the eight days in about twenty."""

app = typer.Typer(help="Run all of Rotascope on recorded data.")


class Format(StrEnum):
    """Output format of the run."""

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
            help="Use this Kafka, whose topics must be empty; default: an embedded broker.",
        ),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Recorded seconds per second; 0: as fast as it is read. "
            f"Default: {WATCHABLE_SPEED:,.0f} on a terminal, otherwise 0.",
        ),
    ] = None,
    keep_seconds: Annotated[
        float,
        typer.Option(
            min=0, help="Keep everything running for this long after the recording; Ctrl-C ends it."
        ),
    ] = 0.0,
    closes: Annotated[
        Path | None,
        typer.Option(help="CSV of daily closes (symbol,date,close) instead of the shipped ones."),
    ] = None,
    output: Annotated[
        Format, typer.Option("--format", help="auto: a live screen on a terminal, plain lines elsewhere.")
    ] = Format.AUTO,
) -> None:
    """Play 2024-07-08 to 07-17 through replay server, producer, Kafka and worker.

    Each runs as a separate process, started as in normal operation. On
    2024-07-11 small caps rose 3.57 % while the S&P 500 fell 0.88 %: the
    event becomes a candidate during the day and opens at the close.
    The first start compiles the kernels, which takes about a minute.

    Examples:
      rotascope demo
      rotascope demo --speed 3000
      rotascope demo --keep-seconds 300
      rotascope demo --bootstrap-servers 127.0.0.1:9092
      rotascope demo --format json | jq 'select(.kind == "event") | .data'

    Exit codes: 0 done; 1 a program failed, and its output is shown; 2 invalid
    input; 130 Ctrl-C.
    """
    on_screen = output is Format.SCREEN or (output is Format.AUTO and sys.stdout.isatty())
    if speed is None:
        speed = WATCHABLE_SPEED if on_screen else 0.0
    with exit_codes(), stopped_by_signals():
        run_demo(Options(bootstrap_servers, speed, closes, keep_seconds), _view(output, on_screen))


def _view(output: Format, on_screen: bool) -> View:
    if output is Format.JSON:
        return JsonView(sys.stdout)
    if on_screen:
        from deploy.demo.screen import Screen

        return Screen(Console())
    return PlainView(sys.stdout)
