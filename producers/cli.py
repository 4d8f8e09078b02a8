"""`rotascope produce` and `rotascope backfill`: a vendor's stream, or daily history, into Kafka.

Exit codes, as `deploy.edge.exit_codes` has them: 0 the recording has ended or a stop was asked for; 1 the
broker failed; 2 settings, universe or history cannot be used; 78 the vendor refuses us for good.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import ConfigurationError
from core.instruments import parse_universe
from core.records import NANOSECONDS_PER_MILLISECOND
from deploy.edge.exit_codes import exit_codes
from deploy.edge.files import UNIVERSE, read_text
from deploy.edge.log import configure_log
from deploy.edge.settings import SETTINGS_VARIABLE, collect_settings
from producers.clock import ClockMode
from producers.feeds import FEEDS
from producers.feeds.base import Codec, FeedConfiguration
from producers.history import history_files, run_backfill
from producers.run import run_feed
from producers.warm_start import find_source

app = typer.Typer(help="Stream a vendor's trades into Kafka.", no_args_is_help=True)
backfill_app = typer.Typer(help="Publish daily history, so that workers start warm.")


@app.callback()
def produce() -> None:
    """Stream a vendor's trades into Kafka."""


SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", envvar=SETTINGS_VARIABLE, help="TOML file of settings; flags win over it."),
]
Url = Annotated[str | None, typer.Option(help="Websocket address, channel included.")]
Key = Annotated[str | None, typer.Option(envvar="ROTASCOPE_ALPACA_KEY", help="API key id.")]
Secret = Annotated[
    str | None,
    typer.Option(
        envvar="ROTASCOPE_ALPACA_SECRET", help="API secret; better in the environment than in a flag."
    ),
]
UniverseFile = Annotated[
    Path | None, typer.Option("--universe", help="TOML file of instruments and pairs; none: the demo's.")
]
SourceName = Annotated[str, typer.Option("--source", help="The universe's source that this feed is.")]
Servers = Annotated[str | None, typer.Option("--bootstrap-servers", help="host:port, comma-separated.")]
Partitions = Annotated[int | None, typer.Option(min=1, help="Partitions of the ticks topic.")]
ApiVersion = Annotated[
    str | None, typer.Option("--broker-api-version", help="Such as 2.3, for the embedded broker.")
]
WireCodec = Annotated[Codec | None, typer.Option("--codec", help="How messages are written.")]
Clock = Annotated[
    ClockMode | None,
    typer.Option("--clock", help="live: against wall time; recorded: the recording's own time."),
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
    int | None, typer.Option(min=0, help="Generation of this run; default: the time in milliseconds.")
]
MetricsPort = Annotated[
    int | None, typer.Option(min=0, max=65_535, help="Port of /metrics; 0 takes a free one.")
]


@app.command()
def alpaca(
    settings_file: SettingsFile = None,
    url: Url = None,
    key: Key = None,
    secret: Secret = None,
    universe_file: UniverseFile = None,
    source: SourceName = "alpaca",
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    broker_api_version: ApiVersion = None,
    codec: WireCodec = None,
    clock: Clock = None,
    history: History = None,
    history_until: Until = None,
    epoch: Epoch = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Stream Alpaca's stock trades into the ticks topic, until SIGTERM or the end of a recording.

    Keys come from ROTASCOPE_ALPACA_KEY and ROTASCOPE_ALPACA_SECRET. A lost connection is made anew, and
    the log gets a gap mark; a key the vendor refuses ends the program at once.

    Exit codes: 0 ended as asked; 1 the broker failed; 2 settings, universe or history cannot be
    used; 78 the vendor refuses us for good.

    Examples:
      rotascope produce alpaca --bootstrap-servers kafka:9092 --universe universe.toml
      rotascope produce alpaca --url ws://127.0.0.1:9701/v2/sip --clock recorded
    """
    flags: dict[str, Any] = {
        "alpaca": {"url": url, "key_id": key, "secret_key": secret, "codec": codec},
        "kafka": _kafka_flags(bootstrap_servers, partitions, broker_api_version),
        "producer": {"clock": clock},
        "metrics": {"port": metrics_port},
        "universe_file": universe_file,
    }
    with exit_codes():
        flags["history"] = history_files(history)
        settings = collect_settings(settings_file, flags)
        configure_log(settings.log)
        credentials = settings.alpaca
        if credentials.key_id is None or credentials.secret_key is None:
            raise ConfigurationError(
                "no API key", operator_action="set ROTASCOPE_ALPACA_KEY and ROTASCOPE_ALPACA_SECRET"
            )
        universe = parse_universe(read_text(settings.universe_file, UNIVERSE))
        named = find_source(universe, source)
        feed = FEEDS["alpaca"](
            FeedConfiguration(
                url=credentials.url,
                key=credentials.key_id.get_secret_value(),
                secret=credentials.secret_key.get_secret_value(),
                codec=Codec(credentials.codec),
                source=named,
                instruments=tuple(each for each in universe.instruments if each.source == named.name),
            )
        )
        run_feed(
            feed, named, universe, settings, until=_last_session(history_until), epoch=_generation(epoch)
        )


@backfill_app.command()
def backfill(
    settings_file: SettingsFile = None,
    universe_file: UniverseFile = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    broker_api_version: ApiVersion = None,
    history: History = None,
    history_until: Until = None,
    epoch: Epoch = None,
) -> None:
    """Publish daily history into the ticks topic, then end.

    Workers take the closes as finished days: values over months and years
    are ready from the first tick, and events say since when. Run it once,
    before the first producer; `produce --history` does the same on its way.

    Exit codes: 0 published; 1 the broker failed; 2 settings, universe or
    history cannot be used.

    Examples:
      rotascope backfill --history RUT=RUT.csv --history SPX=SPX.parquet
      rotascope backfill --settings rotascope.toml --history-until 2024-07-05
    """
    flags: dict[str, Any] = {
        "kafka": _kafka_flags(bootstrap_servers, partitions, broker_api_version),
        "universe_file": universe_file,
    }
    with exit_codes():
        flags["history"] = history_files(history)
        settings = collect_settings(settings_file, flags)
        configure_log(settings.log)
        universe = parse_universe(read_text(settings.universe_file, UNIVERSE))
        sessions = run_backfill(
            universe, settings, until=_last_session(history_until), epoch=_generation(epoch)
        )
        typer.echo(f"published {sessions:,} sessions of {len(settings.history)} instruments")


def _kafka_flags(
    bootstrap_servers: str | None, partitions: int | None, broker_api_version: str | None
) -> dict[str, Any]:
    return {
        "bootstrap_servers": bootstrap_servers,
        "partitions": partitions,
        "api_version": broker_api_version and tuple(broker_api_version.split(".")),
    }


def _last_session(history_until: datetime | None) -> date:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return history_until.date() if history_until else yesterday


def _generation(epoch: int | None) -> int:
    return epoch if epoch is not None else time.time_ns() // NANOSECONDS_PER_MILLISECOND


if __name__ == "__main__":
    app()
