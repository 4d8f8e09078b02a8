"""`rotascope backfill`: publishes daily history as daily bars, and from there to the ticks log.

Exit codes (see `core.runtime.exit_codes`): 0 published; 1 the broker failed; 2 invalid settings, universe
or history.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from core.kafka.preflight import preflight
from core.model.instruments import Universe, parse_universe
from core.model.settings import Settings
from core.runtime.daily_files import DailyFormat
from core.runtime.daily_options import AcceptJump, DateColumn, DateFormat, FileOptions
from core.runtime.exit_codes import exit_codes
from core.runtime.files import UNIVERSE, parsed
from core.runtime.log import configure_log
from core.runtime.settings import collect_settings
from producers.backfill.bars import run_backfill_bars
from producers.backfill.baseline import run_backfill_baseline
from producers.backfill.history import history_files, run_backfill
from producers.feeds import feed_sections
from producers.options import (
    ApiVersion,
    Epoch,
    Generation,
    History,
    Partitions,
    Servers,
    SettingsFile,
    UniverseFile,
    Until,
    kafka_flags,
    last_session,
    producer_epoch,
)

app = typer.Typer(help="Publish daily history, so that workers start warm.")

Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SYMBOL=FILE[:COLUMN]…",
        help="Daily files, one per symbol; default: the history in the settings.",
    ),
]


@app.callback(invoke_without_command=True)
def backfill(
    context: typer.Context,
    settings_file: SettingsFile = None,
    universe_file: UniverseFile = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    broker_api_version: ApiVersion = None,
    history: History = None,
    history_until: Until = None,
    epoch: Epoch = None,
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
) -> None:
    """Publish daily history, so that workers start warm.

    csv and parquet publish files to the topic of daily bars, to which
    workers add each session they process. baseline writes these bars to
    the head of the ticks topic. Each command can be rerun and resumes
    where it was interrupted.

    Without a subcommand, files are published directly to the ticks topic.
    This is meant for trials, such as the demo.

    An unreachable broker is retried for kafka.patience_ms (120 s).

    Exit codes: 0 published; 1 the broker failed; 2 invalid settings,
    universe or history.

    Examples:
      rotascope backfill csv RUT=RUT.csv SPX=SPX.csv
      rotascope backfill baseline
      rotascope backfill --history RUT=RUT.csv --history-until 2024-07-05
    """
    if context.invoked_subcommand is not None:
        return
    kafka = kafka_flags(bootstrap_servers, partitions, broker_api_version)
    options = FileOptions(date_column, date_format, accept_jump)
    with _ready(settings_file, universe_file, kafka, history, "--history", options) as (settings, universe):
        sessions = run_backfill(
            universe, settings, until=last_session(history_until), epoch=producer_epoch(epoch)
        )
        typer.echo(f"published {sessions:,} sessions of {len(settings.history)} instruments")


@app.command()
def csv(
    files: Files = None,
    settings_file: SettingsFile = None,
    universe_file: UniverseFile = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
) -> None:
    """Publish daily CSV or JSON files to the topic of daily bars.

    Only missing days and days corrected in the file are sent; a worker's
    own bar of a day is kept.

    Examples:
      rotascope backfill csv RUT=RUT.csv IJR=adjusted.csv:IJR
      rotascope backfill csv GC=F=gold.csv --date-format '%d/%m/%Y'
      rotascope backfill csv --settings rotascope.toml
    """
    options = FileOptions(date_column, date_format, accept_jump)
    kafka = kafka_flags(bootstrap_servers, partitions, None)
    _fill("csv", files, options, settings_file, universe_file, kafka)


@app.command()
def parquet(
    files: Files = None,
    settings_file: SettingsFile = None,
    universe_file: UniverseFile = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
) -> None:
    """Publish daily Parquet files to the topic of daily bars; otherwise as csv.

    Examples:
      rotascope backfill parquet SPX=SPX.parquet
    """
    options = FileOptions(date_column, date_format, accept_jump)
    kafka = kafka_flags(bootstrap_servers, partitions, None)
    _fill("parquet", files, options, settings_file, universe_file, kafka)


@app.command()
def baseline(
    settings_file: SettingsFile = None,
    universe_file: UniverseFile = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    topic_generation: Generation = None,
    history_until: Until = None,
    epoch: Epoch = None,
) -> None:
    """Write the daily bars to the head of the ticks topic, so that workers start warm.

    Run it once for each generation of the ticks topic, before the first
    producer. A rerun sends only the sessions that an interrupted run did
    not; once ticks follow, workers skip days they already have.

    Examples:
      rotascope backfill baseline --history-until 2024-07-05
      rotascope backfill baseline --topic-generation 2 --partitions 24
    """
    kafka = kafka_flags(bootstrap_servers, partitions, None) | {"topic_generation": topic_generation}
    with _ready(settings_file, universe_file, kafka) as (settings, universe):
        warmed = run_backfill_baseline(
            universe, settings, until=last_session(history_until), epoch=producer_epoch(epoch)
        )
        typer.echo(
            f"published {warmed.published:,} sessions to {settings.kafka.ticks_topic}, "
            f"{warmed.present:,} already existed"
        )


def _fill(
    format: DailyFormat,
    files: list[str] | None,
    options: FileOptions,
    settings_file: Path | None,
    universe_file: Path | None,
    kafka: dict[str, Any],
) -> None:
    with _ready(settings_file, universe_file, kafka, files, "backfill", options) as (settings, universe):
        filled = run_backfill_bars(universe, settings, format if files else None)
        typer.echo(
            f"published {filled.written:,} daily bars, {filled.present:,} already existed, "
            f"{filled.kept:,} are kept from a worker"
        )


@contextmanager
def _ready(
    settings_file: Path | None,
    universe_file: Path | None,
    kafka: dict[str, Any],
    history: list[str] | None = None,
    option: str = "",
    options: FileOptions | None = None,
) -> Iterator[tuple[Settings, Universe]]:
    """Load settings and universe, mapping every error to an exit code."""
    with exit_codes():
        flags: dict[str, Any] = {
            "kafka": kafka,
            "universe_file": universe_file,
            "history": history_files(history, option, options),
        }
        settings = collect_settings(settings_file, flags, feed_sections())
        configure_log(settings.log)
        preflight(settings.kafka, structlog.get_logger().warning)
        yield settings, parsed(settings.universe_file, UNIVERSE, parse_universe)


if __name__ == "__main__":
    app()
