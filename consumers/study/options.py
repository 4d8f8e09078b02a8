"""Options of `rotascope study` that several commands have."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.model.errors import InputError
from core.model.records import EventState
from core.model.suggestions import nearest
from core.runtime.daily_options import FileOptions
from core.runtime.files import write_bytes

if TYPE_CHECKING:
    from consumers.study.inputs import StudyInputs

State = StrEnum("State", {s.label: s.label for s in EventState if s.label != "idle"})  # type: ignore[misc]


class LineFormat(StrEnum):
    """Output format of events."""

    TABLE = "table"
    JSONL = "jsonl"


class TableFormat(StrEnum):
    """Output format of a result."""

    TABLE = "table"
    JSON = "json"


Bars = Annotated[
    list[str],
    typer.Option(
        "--bars",
        metavar="SYMBOL=FILE[:COLUMN]",
        help="Daily CSV, JSON or Parquet with columns date and close, or COLUMN in place of close; once per "
        "symbol. A symbol may contain '=', as in GC=F=gold.csv.",
    ),
]
Series = Annotated[
    list[str] | None,
    typer.Option(
        "--series",
        metavar="NAME=FILE[:COLUMN]",
        help="A rate in percent; or, if named SYMBOL_flow, a symbol's flow in currency. Repeatable.",
    ),
]
Pairs = Annotated[
    list[str],
    typer.Option("--pair", metavar="NUMERATOR/BENCHMARK", help="A pair of the symbols; once per pair."),
]
CatalogueFile = Annotated[
    Path | None,
    typer.Option("--catalogue", help="TOML file of definitions; default: Rotascope's own."),
]
CalendarName = Annotated[str, typer.Option("--calendar", help="Trading calendar: XNYS, 24/7, XTKS, …")]
Definitions = Annotated[
    list[str] | None, typer.Option("--definition", help="Print only this definition; repeatable.")
]
States = Annotated[list[State] | None, typer.Option("--state", help="Print only this state; repeatable.")]
From = Annotated[str | None, typer.Option("--from", metavar="DATE", help="Print from this date on.")]
To = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Print up to this date.")]

DrawnFrom = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="Draw from this date on; all days count.")
]
AsOf = Annotated[str | None, typer.Option("--to", metavar="DATE", help="As of this date: ignore later days.")]
RarityFile = Annotated[
    Path | None,
    typer.Option(
        "--rarity", help="Chance frequencies from 'study nulls --store', for events after its history."
    ),
]


def given_options(
    date_column: list[str] | None, date_format: list[str] | None, accept_jump: list[str] | None
) -> FileOptions:
    """File options of the command line, with the current time."""
    return FileOptions(date_column, date_format, accept_jump, time.time_ns())


def known_definitions(definitions: list[str] | None, inputs: StudyInputs) -> frozenset[str]:
    """Return the requested definitions; an unknown one is refused with the nearest name."""
    known = [each.definition_id for each in inputs.catalogue.definitions]
    for one in definitions or ():
        if one not in known:
            raise InputError(
                f"--definition {one!r}: the catalogue has no such definition"
                f"{nearest(one, known, list_all=True)}",
                operator_action="correct --definition",
            )
    return frozenset(definitions or ())


def write_result(file: Path, data: bytes) -> None:
    """Write a result, and say where it is."""
    write_bytes(file, data)
    typer.echo(f"wrote {file.absolute()} ({len(data):,} bytes)", err=True)
