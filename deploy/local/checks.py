"""What `rotascope check` looks at: settings, universe, catalogue, calendars and history."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.daily.limits import limits_of
from core.kafka.preflight import preflight
from core.model.dated_events import EXCHANGE
from core.model.errors import RotascopeError
from core.model.instruments import Universe, parse_universe
from core.model.routing import home
from core.model.scale_advice import advise
from core.model.sessions import CALENDAR_FROM, CALENDAR_THROUGH, build_calendars, day_to_date
from core.model.settings import HistoryFile, KafkaSettings, Settings
from core.model.watched_pairs import check_watched
from core.runtime.compilation import compiling_text, missing_modules
from core.runtime.daily_files import build_covering, check_named, read_named
from core.runtime.files import CALENDAR_OVERRIDES, CATALOGUE, UNIVERSE, parsed, read_text
from core.runtime.settings import collect_settings
from deploy.local.kernels import compile_missing, cores
from producers.backfill.history import history_files
from producers.backfill.warm_start import find_source
from producers.feeds import FEEDS, feed_sections
from producers.ingest.addresses import printable, refuse_in_clear

if TYPE_CHECKING:
    from core.events.artefact_set import ArtefactSet


class Severity(StrEnum):
    """Severity of a result."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"


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
    level: Severity
    text: str
    operator_action: str | None = None


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
        settings = collect_settings(
            settings_file, {**files, "history": history_files(history)}, feed_sections()
        )
    except RotascopeError as error:
        yield _problem("settings", error)
        return
    where = "defaults" if settings_file is None else str(settings_file)
    yield Result("settings", Severity.OK, f"{where}, environment and flags are consistent")
    for name in FEEDS:
        yield from _check_feed(name, settings)
    yield from _check_kafka(settings.kafka)
    try:
        universe = parsed(settings.universe_file, UNIVERSE, parse_universe)
    except RotascopeError as error:
        yield _problem("universe", error)
        yield from _check_catalogue(settings, None)
        return
    yield Result("universe", Severity.OK, _describe(universe, settings.kafka.partitions))
    yield from _check_names(settings, universe)
    yield from _check_catalogue(settings, universe)
    yield from _check_calendars(settings, universe)
    yield from _check_history(settings, universe)


def _check_feed(name: str, settings: Settings) -> Iterator[Result]:
    """Check where the API secret would be sent; yields nothing if that is safe."""
    own = settings.section(name, FEEDS[name].settings)
    try:
        exposed = refuse_in_clear(own.url, name, insecure=own.insecure)
    except RotascopeError as error:
        yield _problem(f"{name}.url", error)
        return
    if exposed:
        yield Result(
            f"{name}.insecure",
            Severity.NOTE,
            f"the API secret is sent to {printable(own.url)} unencrypted",
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
        yield Result("kafka.security", Severity.OK, told)
    for warning in warnings:
        yield Result("kafka.security", Severity.NOTE, warning)


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
    try:
        check_watched(settings.metrics, universe)
    except RotascopeError as error:
        yield _problem("metrics.watched_pairs", error)
    outside = [number for number in settings.worker.assigned or () if number >= settings.kafka.partitions]
    if outside:
        yield Result(
            "worker.assigned",
            Severity.PROBLEM,
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
    missing = missing_modules(os.environ)
    if missing:
        typer.echo(
            f"note: compiling kernels on {cores()} cores, on the first start only (about a minute)", err=True
        )
        compile_missing(
            missing,
            lambda done, total: typer.echo(f"note: {compiling_text(done, total)}", err=True),
            silent=True,
        )
    from core.definitions.catalogue import parse_catalogue

    try:
        catalogue = parsed(settings.catalogue_file, CATALOGUE, parse_catalogue)
        if universe is not None:
            for definition in catalogue.definitions:
                for name in definition.pairs:
                    universe.pair(name)
    except RotascopeError as error:
        yield _problem("catalogue", error)
        return
    kinds = Counter(definition.frequency.label for definition in catalogue.definitions)
    counts = ", ".join(f"{count} at {label}" for label, count in sorted(kinds.items()))
    yield Result("catalogue", Severity.OK, f"{len(catalogue.definitions)} definitions: {counts}")


def _check_calendars(settings: Settings, universe: Universe) -> Iterator[Result]:
    # After the catalogue, whose import has loaded the kernels.
    from core.runtime.artefact_files import read_cards, read_dated_events

    names = sorted({instrument.calendar for instrument in universe.instruments})
    try:
        overrides = read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES)
        calendars = build_calendars(
            {*names, EXCHANGE}, CALENDAR_FROM, CALENDAR_THROUGH, overrides=overrides, growing=True
        )
    except RotascopeError as error:
        yield _problem("calendars", error)
        return
    known = ", ".join(f"{name} to {day_to_date(calendars[name].session[-1])}" for name in names)
    yield Result("calendars", Severity.OK, f"{known}; event time extends them")
    try:
        dated = read_dated_events(settings.calendar_events_file, calendars[EXCHANGE])
        found = read_cards(settings.base_rates_file, settings.rarity_file)
    except RotascopeError as error:
        yield _problem("artefacts", error)
        return
    rates = 0 if found is None else len(found.rates.cards)
    rarity = 0 if found is None else len(found.rarities.cards)
    summary = (
        f"files with base rates of {rates:,} and rarity of {rarity:,} definitions and pairs, in force where "
        f"a mark in the log names them; dated events tag {len(dated.by_session):,} sessions"
    )
    yield Result("artefacts", Severity.OK, summary)
    if found is not None:
        yield from _check_cards(settings, found, universe)


def _check_cards(settings: Settings, found: ArtefactSet, universe: Universe) -> Iterator[Result]:
    """Files whose cards no event will find; versions only where the catalogue can be read."""
    from core.definitions.catalogue import parse_catalogue
    from deploy.local.artefact_versions import outdated_files, strange_files

    for setting, text, action in strange_files(settings, found, universe):
        yield Result(setting, Severity.PROBLEM, text, action)
    try:
        catalogue = parsed(settings.catalogue_file, CATALOGUE, parse_catalogue)
    except RotascopeError:
        return
    for setting, text, action in outdated_files(settings, found, catalogue):
        yield Result(setting, Severity.NOTE, text, action)


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
            Severity.NOTE,
            f"none for {', '.join(without)}: values over sessions are unknown until enough have passed",
        )


def _check_file(file: HistoryFile, universe: Universe, overrides: str) -> Iterator[Result]:
    subject = f"history {file.symbol}"
    instrument = universe.instrument(file.symbol)
    read = read_named(file, instrument.calendar, now_ns=time.time_ns())
    covered = build_covering([read], instrument.calendar, overrides=overrides)
    advice = advise(instrument, read.daily.frame)
    if advice is not None and advice.refused:
        yield Result(subject, Severity.PROBLEM, advice.text, advice.operator_action)
        return
    frame, findings = check_named(read, covered, signed=instrument.is_series, limits=limits_of(instrument))
    yield Result(subject, Severity.OK, f"{frame.height:,} sessions, {covered.first} to {covered.last}")
    for finding in findings:
        yield Result(subject, Severity.NOTE, str(finding))
    if advice is not None:
        yield Result(subject, Severity.NOTE, advice.text, advice.operator_action)


def _problem(subject: str, error: RotascopeError) -> Result:
    return Result(subject, Severity.PROBLEM, error.message, error.operator_action)
