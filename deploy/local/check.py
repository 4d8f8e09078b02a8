"""`rotascope check`: reads the same inputs as the programs, and explains errors in them."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from core.runtime.exit_codes import EXIT_INPUT
from core.runtime.settings import SETTINGS_VARIABLE
from deploy.local.checks import Result, Severity, check_everything

app = typer.Typer(help="Explain errors in settings, universe, catalogue and history.")


class CheckFormat(StrEnum):
    """Output format of the results."""

    TEXT = "text"
    JSON = "json"


@app.command()
def check(
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings", envvar=SETTINGS_VARIABLE, help="TOML file of settings; flags take precedence."
        ),
    ] = None,
    universe_file: Annotated[
        Path | None,
        typer.Option("--universe", help="TOML file of instruments and pairs; default: the demo's."),
    ] = None,
    catalogue_file: Annotated[
        Path | None,
        typer.Option("--catalogue", help="TOML file of definitions; default: Rotascope's own."),
    ] = None,
    history: Annotated[
        list[str] | None, typer.Option("--history", help="SYMBOL=FILE, daily CSV or Parquet; repeatable.")
    ] = None,
    output: Annotated[CheckFormat, typer.Option("--format", help="Text for people, JSON for programs.")] = (
        CheckFormat.TEXT
    ),
) -> None:
    """Read settings, universe, catalogue, calendars and history; start nothing.

    Settings are collected as by every program: the file, then ROTASCOPE_…
    variables, then flags. A problem would stop a program from starting;
    a note would be ignored.

    Exit codes: 0 no problem; 2 at least one.

    Examples:
      rotascope check
      rotascope check --settings rotascope.toml
      rotascope check --universe universe.toml --history RUT=RUT.csv
    """
    files = {"universe_file": universe_file, "catalogue_file": catalogue_file}
    results = list(check_everything(settings_file, files, history or ()))
    if output is CheckFormat.JSON:
        typer.echo(json.dumps([asdict(result) for result in results], indent=2))
    else:
        _print(results)
    problems = sum(result.level is Severity.PROBLEM for result in results)
    if problems:
        typer.echo(f"error: {problems} {'problem' if problems == 1 else 'problems'}", err=True)
        raise typer.Exit(EXIT_INPUT)


def _print(results: list[Result]) -> None:
    width = max(len(result.subject) for result in results)
    for result in results:
        typer.echo(f"{result.level.value:<8} {result.subject:<{width}}  {result.text}")
        if result.operator_action is not None:
            typer.echo(f"{'':<8} {'':<{width}}  Operator action: {result.operator_action}")
