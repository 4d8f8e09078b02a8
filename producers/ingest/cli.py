"""`rotascope produce`: writes a vendor's stream, or settings marks, to Kafka.

Exit codes (see `core.runtime.exit_codes`): 0 end of recording or stop requested; 1 the broker failed;
2 invalid settings, universe or history; 78 the vendor refuses the connection permanently.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from core.kafka.preflight import preflight
from core.model.errors import ConfigurationError
from core.model.instruments import parse_universe
from core.runtime.exit_codes import exit_codes
from core.runtime.files import CATALOGUE, UNIVERSE, read_text
from core.runtime.log import configure_log
from core.runtime.settings import collect_settings
from producers.backfill.history import history_files
from producers.backfill.warm_start import find_source
from producers.feeds import FEEDS
from producers.feeds.base import Codec, FeedConfiguration
from producers.ingest.addresses import holds_credentials, printable, refuse_in_clear
from producers.ingest.clock import ClockMode
from producers.ingest.run import run_feed
from producers.ingest.settings_mark import run_settings_mark
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

app = typer.Typer(help="Stream a vendor's trades into Kafka.", no_args_is_help=True)


@app.callback()
def produce() -> None:
    """Stream a vendor's trades into Kafka."""


Url = Annotated[str | None, typer.Option(help="Websocket URL, channel included.")]
SourceName = Annotated[
    str, typer.Option("--source", help="Source in the universe that this feed represents.")
]
WireCodec = Annotated[Codec | None, typer.Option("--codec", help="Wire format of messages.")]
Clock = Annotated[
    ClockMode | None,
    typer.Option("--clock", help="live: wall-clock time; recorded: the recording's event time."),
]
MetricsPort = Annotated[
    int | None, typer.Option(min=0, max=65_535, help="Port of /metrics; 0 picks a free one.")
]


@app.command()
def alpaca(
    settings_file: SettingsFile = None,
    url: Url = None,
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

    Keys are read from ROTASCOPE_ALPACA_KEY and ROTASCOPE_ALPACA_SECRET, or from alpaca.key_id and
    alpaca.secret_key in the settings file; flags would show them in the process list. After a lost
    connection the program reconnects and writes a gap mark; if the vendor refuses the key, it exits.

    Exit codes: 0 ended as requested; 1 the broker failed; 2 invalid settings, universe or history;
    78 the vendor refuses the connection permanently.

    Examples:
      rotascope produce alpaca --bootstrap-servers kafka:9092 --universe universe.toml
      rotascope produce alpaca --url ws://127.0.0.1:9701/v2/sip --clock recorded
    """
    flags: dict[str, Any] = {
        "alpaca": {
            "url": url,
            "key_id": os.environ.get("ROTASCOPE_ALPACA_KEY") or None,
            "secret_key": os.environ.get("ROTASCOPE_ALPACA_SECRET") or None,
            "codec": codec,
        },
        "kafka": kafka_flags(bootstrap_servers, partitions, broker_api_version),
        "producer": {"clock": clock},
        "metrics": {"port": metrics_port},
        "universe_file": universe_file,
    }
    with exit_codes():
        if url is not None and holds_credentials(url):
            raise ConfigurationError(
                f"--url {printable(url)}: user, password and query would be visible in the process list",
                operator_action="set the full URL in ROTASCOPE_ALPACA__URL or in the settings file",
            )
        flags["history"] = history_files(history)
        settings = collect_settings(settings_file, flags)
        configure_log(settings.log)
        credentials = settings.alpaca
        if credentials.key_id is None or credentials.secret_key is None:
            raise ConfigurationError(
                "no API key", operator_action="set ROTASCOPE_ALPACA_KEY and ROTASCOPE_ALPACA_SECRET"
            )
        if refuse_in_clear(credentials.url, insecure=credentials.insecure):
            structlog.get_logger().warning(
                "the API secret is sent unencrypted, because alpaca.insecure is true",
                url=printable(credentials.url),
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
                max_message_bytes=credentials.max_message_bytes,
            )
        )
        run_feed(
            feed, named, universe, settings, until=last_session(history_until), epoch=producer_epoch(epoch)
        )


@app.command()
def settings_mark(
    catalogue_file: Annotated[
        Path | None,
        typer.Option("--catalogue", help="TOML file of the new definitions; default: Rotascope's own."),
    ] = None,
    settings_file: SettingsFile = None,
    universe_file: UniverseFile = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    topic_generation: Generation = None,
    epoch: Epoch = None,
) -> None:
    """Mark the place in the log from which a new catalogue is in force.

    First restart the workers with the new catalogue, one at a time: they
    keep their current definitions. Then write the mark; each worker
    switches when it processes the mark. Unchanged definitions are not
    affected.

    Exit codes: 0 written; 1 the broker failed; 2 invalid catalogue,
    universe or settings.

    Examples:
      rotascope produce settings-mark --catalogue catalogue.toml
    """
    kafka = kafka_flags(bootstrap_servers, partitions, None) | {"topic_generation": topic_generation}
    flags = {"kafka": kafka, "universe_file": universe_file, "catalogue_file": catalogue_file}
    # Parsing a catalogue imports the indicators, hence kernels; other producers load none.
    from core.definitions.catalogue import parse_catalogue

    with exit_codes():
        settings = collect_settings(settings_file, flags)
        configure_log(settings.log)
        preflight(settings.kafka, structlog.get_logger().warning)
        universe = parse_universe(read_text(settings.universe_file, UNIVERSE))
        catalogue = parse_catalogue(read_text(settings.catalogue_file, CATALOGUE))
        written = run_settings_mark(
            catalogue, universe, settings, ts_ns=time.time_ns(), epoch=producer_epoch(epoch)
        )
        typer.echo(
            f"{len(catalogue.definitions)} definitions ({catalogue.mark:016x}) are in force from here, "
            f"in {written} partitions of {settings.kafka.ticks_topic}"
        )


if __name__ == "__main__":
    app()
