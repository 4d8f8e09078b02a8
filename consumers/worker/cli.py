"""`rotascope consume`: ticks in; events, bars and metrics out.

Exit codes (see `core.runtime.exit_codes`): 0 stopped by a signal or by --until; 1 the broker failed;
2 invalid settings, universe or catalogue; 3 the state of a partition cannot be restored.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final

import structlog
import typer

from consumers.worker.until import parse_until
from core.runtime.compilation import compilation_told
from core.runtime.exit_codes import exit_codes
from core.runtime.log import configure_log
from core.runtime.settings import SETTINGS_VARIABLE, collect_settings, sections_of

IDLE_MS: Final = 500

app = typer.Typer(help="Process ticks to events, bars and metrics.")

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", envvar=SETTINGS_VARIABLE, help="TOML file of settings; flags take precedence."
    ),
]
Servers = Annotated[
    str | None, typer.Option("--bootstrap-servers", metavar="HOST:PORT[,…]", help="Kafka bootstrap servers.")
]
Partitions = Annotated[
    int | None, typer.Option(min=1, help="Partitions of the ticks topic; any other number is refused.")
]
Assign = Annotated[
    list[int] | None, typer.Option(min=0, help="A partition of this worker; repeatable; default: all.")
]
Client = Annotated[
    str | None,
    typer.Option(
        metavar="kafka-python|confluent", help="Kafka client library; confluent is an optional extra."
    ),
]
Membership = Annotated[
    str | None,
    typer.Option(
        metavar="dynamic|static|manual",
        help="How partitions are assigned: by the group (default), by the group with static membership, "
        "or manually; --assign implies manual.",
    ),
]
Delivery = Annotated[
    str | None,
    typer.Option(
        metavar="exactly-once|at-least-once",
        help="Output and offsets in one transaction (default), or offsets after their output.",
    ),
]
Slot = Annotated[
    str | None,
    typer.Option(
        help="Unique name that survives restarts, such as the pod's: a killed worker's open transaction then "
        "ends at its next start instead of at the timeout.",
    ),
]
GroupId = Annotated[
    str | None, typer.Option("--group-id", help="Consumer group under which offsets are committed.")
]
UniverseFile = Annotated[
    Path | None, typer.Option("--universe", help="TOML file of instruments and pairs; default: the demo's.")
]
CatalogueFile = Annotated[
    Path | None, typer.Option("--catalogue", help="TOML file of definitions; default: Rotascope's own.")
]
MetricsPort = Annotated[
    int | None, typer.Option(min=0, max=65_535, help="Port of /metrics, /livez, /readyz; 0 picks a free one.")
]
SnapshotInterval = Annotated[
    int | None,
    typer.Option(
        min=0, help="Time between two snapshots of a partition, in ms; 0 disables reading and writing them."
    ),
]
PublishValues = Annotated[
    bool | None,
    typer.Option(
        "--publish-values/--no-publish-values",
        help="Whether the values of all pairs go to the values topic, each minute and session.",
        show_default=False,
    ),
]
UntilText = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="idle|INSTANT",
        help="Stop at the end of the log, or once every partition's event time has reached a time "
        "such as 2024-07-11T20:30:00Z; default: run until a signal.",
    ),
]
ApiVersion = Annotated[
    str | None, typer.Option("--broker-api-version", help="For example 2.3, for the embedded broker.")
]
FetchMaxWait = Annotated[
    int | None,
    typer.Option(min=1, help="How long the broker may delay an empty response, in ms; embedded broker: 10."),
]
MissingBaseline = Annotated[
    str | None,
    typer.Option(help="'rebuild' continues without the state's baseline if the log no longer contains it."),
]


@app.command()
def consume(
    context: typer.Context,
    settings_file: SettingsFile = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    assign: Assign = None,
    client: Client = None,
    membership: Membership = None,
    delivery: Delivery = None,
    slot: Slot = None,
    group_id: GroupId = None,
    universe_file: UniverseFile = None,
    catalogue_file: CatalogueFile = None,
    metrics_port: MetricsPort = None,
    until: UntilText = None,
    broker_api_version: ApiVersion = None,
    fetch_max_wait_ms: FetchMaxWait = None,
    missing_baseline: MissingBaseline = None,
    snapshot_interval_ms: SnapshotInterval = None,
    publish_values: PublishValues = None,
) -> None:
    """Read ticks, publish events, bars and values, and serve metrics, until SIGTERM or --until.

    Output and offsets are committed in one transaction, so a read_committed
    reader sees each event exactly once, also after crashes. With --delivery
    at-least-once a killed worker repeats its most recent output; repeated
    events have the same ids.

    Exit codes: 0 ended as requested; 1 the broker failed; 2 invalid
    settings; 3 the state of a partition cannot be restored.

    Examples:
      rotascope consume --bootstrap-servers kafka:9092 --universe universe.toml
      rotascope consume --until idle
    """
    flags: dict[str, Any] = {
        "kafka": {
            "bootstrap_servers": bootstrap_servers,
            "client": client,
            "partitions": partitions,
            "api_version": broker_api_version and tuple(broker_api_version.split(".")),
            "fetch_max_wait_ms": fetch_max_wait_ms,
        },
        "worker": {
            "group_id": group_id,
            "membership": membership or ("manual" if assign else None),
            "delivery": delivery and delivery.replace("-", "_"),
            "slot": slot,
            "assigned": tuple(assign) if assign else None,
            "missing_baseline": missing_baseline,
            "snapshot_interval_ms": snapshot_interval_ms,
            "publish_values": publish_values,
        },
        "metrics": {"port": metrics_port},
        "universe_file": universe_file,
        "catalogue_file": catalogue_file,
    }
    with exit_codes():
        settings = collect_settings(settings_file, flags, sections_of(context))
        ending = parse_until(until, idle_ms=IDLE_MS)
        configure_log(settings.log)
        # Loading compiled kernels takes a second, which --help does not need.
        with compilation_told(_log_compilation, os.environ):
            from consumers.worker.run import run_worker

        run_worker(settings, ending)


def _log_compilation(done: int, total: int) -> None:
    structlog.get_logger("rotascope.worker").info(
        "compiling kernels, on the first start only", modules=done, of=total
    )


if __name__ == "__main__":
    app()
