"""`rotascope study prepare`: base rates and rarity for the universe's pairs, as one set."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import structlog
import typer

from core.model.errors import ConfigurationError
from core.model.figure_text import plural
from core.model.records import NANOSECONDS_PER_MILLISECOND
from core.runtime.daily_options import AcceptJump, DateColumn, DateFormat, FileOptions, history_entries
from core.runtime.exit_codes import exit_codes
from core.runtime.files import CALENDAR_OVERRIDES, CATALOGUE, UNIVERSE, parsed, read_text, write_bytes
from core.runtime.named_files import named_files
from core.runtime.progress import progress
from core.runtime.settings import SETTINGS_VARIABLE, collect_settings, sections_of

if TYPE_CHECKING:
    from consumers.study.preparing import Preparation, Work
    from core.events.artefact_set import ArtefactSet
    from core.model.instruments import Universe
    from core.model.settings import Settings
    from core.research.prepared import PreparedPair

_EXAMPLE: Final = "write, for example, --history RUT=RUT.csv or --history IJR=adjusted.csv:IJR"
_CACHE: Final = Path("rotascope-prepared")
_A_YEAR: Final = timedelta(days=366)


def prepare(
    context: typer.Context,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings", envvar=SETTINGS_VARIABLE, help="TOML file of settings; flags take precedence."
        ),
    ] = None,
    universe_file: Annotated[
        Path | None,
        typer.Option("--universe", help="TOML file of instruments and pairs; default: the demo's."),
    ] = None,
    catalogue_file: Annotated[
        Path | None, typer.Option("--catalogue", help="TOML file of definitions; default: Rotascope's own.")
    ] = None,
    history: Annotated[
        list[str] | None,
        typer.Option(
            "--history",
            metavar="SYMBOL=FILE[:COLUMN]",
            help="A daily file of a leg or series; repeatable; default: [[history]] of the settings.",
        ),
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(
            "--pair", metavar="NUMERATOR/BENCHMARK", help="A pair of the universe; repeatable; default: all."
        ),
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="Write the set to this file; compressed if it ends in .gz.")
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish the set to rotascope.artefacts.")
    ] = False,
    activate: Annotated[
        bool, typer.Option("--activate", help="Also mark the log, so that events carry the set from here on.")
    ] = False,
    from_date: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DATE",
            help="First session whose events look up base rates; default: a year before the files' end.",
        ),
    ] = None,
    to_date: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Ignore days after this date.")
    ] = None,
    simulations: Annotated[
        int, typer.Option("--simulations", min=2, max=1000, help="Simulated histories per null and pair.")
    ] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same histories.")] = 1,
    cache: Annotated[
        Path, typer.Option("--cache", help="Directory in which the result of each pair is kept.")
    ] = _CACHE,
    bootstrap_servers: Annotated[
        str | None, typer.Option("--bootstrap-servers", metavar="HOST:PORT[,…]", help="Kafka, to publish to.")
    ] = None,
    partitions: Annotated[
        int | None, typer.Option("--partitions", min=1, help="Partitions of the ticks topic, for --activate.")
    ] = None,
    date_column: DateColumn = None,
    date_format: DateFormat = None,
    accept_jump: AcceptJump = None,
) -> None:
    """Compute base rates and rarity of the universe's pairs, as one set that events can carry.

    For each pair the engine runs over its daily history, and over simulated
    ones as in 'study nulls'. The time is measured and stated first. Each
    pair's result is kept in --cache: after Ctrl-C the same command goes on
    where it stopped, and computes again only what has changed.

    Events carry the set from the place in the log where it is activated:
    with --activate now, or later with 'rotascope produce artefacts-mark'.

    Exit codes: 0 done; 1 the broker failed; 2 input or usage; 130 Ctrl-C.

    Examples:
      rotascope study prepare --settings rotascope.toml --publish --activate
      rotascope study prepare --universe universe.toml --history IWM=IWM.csv
          --history SPY=SPY.csv --pair IWM/SPY --store set.json.gz
    """
    with exit_codes():
        _require_target(store, publish=publish or activate)
        given = FileOptions(date_column, date_format, accept_jump, time.time_ns())
        flags: dict[str, Any] = {
            "kafka": {"bootstrap_servers": bootstrap_servers, "partitions": partitions},
            "universe_file": universe_file,
            "catalogue_file": catalogue_file,
            "history": history_entries(named_files(history, "--history", _EXAMPLE).values(), given)
            if history
            else None,
        }
        settings = collect_settings(settings_file, flags, sections_of(context))
        from consumers.study.inputs import parse_date
        from core.kafka.artefact_topic import published_sets
        from core.kafka.preflight import preflight
        from core.model.instruments import parse_universe

        universe = parsed(settings.universe_file, UNIVERSE, parse_universe)
        if publish or activate:
            preflight(settings.kafka, structlog.get_logger().warning)
            published_sets(settings.kafka)  # a broker that is away is better known before than after
        made = _prepared(
            settings,
            universe,
            pair or [],
            first=parse_date(from_date, "--from"),
            last=parse_date(to_date, "--to"),
            simulations=simulations,
            seed=seed,
            cache=cache,
        )
        if store is not None:
            write_bytes(store, made.encode() if store.suffix == ".gz" else made.as_json())
            typer.echo(f"written to {store}")
        _publish(made, universe, settings, publish=publish, activate=activate)


def _require_target(store: Path | None, *, publish: bool) -> None:
    if store is None and not publish:
        raise ConfigurationError(
            "the set would be lost", operator_action="pass --store FILE, --publish or --activate"
        )
    if store is not None and not store.absolute().parent.is_dir():
        raise ConfigurationError(
            f"{store} cannot be written: its directory does not exist", operator_action="choose another file"
        )


def _prepared(
    settings: Settings,
    universe: Universe,
    names: Sequence[str],
    *,
    first: date | None,
    last: date | None,
    simulations: int,
    seed: int,
    cache: Path,
) -> ArtefactSet:
    # Imported here: they load the kernels, which --help does not need.
    from consumers.study.pair_groups import read_groups
    from consumers.study.preparing import Preparation
    from core.definitions.catalogue import parse_catalogue
    from core.model.sessions import day_to_date, session_day
    from core.research.study_rates import last_session

    pairs = [universe.pair(name) for name in dict.fromkeys(names)] or universe.pairs
    catalogue = parsed(settings.catalogue_file, CATALOGUE, parse_catalogue)
    with progress("reading history") as step:
        groups, left_out = read_groups(
            universe,
            settings.history,
            pairs,
            overrides=read_text(settings.calendar_overrides_file, CALENDAR_OVERRIDES),
            now_ns=time.time_ns(),
            last=last,
            on_progress=step,
        )
    for line in left_out:
        typer.echo(f"left out: {line}", err=True)
    preparation = Preparation(groups, catalogue, simulations, seed, cache)
    found = _computed(preparation)
    end = day_to_date(max(last_session(group.frames) for group in groups))
    made = preparation.combine(found, session_day(first or end - _A_YEAR))
    typer.echo(
        f"set {made.digest[:16]}: base rates of {len(made.rates.cards):,} and rarity of "
        f"{len(made.rarities.cards):,} definitions and pairs, {plural(len(made.pairs), 'pair')}, "
        f"history to {end}"
    )
    return made


def _computed(preparation: Preparation) -> list[PreparedPair]:
    """Compute what is not kept yet; say first how long that takes."""
    every = preparation.work()
    found = {work.pair.name: preparation.result(work) for work in every}
    left = [work for work in every if found[work.pair.name] is None]
    if left:
        typer.echo(_estimate(preparation, left, len(every)), err=True)
    done = len(every) - len(left)
    try:
        for work in left:
            with progress(f"{work.pair.name} ({done + 1} of {plural(len(every), 'pair')})") as step:
                # Another run over the same directory may have been faster.
                found[work.pair.name] = preparation.result(work) or preparation.prepare(work, step)
            done += 1
    except KeyboardInterrupt:
        typer.echo(
            f"stopped: {done} of {plural(len(every), 'pair')} kept in {preparation.cache}; the same "
            "command goes on from there",
            err=True,
        )
        raise
    return [one for work in every if (one := found[work.pair.name]) is not None]


def _estimate(preparation: Preparation, left: Sequence[Work], total: int) -> str:
    with progress("measuring the time a session takes") as step:
        step(0, 1)
        seconds_a_session = preparation.seconds_a_session(left[0])
        step(1, 1)
    sessions = sum(work.sessions for work in left)
    return (
        f"{plural(total, 'pair')}: {total - len(left)} kept from earlier runs, {len(left)} to compute over "
        f"{sessions:,} sessions: about {_duration(sessions * seconds_a_session)} (measured on the first "
        f"sessions of {left[0].pair.name} and its {4 * preparation.simulations} simulated histories: "
        f"{1000 * seconds_a_session:.1f} ms a session)"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"


def _publish(
    made: ArtefactSet, universe: Universe, settings: Settings, *, publish: bool, activate: bool
) -> None:
    from core.kafka.artefact_topic import publish_set
    from core.kafka.artefacts_in_force import put_in_force
    from core.model.topics import ARTEFACTS_TOPIC

    if activate:
        now_ns = time.time_ns()
        _, marked = put_in_force(
            made, universe, settings, ts_ns=now_ns, epoch=now_ns // NANOSECONDS_PER_MILLISECOND
        )
        typer.echo(
            f"published to {ARTEFACTS_TOPIC}; in force from here, in {marked} partitions of "
            f"{settings.kafka.ticks_topic}"
        )
    elif publish:
        written = publish_set(settings.kafka, made)
        typer.echo(
            f"{'published to' if written else 'was already in'} {ARTEFACTS_TOPIC}; put it in force with "
            f"'rotascope produce artefacts-mark --digest {made.digest[:16]}'"
        )
