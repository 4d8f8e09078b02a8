"""`rotascope events tail` and `rotascope ticks cat`: print what the topics hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from consumers.forward.cli import forward
from consumers.inspect import event_lines, tick_lines
from consumers.inspect.event_filter import refuse_unknown
from consumers.inspect.event_options import (
    AtMostPerYear,
    CatalogueFile,
    Definitions,
    Families,
    Pairs,
    States,
    UniverseFile,
    filter_of,
    topics_of,
)
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
from consumers.inspect.tick_continuity import Continuity
from core.kafka.records import Record
from core.model.errors import InputError
from core.model.instruments import Universe, parse_universe
from core.model.suggestions import nearest
from core.runtime.files import UNIVERSE, parsed
from core.runtime.settings import collect_settings, sections_of

app = typer.Typer(no_args_is_help=True, help="Print what the topics hold.")
events_app = typer.Typer(no_args_is_help=True, help="Print events, or post them to a web address.")
events_app.command("forward")(forward)
ticks_app = typer.Typer(no_args_is_help=True, help="Print ticks.")
app.add_typer(events_app, name="events")
app.add_typer(ticks_app, name="ticks")


@events_app.callback()
def _events() -> None:
    """Print events, or post them to a web address."""


@ticks_app.callback()
def _ticks() -> None:
    """Print ticks."""


@events_app.command()
def tail(
    context: typer.Context,
    families: Families = None,
    definitions: Definitions = None,
    pairs: Pairs = None,
    states: States = None,
    at_most_per_year: AtMostPerYear = None,
    from_beginning: FromBeginning = True,
    until_end: UntilEnd = False,
    maximum: Maximum = None,
    style: Style = TailFormat.TABLE,
    catalogue: CatalogueFile = None,
    universe: UniverseFile = None,
    settings_file: SettingsFile = None,
    bootstrap_servers: Servers = None,
    embedded: Embedded = False,
) -> None:
    """Print events from their topics, validated against their JSON Schemas.

    A line has the openings a year, both legs' returns since the close
    before, and the summary. JSON lines are the event data, with the id of
    the event as ce_id. Invalid records are reported on standard error and
    skipped; the exit status is then 1. Lines are ordered within a pair, not
    across pairs. Ctrl-C ends the command.

    If the broker becomes unreachable, the command waits and then resumes
    without losing or repeating an event; with --until-end it gives up
    after 120 s with exit status 1.

    Examples:
      rotascope events tail
      rotascope events tail --pair RUT/SPX --state opened --until-end
      rotascope events tail --state opened --at-most-per-year 1
      rotascope events tail --family divergence --from-now --format json
    """
    wanted = filter_of(definitions, pairs, states, at_most_per_year)
    topics = topics_of(families)
    tally = Tally()

    def lines(record: Record) -> Iterator[Mapping[str, Any]]:
        data = event_lines.read_event(record)
        if wanted.admits(data):
            yield {"ce_id": event_lines.event_id_of(record), **data}

    with polite_end():
        whole = collect_settings(settings_file, {}, sections_of(context))
        refuse_unknown(wanted, catalogue or whole.catalogue_file, universe or whole.universe_file)
        settings = kafka_settings(context, settings_file, bootstrap_servers, embedded)
        with reading(settings, until_end) as reader:
            present = present_topics(settings, reader, topics, required=topics if families else ())
            records = reader.read(present, from_beginning=from_beginning, until_end=until_end)
            text = line_format(style, event_lines.TABLE_HEADER, event_lines.event_row)
            print_records(records, lines, text, tally, maximum)
    report(tally, "events")


@ticks_app.command()
def cat(
    context: typer.Context,
    universe: Annotated[
        Path | None,
        typer.Option("--universe", help="TOML file of instruments, to resolve ids; default: the demo's."),
    ] = None,
    partitions: Annotated[
        list[int] | None, typer.Option("--partition", min=0, help="Only this partition; repeatable.")
    ] = None,
    symbols: Annotated[
        list[str] | None, typer.Option("--symbol", help="Only this symbol; repeatable.")
    ] = None,
    from_beginning: FromBeginning = True,
    until_end: UntilEnd = False,
    maximum: Maximum = None,
    style: Style = TailFormat.TABLE,
    settings_file: SettingsFile = None,
    bootstrap_servers: Servers = None,
    embedded: Embedded = False,
) -> None:
    """Print the ticks inside frames.

    JSON lines are described by tick-line.schema.json; prices and sizes are
    exact decimals in strings, in the scales of the universe. Invalid frames
    are reported on standard error with the reason and skipped; the exit
    status is then 1. Ticks of benchmarks are in every partition. Producer
    takeovers, missing frames and repeated frames are noted on standard
    error. Ctrl-C ends the command.

    If the broker becomes unreachable, the command waits and then resumes
    without losing or repeating a tick; with --until-end it gives up after
    120 s with exit status 1.

    Examples:
      rotascope ticks cat --symbol RUT --until-end --format json
      rotascope ticks cat --universe universe.toml --partition 2 --max 20
    """
    tally = Tally()
    with polite_end():
        known = parsed(universe, UNIVERSE, parse_universe)
        wanted = frozenset(_instrument_id(known, symbol) for symbol in symbols or ())
        names = tick_lines.Names.of(known)
        settings = kafka_settings(context, settings_file, bootstrap_servers, embedded)
        with reading(settings, until_end) as reader:
            records = reader.read(
                present_topics(settings, reader, [settings.ticks_topic], required=[settings.ticks_topic]),
                partitions=sorted(set(partitions or ())),
                from_beginning=from_beginning,
                until_end=until_end,
            )
            text = line_format(style, tick_lines.TABLE_HEADER, tick_lines.tick_row)
            continuity = Continuity(names.sources)

            def lines(record: Record) -> Iterator[Mapping[str, Any]]:
                for finding in continuity.findings(record):
                    typer.echo(f"note: {record.partition}@{record.offset}: {finding}", err=True)
                yield from tick_lines.tick_lines(record, names, wanted)

            print_records(records, lines, text, tally, maximum)
    report(tally, "ticks")


def _instrument_id(universe: Universe, symbol: str) -> int:
    """Resolve the symbol of a flag.

    Raises:
        InputError: The universe has no such instrument; the message names the nearest.
    """
    ids = {each.symbol: each.instrument_id for each in universe.instruments}
    if symbol not in ids:
        raise InputError(
            f"--symbol {symbol!r}: the universe has no such instrument{nearest(symbol, ids, list_all=True)}",
            operator_action="correct --symbol, or name another file with --universe",
        )
    return ids[symbol]
