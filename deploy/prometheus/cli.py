"""`rotascope alerts`: alerts on market events through Prometheus and Alertmanager."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consumers.inspect.event_filter import EventFilter, refuse_unknown
from core.model.errors import InputError
from core.model.instruments import parse_universe
from core.model.settings import MetricsSettings
from core.runtime.exit_codes import exit_codes
from core.runtime.files import CATALOGUE, UNIVERSE, parsed
from core.runtime.settings import SETTINGS_VARIABLE, collect_settings, sections_of

app = typer.Typer(no_args_is_help=True, help="Alerts on market events.")


@app.callback()
def _alerts() -> None:
    """Alerts on market events."""


@app.command()
def rules(
    context: typer.Context,
    definitions: Annotated[
        list[str], typer.Option("--definition", help="Definition to be told of; repeatable.")
    ],
    pairs: Annotated[
        list[str] | None,
        typer.Option("--pair", help="Only this pair, as RUT/SPX; repeatable. Default: every pair."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.yml", help="File to write; default: standard output."),
    ] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option("--catalogue", help="TOML file of definitions; default: the shipped one."),
    ] = None,
    universe: Annotated[
        Path | None, typer.Option("--universe", help="TOML file of pairs; default: the demo's.")
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings", envvar=SETTINGS_VARIABLE, help="TOML file that names catalogue and universe."
        ),
    ] = None,
) -> None:
    """Write a Prometheus rule file that makes alerts of market events.

    Each alert has the severity `market`, the labels `pair` and
    `definition`, and the definition's title. A definition that ends with
    its opening, such as opposite_day_up, fires for 10 minutes after it; any
    other fires while its episode is open. Two more alerts tell that a
    definition or a pair is missing in the metrics. Prometheus reads a new
    file on SIGHUP.

    Exit codes: 0 done; 2 an unknown definition or pair, or a file that
    cannot be written.

    Examples:
      rotascope alerts rules --definition opposite_day_up --pair RUT/SPX
      rotascope alerts rules --definition ratio_high_year --out market/year.yml
    """
    with exit_codes():
        settings = collect_settings(settings_file, {}, sections_of(context))
        catalogue, universe = catalogue or settings.catalogue_file, universe or settings.universe_file
        wanted, names = list(dict.fromkeys(definitions)), list(dict.fromkeys(pairs or ()))
        refuse_unknown(
            EventFilter(definitions=frozenset(wanted), pairs=frozenset(names)), catalogue, universe
        )
        # Parsing a catalogue loads every indicator, which `--help` need not wait for.
        from core.definitions.catalogue import parse_catalogue
        from deploy.prometheus.market_rules import market_rules

        known = parsed(catalogue, CATALOGUE, parse_catalogue)
        text = market_rules([known.get(name) for name in wanted], names)
        _note_hidden(settings.metrics, universe, names)
        if out is None:
            typer.echo(text, nl=False)
            return
        _write(out, text)
    typer.echo(f"wrote {out}; Prometheus reads it on SIGHUP")


def _note_hidden(metrics: MetricsSettings, universe: Path | None, pairs: list[str]) -> None:
    """Say which pairs the metrics do not always show; an alert on an episode cannot see those."""
    known = [pair.name for pair in parsed(universe, UNIVERSE, parse_universe).pairs]
    if not metrics.watched_pairs and len(known) <= metrics.pairs_max:
        return
    hidden = [pair for pair in pairs or known if pair not in metrics.watched_pairs]
    if hidden:
        shown = ", ".join(hidden[:5]) + (f" and {len(hidden) - 5} more" if len(hidden) > 5 else "")
        typer.echo(
            f"note: workers show these pairs only while they are among the strongest or weakest: {shown}\n"
            "Operator action: add them to metrics.watched_pairs of the workers",
            err=True,
        )


def _write(out: Path, text: str) -> None:
    """Write a file so that Prometheus never reads half of it."""
    half = out.with_name(f".{out.name}.new")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(text, encoding="utf-8")
        half.replace(out)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror}", operator_action="name another file with --out"
        ) from error
