"""`rotascope values cat`: prints the values of pairs that workers publish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from consumers.inspect import value_lines
from consumers.inspect.printing import TailFormat, Tally, line_format, polite_end, print_records, report
from consumers.inspect.reading import (
    Embedded,
    FromBeginning,
    Maximum,
    Servers,
    SettingsFile,
    Style,
    UntilEnd,
    kafka_settings,
    present_topics,
    reading,
)
from core.kafka.records import Record
from core.model.errors import InputError
from core.model.instruments import Universe, parse_universe
from core.model.suggestions import nearest
from core.runtime.files import UNIVERSE, parsed

app = typer.Typer(no_args_is_help=True, help="Print the values of pairs.")


@app.callback()
def _values() -> None:
    """Print the values of pairs."""


@app.command()
def cat(
    context: typer.Context,
    universe: Annotated[
        Path | None,
        typer.Option("--universe", help="TOML file that names the pairs; default: the demo's."),
    ] = None,
    pairs: Annotated[
        list[str] | None, typer.Option("--pair", help="Only this pair, as RUT/SPX; repeatable.")
    ] = None,
    sessions: Annotated[
        bool, typer.Option("--sessions", help="Only values of final sessions, not those of minutes.")
    ] = False,
    marks: Annotated[
        bool, typer.Option("--marks", help="Also the marks that end a minute or session of a partition.")
    ] = False,
    from_beginning: FromBeginning = True,
    until_end: UntilEnd = False,
    maximum: Maximum = None,
    style: Style = TailFormat.TABLE,
    settings_file: SettingsFile = None,
    bootstrap_servers: Servers = None,
    embedded: Embedded = False,
) -> None:
    """Print the values of pairs, each minute and each session.

    JSON lines are described by value-line.schema.json. A value that is not
    known is null, and quality says why there is no return. Figures have the
    digits of the four-byte numbers in the records. Invalid frames are
    reported on standard error with the reason and skipped; the exit status
    is then 1. Lines are ordered within a pair, not across pairs. Ctrl-C ends
    the command.

    If the broker becomes unreachable, the command waits and then resumes
    without losing or repeating a value; with --until-end it gives up after
    120 s with exit status 1.

    Examples:
      rotascope values cat --pair RUT/SPX --sessions --until-end
      rotascope values cat --from-now --format json
    """
    tally = Tally()
    with polite_end():
        known = parsed(universe, UNIVERSE, parse_universe)
        wanted = _named(known, pairs or ())
        names = value_lines.PairNames.of(known)
        settings = kafka_settings(context, settings_file, bootstrap_servers, embedded)

        def lines(record: Record) -> Iterator[Mapping[str, Any]]:
            for line in value_lines.value_lines(record, names, wanted, marks=marks):
                if not sessions or line["kind"] == "session":
                    yield line

        with reading(settings, until_end) as reader:
            topic = settings.values_topic
            records = reader.read(
                present_topics(settings, reader, [topic], required=[topic]),
                from_beginning=from_beginning,
                until_end=until_end,
            )
            text = line_format(style, value_lines.TABLE_HEADER, value_lines.value_row)
            print_records(records, lines, text, tally, maximum)
    report(tally, "values")


def _named(universe: Universe, pairs: Iterable[str]) -> frozenset[str]:
    """Return the pairs of a flag.

    Raises:
        InputError: The universe has no such pair; the message names the nearest.
    """
    known = [pair.name for pair in universe.pairs]
    for name in pairs:
        if name not in known:
            raise InputError(
                f"--pair {name!r}: the universe has no such pair{nearest(name, known, list_all=True)}",
                operator_action="correct --pair, or name another file with --universe",
            )
    return frozenset(pairs)
