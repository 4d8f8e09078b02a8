"""`rotascope check`: reads the same inputs as the programs, and explains errors in them."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from core.daily.limits import limits_of
from core.kafka.preflight import preflight
from core.model.errors import RotascopeError
from core.model.instruments import Universe, home, parse_universe
from core.model.scale_advice import advise
from core.model.sessions import CALENDAR_THROUGH, build_calendars, day_to_date
from core.model.settings import HistoryFile, KafkaSettings, Settings
from core.model.suggestions import nearest
from core.runtime.daily_files import build_covering, check_named, read_named
from core.runtime.exit_codes import EXIT_INPUT
from core.runtime.files import CALENDAR_OVERRIDES, CATALOGUE, UNIVERSE, read_text
from core.runtime.settings import SETTINGS_VARIABLE, collect_settings
from deploy.local.kernels import missing_modules
from producers.backfill.history import history_files
from producers.backfill.warm_start import find_source
from producers.ingest.addresses import printable, refuse_in_clear

if TYPE_CHECKING:
    from core.events.artefacts import Artefacts

CALENDAR_START: Final = date(1990, 1, 1)
EXCHANGE: Final = "XNYS"

app = typer.Typer(help="Explain errors in settings, universe, catalogue and history.")


class Level(StrEnum):
    """Severity of a result."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


