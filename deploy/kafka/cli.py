"""`rotascope topics`: applies `topics.yaml` to a cluster, or reports the differences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from core.kafka.preflight import preflight
from core.model.settings import KafkaSettings
from core.runtime.exit_codes import exit_codes
from core.runtime.settings import SETTINGS_VARIABLE, collect_kafka
from deploy.kafka.acl_cli import acls
from deploy.kafka.cluster import apply as apply_topics
from deploy.kafka.cluster import check as check_topics
from deploy.kafka.cluster import connect
from deploy.kafka.formats import Format, OutputFormat
from deploy.kafka.generation import StepState, look, next_step, steps
from deploy.kafka.topic_changes import Change, TopicChangeKind
from deploy.kafka.topics import TOPICS_FILE, load_topics
from producers.feeds import feed_sections

app = typer.Typer(no_args_is_help=True, help="The topics of Rotascope on a Kafka cluster.")
app.command()(acls)


SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", envvar=SETTINGS_VARIABLE, help="TOML file of settings, for its section [kafka]."
    ),
]
BootstrapServers = Annotated[
    str | None, typer.Option("--bootstrap-servers", help="host:port, comma-separated.")
]
Partitions = Annotated[
    int | None,
    typer.Option(
        "--partitions", min=1, help="Number of partitions of this generation, instead of the file's."
    ),
]
ReplicationFactor = Annotated[
    int | None, typer.Option("--replication-factor", min=1, help="Replicas of each partition.")
]
File = Annotated[Path, typer.Option("--file", help="Another topics file.", show_default=False)]
TimeoutMs = Annotated[int, typer.Option("--timeout-ms", min=100, help="How long to wait for the broker.")]
Generation = Annotated[
    int,
    typer.Option(
        "--generation", min=1, help="Generation of the ticks topic: the number after 'rotascope.ticks.v'."
    ),
]


@app.command()
def apply(
    settings_file: SettingsFile = None,
    bootstrap_servers: BootstrapServers = None,
    partitions: Partitions = None,
    replication_factor: ReplicationFactor = None,
    generation: Generation = 1,
    file: File = TOPICS_FILE,
    timeout_ms: TimeoutMs = 10_000,
    output: OutputFormat = Format.TEXT,
) -> None:
    """Create missing topics and correct their settings. A rerun changes nothing.

    Differences that cannot be corrected in place, such as a different
    number of partitions, are refused before anything is changed.

    Examples:
      rotascope topics apply --bootstrap-servers kafka:9092
      rotascope topics apply --partitions 24 --replication-factor 3
      rotascope topics apply --generation 2 --partitions 24
    """
    with exit_codes():
        kafka = _kafka(settings_file, bootstrap_servers)
        wanted = load_topics(
            file,
            partitions=partitions,
            value_shards=kafka.value_shards,
            replication_factor=replication_factor,
            generation=generation,
        )
        with connect(kafka, timeout_ms=timeout_ms) as client:
            changes = apply_topics(client, wanted)
    _print(changes, output, nothing=f"{len(wanted)} topics match the file; nothing to do")


@app.command()
def check(
    settings_file: SettingsFile = None,
    bootstrap_servers: BootstrapServers = None,
    partitions: Partitions = None,
    replication_factor: ReplicationFactor = None,
    generation: Generation = 1,
    file: File = TOPICS_FILE,
    timeout_ms: TimeoutMs = 10_000,
    output: OutputFormat = Format.TEXT,
) -> None:
    """Compare the cluster's topics with the file; exit 1 if they differ.

    Examples:
      rotascope topics check --bootstrap-servers kafka:9092
      rotascope topics check --format json
    """
    with exit_codes():
        kafka = _kafka(settings_file, bootstrap_servers)
        wanted = load_topics(
            file,
            partitions=partitions,
            value_shards=kafka.value_shards,
            replication_factor=replication_factor,
            generation=generation,
        )
        with connect(kafka, timeout_ms=timeout_ms) as client:
            changes = check_topics(client, wanted)
    _print(changes, output, nothing=f"{len(wanted)} topics match the file")
    if changes:
        raise typer.Exit(code=1)


@app.command()
def migrate(
    to: Annotated[int, typer.Option("--to", min=2, help="The new generation of the ticks.")],
    partitions: Annotated[int, typer.Option("--partitions", min=1, help="N of the new generation.")],
    settings_file: SettingsFile = None,
    bootstrap_servers: BootstrapServers = None,
    group_id: Annotated[
        str, typer.Option("--group-id", help="Consumer group of the workers, to check their progress.")
    ] = "rotascope-worker",
    replication_factor: ReplicationFactor = None,
    file: File = TOPICS_FILE,
    timeout_ms: TimeoutMs = 10_000,
    output: OutputFormat = Format.TEXT,
) -> None:
    """List the steps to a new generation of the ticks topic with their status. Changes nothing.

    The number of partitions is fixed for a generation. Changing it needs a
    new generation, which starts at the end of a session from the daily
    bars. Run this command again after each step.

    Exit codes: 0 regardless of the remaining steps; 1 the broker failed;
    2 an existing topic conflicts.

    Examples:
      rotascope topics migrate --to 2 --partitions 24
    """
    with exit_codes():
        kafka = _kafka(settings_file, bootstrap_servers)
        wanted = load_topics(
            file,
            partitions=partitions,
            value_shards=kafka.value_shards,
            replication_factor=replication_factor,
            generation=to,
        )
        with connect(kafka, timeout_ms=timeout_ms) as client:
            found = steps(look(client, wanted, to, group_id), to, partitions)
    if output is Format.JSON:
        typer.echo(json.dumps([asdict(step) for step in found]))
        return
    for number, step in enumerate(found, start=1):
        typer.echo(
            f"{number}. {step.what}: {step.state.value}" + (f" ({step.detail})" if step.detail else "")
        )
        if step.command and step.state is not StepState.DONE:
            typer.echo(f"     {step.command}")
    following = next_step(found)
    typer.echo(f"Next: {following.what}" if following else "no remaining steps are visible on the cluster")


def _kafka(settings_file: Path | None, bootstrap_servers: str | None) -> KafkaSettings:
    settings = collect_kafka(settings_file, bootstrap_servers, sections=feed_sections())
    preflight(settings, lambda warning: typer.echo(f"note: {warning}", err=True))
    return settings


def _print(changes: Sequence[Change], output: Format, *, nothing: str) -> None:
    if output is Format.JSON:
        typer.echo(json.dumps([asdict(change) for change in changes]))
    elif not changes:
        typer.echo(nothing)
    else:
        _print_table(changes)
        for action in dict.fromkeys(change.operator_action for change in changes):
            if action is not None:
                typer.echo(f"Operator action: {action}")


def _print_table(changes: Sequence[Change]) -> None:
    table = Table(box=None, header_style="bold")
    for heading in ("topic", "setting", "cluster", "file", "action"):
        table.add_column(heading, no_wrap=True)
    for change in changes:
        style = "red" if change.kind is TopicChangeKind.REFUSE else None
        table.add_row(
            change.topic, change.setting, change.current, change.wanted, change.kind.value, style=style
        )
    console = Console()
    # Full width, also in a pipe or a narrow window: truncated values are useless.
    unbounded = console.options.update(max_width=10_000)
    console.width = max(console.width, Measurement.get(console, unbounded, table).maximum)
    console.print(table)
