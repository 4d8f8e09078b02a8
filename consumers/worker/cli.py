"""`rotascope consume`: ticks in; events, bars and metrics out.

Exit codes, as `core.runtime.exit_codes` has them: 0 stopped by a signal or by --until; 1 the broker failed;
2 settings, universe or catalogue cannot be used; 3 a partition cannot be brought back to where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from consumers.worker.until import parse_until
from core.runtime.exit_codes import exit_codes
from core.runtime.log import configure_log
from core.runtime.settings import SETTINGS_VARIABLE, collect_settings

IDLE_MS: Final = 500

app = typer.Typer(help="Turn ticks into events, bars and metrics.")

SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", envvar=SETTINGS_VARIABLE, help="TOML file of settings; flags win over it."),
]
Servers = Annotated[
    str | None, typer.Option("--bootstrap-servers", metavar="HOST:PORT[,…]", help="Where Kafka answers.")
]
Partitions = Annotated[
    int | None, typer.Option(min=1, help="Partitions of the ticks topic; any other number is refused.")
]
Assign = Annotated[
    list[int] | None, typer.Option(min=0, help="A partition of this worker; repeatable; none: all of them.")
]
Client = Annotated[
    str | None,
    typer.Option(metavar="kafka-python|confluent", help="The library behind it; confluent is an extra."),
]
Membership = Annotated[
    str | None,
    typer.Option(
        metavar="dynamic|static|manual",
        help="Who assigns partitions: the group (default), the group with a place kept over a restart, "
        "or you; --assign implies manual.",
    ),
]
Delivery = Annotated[
    str | None,
    typer.Option(
        metavar="exactly-once|at-least-once",
        help="Output and offsets in one transaction (default), or offsets behind their output.",
    ),
]
Slot = Annotated[
    str | None,
    typer.Option(
        help="Name that a restart keeps and no other worker has, such as its pod's: what a killed worker "
        "left open then ends at its next start, and not at a time-out.",
    ),
]
GroupId = Annotated[str | None, typer.Option("--group-id", help="Under which offsets are committed.")]
UniverseFile = Annotated[
    Path | None, typer.Option("--universe", help="TOML file of instruments and pairs; none: the demo's.")
]
CatalogueFile = Annotated[
    Path | None, typer.Option("--catalogue", help="TOML file of definitions; none: Rotascope's own.")
]
MetricsPort = Annotated[
    int | None, typer.Option(min=0, max=65_535, help="Port of /metrics, /livez, /readyz; 0: any free one.")
]
SnapshotInterval = Annotated[
    int | None,
    typer.Option(min=0, help="Time, in ms, between two snapshots of a partition; 0: none, read nor written."),
]
UntilText = Annotated[
    str | None,
    typer.Option(
        "--until",
        metavar="idle|INSTANT",
        help="End at the end of the log, or once every partition's event time has reached an instant "
        "such as 2024-07-11T20:30:00Z; none: run until a signal.",
    ),
]
ApiVersion = Annotated[
    str | None, typer.Option("--broker-api-version", help="Such as 2.3, for the embedded broker.")
]
FetchMaxWait = Annotated[
    int | None,
    typer.Option(min=1, help="How long, in ms, the broker may hold an empty answer; embedded broker: 10."),
]
MissingBaseline = Annotated[
    str | None,
    typer.Option(help="'rebuild' goes on when the log no longer holds what the state was made of."),
]


@app.command()
def consume(
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
) -> None:
    """Read ticks, publish events and bars, and serve metrics, until SIGTERM or --until.

    Output and offsets are committed in one transaction: a read_committed
    reader sees each event once, whatever is killed. With --delivery
    at-least-once a worker that is killed repeats the last moments; the
    events of the repeat carry the same ids.

    Exit codes: 0 ended as asked; 1 the broker failed; 2 settings cannot be
    used; 3 a partition cannot be brought back to where it was.

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
        },
        "metrics": {"port": metrics_port},
        "universe_file": universe_file,
        "catalogue_file": catalogue_file,
    }
    with exit_codes():
        settings = collect_settings(settings_file, flags)
        ending = parse_until(until, idle_ms=IDLE_MS)
        configure_log(settings.log)
        # Compiled kernels take a second to load: nobody should wait for them to read --help.
        from consumers.worker.run import run_worker

        run_worker(settings, ending)


if __name__ == "__main__":
    app()
