"""`rotascope produce`: writes a vendor's stream, or settings marks, to Kafka.

Exit codes (see `core.runtime.exit_codes`): 0 end of recording or stop requested; 1 the broker failed;
2 invalid settings, universe or history; 78 the vendor refuses the connection permanently.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from typer.core import TyperGroup

from core.kafka.preflight import preflight
from core.model.errors import ConfigurationError
from core.model.instruments import Source, Universe, parse_universe
from core.model.settings import Settings
from core.model.suggestions import nearest
from core.runtime.exit_codes import exit_codes
from core.runtime.files import CATALOGUE, UNIVERSE, parsed
from core.runtime.log import configure_log
from core.runtime.settings import collect_settings, variable_of
from producers.backfill.history import history_files
from producers.backfill.warm_start import find_source
from producers.feeds import FEEDS, feed_sections
from producers.feeds.base import Codec, Feed
from producers.ingest.addresses import holds_credentials, printable, refuse_in_clear
from producers.ingest.artefacts_mark import Choice, run_artefacts_mark
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


class Feeds(TyperGroup):
    """The feeds by name, and what else writes to the ticks topic."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Require the name of a feed before any option, because each feed has options of its own."""
        own = {option for parameter in self.get_params(ctx) for option in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own):
            ctx.fail(f"name the feed first: rotascope produce FEED [OPTIONS]; feeds: {', '.join(FEEDS)}")
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Refuse an unknown feed with the nearest one."""
        if args[0] not in self.commands:
            ctx.fail(f"no feed {args[0]!r}{nearest(args[0], self.commands, list_all=True)}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    help="""Stream a vendor's trades into Kafka.

    FEED is one of the feeds below, settings-mark or artefacts-mark. Each feed
    has options, a section in the settings file and environment variables,
    which 'rotascope produce FEED --help' lists.

    Exit codes: 0 ended as requested; 1 the broker failed; 2 FEED is missing or
    unknown, or settings or input are invalid; 78 the vendor refuses the
    connection permanently.

    Examples:
      rotascope produce alpaca --bootstrap-servers kafka:9092
      rotascope produce settings-mark --catalogue catalogue.toml
      rotascope produce artefacts-mark --artefacts set.json.gz
    """,
    cls=Feeds,
    subcommand_metavar="FEED [OPTIONS]",
)


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
    int | None,
    typer.Option(min=0, max=65_535, help="Port of /metrics, another for each command; 0 picks a free one."),
]


def _feed_command(name: str) -> Callable[..., None]:
    """Return the command of one feed; its name is the default of --source."""

    def stream(
        settings_file: SettingsFile = None,
        url: Url = None,
        universe_file: UniverseFile = None,
        source: SourceName = name,
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
        flags: dict[str, Any] = {
            name: {"url": url, "codec": codec},
            "kafka": kafka_flags(bootstrap_servers, partitions, broker_api_version),
            "producer": {"clock": clock},
            "metrics": {"port": metrics_port},
            "universe_file": universe_file,
        }
        with exit_codes():
            if url is not None and holds_credentials(url):
                raise ConfigurationError(
                    f"--url {printable(url)}: user, password and query would be visible in the process list",
                    operator_action=f"set the full URL in {variable_of(name, 'url')} or in the settings file",
                )
            flags["history"] = history_files(history)
            settings = collect_settings(settings_file, flags, feed_sections())
            configure_log(settings.log)
            universe = parsed(settings.universe_file, UNIVERSE, parse_universe)
            named = _source(universe, source)
            run_feed(
                _feed(name, settings, named, universe),
                named,
                universe,
                settings,
                until=last_session(history_until),
                epoch=producer_epoch(epoch),
            )

    return stream


def _source(universe: Universe, name: str) -> Source:
    """Return the source that --source names.

    Raises:
        ConfigurationError: The universe has none of that name; the message suggests the nearest.
    """
    names = [each.name for each in universe.sources]
    if name not in names:
        raise ConfigurationError(
            f"--source {name!r}: the universe has no such source{nearest(name, names, list_all=True)}",
            operator_action="correct --source, or add it to the universe under [[source]]",
        )
    return find_source(universe, name)


def _feed(name: str, settings: Settings, source: Source, universe: Universe) -> Feed:
    """Make a feed, unless its credentials would be readable on the network."""
    own = settings.section(name, FEEDS[name].settings)
    if refuse_in_clear(own.url, name, insecure=own.insecure):
        structlog.get_logger().warning(
            f"the API secret is sent unencrypted, because {name}.insecure is true", url=printable(own.url)
        )
    instruments = tuple(each for each in universe.instruments if each.source == source.name)
    return FEEDS[name].make(own, source, instruments)


def _feed_help(name: str) -> str:
    """Return the help of a feed's command, with the keys of its section."""
    return f"""{FEEDS[name].summary}

Streams into the ticks topic, until SIGTERM or the end of a recording. After a
lost connection the program reconnects and writes a gap mark; if the vendor
refuses the key, it exits.

Keys of the section {name} in the settings file, and their environment variables:
{_section_help(name)}

There are no flags for credentials: they would be visible in the process list.

Exit codes: 0 ended as requested; 1 the broker failed; 2 invalid settings,
universe or history; 78 the vendor refuses the connection permanently.

Examples:
  rotascope produce {name} --bootstrap-servers kafka:9092 --universe universe.toml
  rotascope produce {name} --url ws://127.0.0.1:9701/v2/sip --clock recorded
"""