class Format(StrEnum):
    """Output format of the results."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Result:
    """Result of one check.

    Args:
        subject: What was checked.
        level: `ok`, `note` (information only) or `problem` (a program would not start).
        text: The finding.
        operator_action: How to fix it.
    """

    subject: str
    level: Level
    text: str
    operator_action: str | None = None


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
    output: Annotated[Format, typer.Option("--format", help="Text for people, JSON for programs.")] = (
        Format.TEXT
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
    if output is Format.JSON:
        typer.echo(json.dumps([asdict(result) for result in results], indent=2))
    else:
        _print(results)
    problems = sum(result.level is Level.PROBLEM for result in results)
    if problems:
        typer.echo(f"error: {problems} {'problem' if problems == 1 else 'problems'}", err=True)
        raise typer.Exit(EXIT_INPUT)


def _print(results: list[Result]) -> None:
    width = max(len(result.subject) for result in results)
    for result in results:
        typer.echo(f"{result.level.value:<8} {result.subject:<{width}}  {result.text}")
        if result.operator_action is not None:
            typer.echo(f"{'':<8} {'':<{width}}  Operator action: {result.operator_action}")


def check_everything(
    settings_file: Path | None, files: Mapping[str, Path | None], history: Sequence[str]
) -> Iterator[Result]:
    """Check everything, in order of dependency.

    Args:
        settings_file: See `collect_settings`.
        files: Flags outside the sections; see `collect_settings`.
        history: Flags of the form SYMBOL=FILE.

    Yields:
        Results; if an input cannot be read, checks that depend on it are skipped.
    """
    try:
        settings = collect_settings(settings_file, {**files, "history": history_files(history)})
    except RotascopeError as error:
        yield _problem("settings", error)
        return
    where = "defaults" if settings_file is None else str(settings_file)
    yield Result("settings", Level.OK, f"{where}, environment and flags are consistent")
    yield from _check_feed(settings)
    yield from _check_kafka(settings.kafka)
    try:
        universe = parse_universe(read_text(settings.universe_file, UNIVERSE))
    except RotascopeError as error:
        yield _problem("universe", error)
        yield from _check_catalogue(settings, None)
        return
    yield Result("universe", Level.OK, _describe(universe, settings.kafka.partitions))
    yield from _check_names(settings, universe)
    yield from _check_catalogue(settings, universe)
    yield from _check_calendars(settings, universe)
    yield from _check_history(settings, universe)


def _check_feed(settings: Settings) -> Iterator[Result]:
    """Check where the API secret would be sent; yields nothing if that is safe."""
    url = settings.alpaca.url
    try:
        exposed = refuse_in_clear(url, insecure=settings.alpaca.insecure)
    except RotascopeError as error:
        yield _problem("alpaca.url", error)
        return
    if exposed:
        yield Result(
            "alpaca.insecure",
            Level.NOTE,
            f"the API secret is sent to {printable(url)} unencrypted",
            "use wss://, unless the network is trusted",
        )


def _check_kafka(settings: KafkaSettings) -> Iterator[Result]:
    """What can be said of certificates, secrets and properties without connecting anywhere."""
    warnings: list[str] = []
    try:
        preflight(settings, warnings.append)
    except RotascopeError as error:
        yield _problem("kafka", error)
        return
    if settings.security.protocol != "PLAINTEXT":
        security = settings.security
        told = (
            f"{security.protocol}, {security.mechanism or 'no SASL'}, {len(security.named_files)} files read"
        )
        yield Result("kafka.security", Level.OK, told)
    for warning in warnings:
        yield Result("kafka.security", Level.NOTE, warning)


def _describe(universe: Universe, partitions: int) -> str:
    pairs = Counter(
        home(universe.instrument(pair.numerator).instrument_id, partitions) for pair in universe.pairs
    )
    fullest = max(pairs.values(), default=0)
    return (
        f"{len(universe.instruments)} instruments, {len(universe.pairs)} pairs against "
        f"{len(universe.benchmarks)} benchmarks; the fullest of {partitions} partitions has {fullest} pairs"
    )


def _check_names(settings: Settings, universe: Universe) -> Iterator[Result]:
    """Check names in the settings against the universe."""
    known = [pair.name for pair in universe.pairs]
    for name in settings.metrics.watched_pairs:
        if name not in known:
            yield Result(
                "metrics.watched_pairs",
                Level.PROBLEM,
                f"the universe has no pair {name!r}{nearest(name, known, list_all=True)}",
                "correct the name, or add the pair to the universe",
            )
    outside = [number for number in settings.worker.assigned or () if number >= settings.kafka.partitions]
    if outside:
        yield Result(
            "worker.assigned",
            Level.PROBLEM,
            f"{outside} are not among the partitions 0 to {settings.kafka.partitions - 1}",
            "correct worker.assigned or kafka.partitions",
        )
    if settings.history:
        try:
            find_source(universe, settings.history_source)
        except RotascopeError as error:
            yield _problem("history_source", error)


def _check_catalogue(settings: Settings, universe: Universe | None) -> Iterator[Result]:
    # Imported here because the first import compiles kernels; earlier results are printed before that.
    if missing_modules(os.environ):
        typer.echo("note: compiling kernels, on the first start only (about a minute)", err=True)
    from core.definitions.catalogue import parse_catalogue

    try:
        catalogue = parse_catalogue(read_text(settings.catalogue_file, CATALOGUE))
        if universe is not None:
            for definition in catalogue.definitions:
                for name in definition.pairs:
                    universe.pair(name)
    except RotascopeError as error:
        yield _problem("catalogue", error)
        return
    kinds = Counter(definition.frequency.label for definition in catalogue.definitions)
    counts = ", ".join(f"{count} at {label}" for label, count in sorted(kinds.items()))
    yield Result("catalogue", Level.OK, f"{len(catalogue.definitions)} definitions: {counts}")


def _check_calendars(settings: Settings, universe: Universe) -> Iterator[Result]:
    # After the catalogue, whose import has loaded the kernels.
    from core.runtime.artefact_files import read_artefacts

    names = sorted({instrument.calendar for instrument in universe.instruments})
    try:
        overrides = read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES)
        calendars = build_calendars(
            {*names, EXCHANGE}, CALENDAR_START, CALENDAR_THROUGH, overrides=overrides, growing=True
        )
    except RotascopeError as error:
        yield _problem("calendars", error)
        return
    known = ", ".join(f"{name} to {day_to_date(calendars[name].session[-1])}" for name in names)
    yield Result("calendars", Level.OK, f"{known}; event time extends them")
    try:
        found = read_artefacts(
            settings.calendar_events_file, settings.base_rates_file, settings.rarity_file, calendars[EXCHANGE]
        )
    except RotascopeError as error:
        yield _problem("artefacts", error)
        return
    rates = "none" if found.cards is None else f"{len(found.cards.cards):,} definitions and pairs"
    tagged = 0 if found.dated_events is None else len(found.dated_events.by_session)
    rarity = "none" if found.rarities is None else f"{len(found.rarities.cards):,} definitions and pairs"
    summary = f"base rates: {rates}; rarity: {rarity}; dated events tag {tagged:,} sessions"
    yield Result("artefacts", Level.OK, summary)
    yield from _check_versions(settings, found)


def _check_versions(settings: Settings, found: Artefacts) -> Iterator[Result]:
    """What was made under versions that are no longer in force; nothing where the catalogue is a problem."""
    from core.definitions.catalogue import parse_catalogue
    from deploy.local.artefact_versions import outdated_files

    try:
        catalogue = parse_catalogue(read_text(settings.catalogue_file, CATALOGUE))
    except RotascopeError:
        return
    for setting, text, action in outdated_files(settings, found, catalogue):
        yield Result(setting, Level.NOTE, text, action)


def _check_history(settings: Settings, universe: Universe) -> Iterator[Result]:
    overrides = read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES)
    for file in settings.history:
        try:
            yield from _check_file(file, universe, overrides)
        except RotascopeError as error:
            yield _problem(f"history {file.symbol}", error)
    given = {file.symbol for file in settings.history}
    legs = {leg for pair in universe.pairs for leg in (pair.numerator, pair.benchmark)}
    without = sorted(legs - given)
    if given and without:
        yield Result(
            "history",
            Level.NOTE,
            f"none for {', '.join(without)}: values over sessions are unknown until enough have passed",
        )


def _check_file(file: HistoryFile, universe: Universe, overrides: str) -> Iterator[Result]:
    subject = f"history {file.symbol}"
    instrument = universe.instrument(file.symbol)
    read = read_named(file, instrument.calendar, now_ns=time.time_ns())
    covered = build_covering([read], instrument.calendar, overrides=overrides)
    advice = advise(instrument, read.daily.frame)
    if advice is not None and advice.refused:
        yield Result(subject, Level.PROBLEM, advice.text, advice.operator_action)
        return
    frame, findings = check_named(read, covered, signed=instrument.is_series, limits=limits_of(instrument))
    yield Result(subject, Level.OK, f"{frame.height:,} sessions, {covered.first} to {covered.last}")
    for finding in findings:
        yield Result(subject, Level.NOTE, str(finding))
    if advice is not None:
        yield Result(subject, Level.NOTE, advice.text, advice.operator_action)


def _problem(subject: str, error: RotascopeError) -> Result:
    return Result(subject, Level.PROBLEM, error.message, error.operator_action)
