"""Options shared by the producers' commands."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from core.model.records import NANOSECONDS_PER_MILLISECOND
from core.runtime.settings import SETTINGS_VARIABLE

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", envvar=SETTINGS_VARIABLE, help="TOML file of settings; flags take precedence."
    ),
]
UniverseFile = Annotated[
    Path | None, typer.Option("--universe", help="TOML file of instruments and pairs; default: the demo's.")
]
Servers = Annotated[str | None, typer.Option("--bootstrap-servers", help="host:port, comma-separated.")]
Partitions = Annotated[int | None, typer.Option(min=1, help="Partitions of the ticks topic.")]
ApiVersion = Annotated[
    str | None, typer.Option("--broker-api-version", help="For example 2.3, for the embedded broker.")
]
History = Annotated[
    list[str] | None,
    typer.Option("--history", help="SYMBOL=FILE, a daily CSV or Parquet for the warm start; repeatable."),
]
Until = Annotated[
    datetime | None,
    typer.Option(
        "--history-until", formats=["%Y-%m-%d"], help="Last session of the warm start; default: yesterday."
    ),
]
Epoch = Annotated[
    int | None, typer.Option(min=0, help="Producer epoch of this run; default: the time in milliseconds.")
]
Generation = Annotated[
    int | None,
    typer.Option(min=1, help="Generation of the ticks topic: the number after 'rotascope.ticks.v'."),
]


def kafka_flags(
    bootstrap_servers: str | None, partitions: int | None, broker_api_version: str | None
) -> dict[str, Any]:
    """Return the flags that override the settings section `kafka`."""
    return {
        "bootstrap_servers": bootstrap_servers,
        "partitions": partitions,
        "api_version": broker_api_version and tuple(broker_api_version.split(".")),
    }


def last_session(history_until: datetime | None) -> date:
    """Return the last session of a warm start: yesterday's unless given."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return history_until.date() if history_until else yesterday


def producer_epoch(epoch: int | None) -> int:
    """Return the producer epoch of a run: the time in milliseconds unless given."""
    return epoch if epoch is not None else time.time_ns() // NANOSECONDS_PER_MILLISECOND