def _section_help(name: str) -> str:
    section = FEEDS[name].settings
    short = {key: variable for variable, key in section.variables.items()}
    return "\n".join(
        f"  {key}, {short.get(key, variable_of(name, key))}: {field.description}"
        for key, field in section.model_fields.items()
    )


for _name in FEEDS:
    app.command(_name, help=_feed_help(_name), short_help=FEEDS[_name].summary, rich_help_panel="Feeds")(
        _feed_command(_name)
    )


@app.command(rich_help_panel="Other commands")
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
        settings = collect_settings(settings_file, flags, feed_sections())
        configure_log(settings.log)
        preflight(settings.kafka, structlog.get_logger().warning)
        universe = parsed(settings.universe_file, UNIVERSE, parse_universe)
        catalogue = parsed(settings.catalogue_file, CATALOGUE, parse_catalogue)
        written = run_settings_mark(
            catalogue, universe, settings, ts_ns=time.time_ns(), epoch=producer_epoch(epoch)
        )
        typer.echo(
            f"{len(catalogue.definitions)} definitions ({catalogue.mark:016x}) are in force from here, "
            f"in {written} partitions of {settings.kafka.ticks_topic}"
        )


@app.command(rich_help_panel="Other commands")
def artefacts_mark(
    artefacts: Annotated[
        Path | None, typer.Option("--artefacts", help="A set from 'study prepare --store'.")
    ] = None,
    base_rates: Annotated[
        Path | None, typer.Option("--base-rates", help="Base rates from 'study base-rates --store'.")
    ] = None,
    rarity: Annotated[
        Path | None, typer.Option("--rarity", help="Rarity from 'study nulls --store'.")
    ] = None,
    digest: Annotated[
        str | None, typer.Option("--digest", help="A published set, by the first digits of its digest.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="From here on events carry neither.")] = False,
    settings_file: SettingsFile = None,
    universe_file: UniverseFile = None,
    bootstrap_servers: Servers = None,
    partitions: Partitions = None,
    broker_api_version: ApiVersion = None,
    topic_generation: Generation = None,
    epoch: Epoch = None,
) -> None:
    """Mark the place in the log from which events carry other base rates and rarity.

    Publishes the set to rotascope.artefacts first, unless it is there. All
    workers change at the mark, also in a replay; workers with files of their
    own use them only where the mark names them. Without an option the set is
    that of base_rates_file and rarity_file in the settings.

    Exit codes: 0 written; 1 the broker failed; 2 invalid files, universe or
    settings, or a set without any pair of the universe.

    Examples:
      rotascope produce artefacts-mark --artefacts set.json.gz
      rotascope produce artefacts-mark --base-rates rates.json --rarity rarity.json
      rotascope produce artefacts-mark --digest 3f9a01c2
    """
    kafka = kafka_flags(bootstrap_servers, partitions, broker_api_version)
    kafka |= {"topic_generation": topic_generation}
    with exit_codes():
        settings = collect_settings(
            settings_file, {"kafka": kafka, "universe_file": universe_file}, feed_sections()
        )
        configure_log(settings.log)
        preflight(settings.kafka, structlog.get_logger().warning)
        universe = parsed(settings.universe_file, UNIVERSE, parse_universe)
        choice = Choice(artefacts, base_rates, rarity, digest, none)
        typer.echo(
            run_artefacts_mark(choice, universe, settings, ts_ns=time.time_ns(), epoch=producer_epoch(epoch))
        )


if __name__ == "__main__":
    app()
