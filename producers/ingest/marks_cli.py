"""`rotascope produce settings-mark` and `artefacts-mark`: what is in force from a place in the log on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import structlog
import typer

from core.kafka.preflight import preflight
from core.model.instruments import parse_universe
from core.runtime.exit_codes import exit_codes
from core.runtime.files import CATALOGUE, UNIVERSE, parsed
from core.runtime.log import configure_log
from core.runtime.settings import collect_settings
from producers.feeds import feed_sections
from producers.ingest.artefacts_mark import Choice, run_artefacts_mark
from producers.ingest.settings_mark import run_settings_mark
from producers.options import (
    ApiVersion,
    Epoch,
    Generation,
    Partitions,
    Servers,
    SettingsFile,
    UniverseFile,
    kafka_flags,
    producer_epoch,
)


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
