"""`rotascope`: the command line that puts the pieces together.

A command's module is imported only when the command is called: nobody should wait for the Kafka
client, calendars and compiled kernels to read `--help`, and a process of its own need not carry
what only its neighbours use.
"""

from __future__ import annotations

import importlib
import os
from importlib import metadata
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple

import typer
from rich.markup import escape
from typer.core import TyperGroup

from core.runtime.numba_cache import configure_numba_cache


class Piece(NamedTuple):
    """One command, and where it stands.

    Args:
        module: Imported when the command is called.
        attribute: Its Typer application there.
        summary: What it is for, in the list of commands.
    """

    module: str
    attribute: str
    summary: str


PIECES: Final = MappingProxyType(
    {
        "demo": Piece("deploy.demo.cli", "app", "See all of it at work on eight recorded days of July 2024."),
        "check": Piece(
            "deploy.local.check", "app", "Explain mistakes in settings, universe, catalogue, history."
        ),
        "topics": Piece("deploy.kafka.cli", "app", "Create the topics on a cluster, or say what differs."),
        "backfill": Piece(
            "producers.backfill.cli", "app", "Publish daily history, so that workers start warm."
        ),
        "produce": Piece("producers.ingest.cli", "app", "Stream a vendor's trades into Kafka."),
        "consume": Piece("consumers.worker.cli", "app", "Turn ticks into events, bars, values and metrics."),
        "replay": Piece("producers.replay.cli", "app", "Play recorded trades through a vendor's protocol."),
        "study": Piece(
            "consumers.study.cli",
            "app",
            "Run the engine over daily history: events, values, base rates, report.",
        ),
        "claims": Piece("consumers.claims.cli", "app", "Compute the claim ledger from daily files."),
        "events": Piece("consumers.inspect.tail", "events_app", "Look at the events in their topics."),
        "alerts": Piece("deploy.prometheus.cli", "app", "Make alerts of market events for Prometheus."),
        "ticks": Piece("consumers.inspect.tail", "ticks_app", "Look at the ticks inside their frames."),
        "values": Piece("consumers.inspect.values", "app", "Look at the values of pairs in their frames."),
    }
)


class Pieces(TyperGroup):
    """The commands by name; only the one that is called is imported."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Give the command itself in place of the entry that stands for it in the list."""
        name, entry, rest = super().resolve_command(ctx, args)
        piece = PIECES.get(name or "")
        if piece is None:
            return name, entry, rest
        application = getattr(importlib.import_module(piece.module), piece.attribute)
        return name, _literal(typer.main.get_command(application)), rest


def _literal(command: Any) -> Any:
    """Escape brackets in the help of a command and all below it: Typer takes [kafka] for Rich markup."""
    for each in (command, *command.params):
        for name in ("help", "short_help"):
            if isinstance(text := getattr(each, name, None), str):
                setattr(each, name, escape(text))
    for own in getattr(command, "commands", {}).values():
        _literal(own)
    return command


app = typer.Typer(
    cls=Pieces,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    # What is in a local variable may be a key.
    pretty_exceptions_show_locals=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rotascope {metadata.version('rotascope')}")
        raise typer.Exit


def _sections() -> Any:
    """Return the sections of the settings that belong to feeds, which `consumers` cannot import."""
    from producers.feeds import feed_sections

    return feed_sections()


@app.callback()
def rotascope(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Watch market rotation as it happens: trades in, relative strength and divergences out.

    Settings come from a TOML file (--settings or ROTASCOPE_SETTINGS), from
    variables such as ROTASCOPE_KAFKA__BOOTSTRAP_SERVERS, and from flags; the
    later wins.

    Examples:
      rotascope demo
      rotascope check --universe universe.toml
      rotascope topics apply --bootstrap-servers kafka:9092
      rotascope events tail --pair RUT/SPX --format json

    Exit codes: 0 done; 1 a broker or the network failed; 2 settings or input
    cannot be used; 3 state cannot be restored; 78 the vendor refuses the key;
    130 Ctrl-C.
    """
    context.obj = _sections


def _listed() -> None:
    """Stand in the list of commands for one that is not imported yet."""


for _name, _piece in PIECES.items():
    app.command(_name, help=_piece.summary)(_listed)


def main() -> None:
    """Run the command line."""
    # Before anything imports Numba, which reads the variable only once; child processes inherit it.
    configure_numba_cache(os.environ)
    app(prog_name="rotascope")


if __name__ == "__main__":
    main()
