"""`rotascope events tail` and `rotascope ticks cat`: print what the topics hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from consumers.inspect.tick_continuity import Continuity
from core.kafka.kafka_python import EMBEDDED_API_VERSION
from core.kafka.missing_topics import no_such_topic
from core.kafka.preflight import preflight
from core.kafka.records import Record
from core.kafka.topic_reader import TopicReader
from core.model.errors import InputError
from core.model.instruments import Universe, parse_universe
from core.model.settings import KafkaSettings
from core.model.suggestions import nearest
from core.runtime.files import UNIVERSE, parsed
from core.runtime.settings import SETTINGS_VARIABLE, collect_kafka, collect_settings, sections_of

app = typer.Typer(no_args_is_help=True, help="Print what the topics hold.")
events_app = typer.Typer(no_args_is_help=True, help="Print events, or post them to a web address.")
events_app.command("forward")(forward)
ticks_app = typer.Typer(no_args_is_help=True, help="Print ticks.")
app.add_typer(events_app, name="events")
app.add_typer(ticks_app, name="ticks")

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", envvar=SETTINGS_VARIABLE, help="TOML file of settings, for its section [kafka]."
    ),
]
Servers = Annotated[
    str | None,
    typer.Option("--bootstrap-servers", metavar="HOST:PORT[,…]", help="Where Kafka answers."),
]
Embedded = Annotated[
    bool, typer.Option("--embedded", help="The broker is the embedded one of 'rotascope demo'.")
]
FromBeginning = Annotated[
    bool,
    typer.Option("--from-beginning/--from-now", help="Start at the oldest record, or at the current end."),
]
UntilEnd = Annotated[
    bool, typer.Option("--until-end", help="Stop at the current end instead of waiting for more.")
]
Style = Annotated[TailFormat, typer.Option("--format", help="Aligned lines, or one JSON object per line.")]
Maximum = Annotated[int | None, typer.Option("--max", min=1, help="Stop after this many lines.")]


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
        settings = _kafka(context, settings_file, bootstrap_servers, embedded)
        with _reader(settings, until_end) as reader:
            present = _present(settings, reader, topics, required=topics if families else ())
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
        settings = _kafka(context, settings_file, bootstrap_servers, embedded)
        with _reader(settings, until_end) as reader:
            records = reader.read(
                _present(settings, reader, [settings.ticks_topic], required=[settings.ticks_topic]),
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


def _kafka(
    context: typer.Context, file: Path | None, bootstrap_servers: str | None, embedded: bool
) -> KafkaSettings:
    api_version = EMBEDDED_API_VERSION if embedded else None
    settings = collect_kafka(file, bootstrap_servers, sections=sections_of(context), api_version=api_version)
    preflight(settings, lambda warning: typer.echo(f"note: {warning}", err=True))
    return settings


def _reader(settings: KafkaSettings, until_end: bool) -> TopicReader:
    return TopicReader(
        settings,
        follow=not until_end,
        patience_ms=settings.patience_ms,
        tell=lambda line: typer.echo(f"note: {line}", err=True),
    )


def _present(
    settings: KafkaSettings, reader: TopicReader, topics: list[str], required: Iterable[str]
) -> tuple[str, ...]:
    present = reader.existing(topics)
    missing = sorted(set(required) - set(present)) if present else topics
    if missing:
        raise no_such_topic(missing[0], settings, retriable=True)
    return present
