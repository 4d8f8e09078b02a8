"""What the commands that print topics have in common: their options and their connection."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from consumers.inspect.printing import TailFormat
from core.kafka.kafka_python import EMBEDDED_API_VERSION
from core.kafka.missing_topics import no_such_topic
from core.kafka.preflight import preflight
from core.kafka.topic_reader import TopicReader
from core.model.settings import KafkaSettings
from core.runtime.settings import SETTINGS_VARIABLE, collect_kafka, sections_of

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


def kafka_settings(
    context: typer.Context, file: Path | None, bootstrap_servers: str | None, embedded: bool
) -> KafkaSettings:
    """Collect the settings of the connection, and note what is doubtful in them."""
    api_version = EMBEDDED_API_VERSION if embedded else None
    settings = collect_kafka(file, bootstrap_servers, sections=sections_of(context), api_version=api_version)
    preflight(settings, lambda warning: typer.echo(f"note: {warning}", err=True))
    return settings


def reading(settings: KafkaSettings, until_end: bool) -> TopicReader:
    """Connect; what happens to the connection is told on standard error."""
    return TopicReader(
        settings,
        follow=not until_end,
        patience_ms=settings.patience_ms,
        tell=lambda line: typer.echo(f"note: {line}", err=True),
    )


def present_topics(
    settings: KafkaSettings, reader: TopicReader, topics: list[str], required: Iterable[str]
) -> tuple[str, ...]:
    """Return the topics that exist; refuse a required one that does not, or if none does."""
    present = reader.existing(topics)
    missing = sorted(set(required) - set(present)) if present else topics
    if missing:
        raise no_such_topic(missing[0], settings, retriable=True)
    return present
