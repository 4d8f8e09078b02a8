"""`rotascope replay`: serves recorded trades through the vendor's protocol on this machine.

Exit codes (see `core.runtime.exit_codes`): 0 played to the end, or stopped; 2 an unusable file, or a port in
use.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import polars as pl
import typer

from core.model.sessions import build_calendar, day_to_date
from core.runtime.exit_codes import exit_codes
from producers.replay.bar_files import NO_CLOSES, read_bars, read_closes
from producers.replay.bar_paths import first_and_last_day, load_bars
from producers.replay.days import on_days, read_days
from producers.replay.demo import (
    DEMO_CALENDAR,
    LAST_HISTORY_DAY,
    demo_recording,
    write_demo_history,
)
from producers.replay.listings import with_listings
from producers.replay.recording import Recording
from producers.replay.report import JsonReport, PlainReport, PlaybackReport, TerminalReport
from producers.replay.runner import run_server
from producers.replay.settings import ReplaySettings
from producers.replay.tick_files import load_tick_files, tick_files_in

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 9701

app = typer.Typer(help="Play recorded trades through a vendor's protocol.", no_args_is_help=True)
serve_app = typer.Typer(help="Serve a recording on a local websocket.", no_args_is_help=True)
app.add_typer(serve_app, name="serve")


class OutputFormat(StrEnum):
    """Output format of the run's progress."""

    TEXT = "text"
    JSON = "json"


BarFile = Annotated[Path | None, typer.Argument(help="CSV of five-minute bars; default: the demo's.")]
Closes = Annotated[
    Path | None, typer.Option(help="CSV of official closes; default: the demo's, for the demo's bars.")
]
Symbols = Annotated[str, typer.Option(help="Only these symbols, comma-separated.")]
Days = Annotated[str, typer.Option(help="Only these days: 2024-07-11, or 2024-07-08..2024-07-10.")]
Listings = Annotated[
    list[str] | None, typer.Option("--listing", help="Listing of a symbol: IWM=P, or NDX=INDEX.")
]
Speed = Annotated[
    float, typer.Option(min=0, help="Event seconds per wall-clock second; 0: as fast as the client reads.")
]
LongestGap = Annotated[
    float, typer.Option(help="Longer gaps (nights) are shortened to this many event seconds.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")]
Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 or :: for all interfaces.")]
FrameSize = Annotated[
    int, typer.Option("--trades-per-frame", min=1, max=65535, help="Maximum trades per frame.")
]
Repeat = Annotated[
    bool, typer.Option("--repeat", help="Replay to each connection from the start, until Ctrl-C.")
]
Output = Annotated[OutputFormat, typer.Option("--format", help="Text for people, JSON for programs.")]


@serve_app.command()
def bars(
    bar_file: BarFile = None,
    closes: Closes = None,
    days: Days = "",
    symbols: Symbols = "",
    listing: Listings = None,
    speed: Speed = 300.0,
    longest_gap: LongestGap = 300.0,
    host: Host = DEFAULT_HOST,
    port: Port = DEFAULT_PORT,
    trades_per_frame: FrameSize = 256,
    repeat: Repeat = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Play five-minute bars as trades: open, nearer extreme, other extreme, close.

    Each day's official close follows as the closing print. Clients authenticate with
    ROTASCOPE_REPLAY_KEY and ROTASCOPE_REPLAY_SECRET; both default to "replay".

    Examples:
      rotascope replay serve bars --speed 600
      rotascope replay serve bars --days 2024-07-11 --symbols RUT,SPX --repeat
      rotascope replay serve bars bars.csv --closes closes.csv --speed 0
    """
    with exit_codes():
        settings = _settings(host, port, speed, longest_gap, trades_per_frame, repeat)
        official = None if closes is None else read_closes(closes)
        if bar_file is None:
            recording = demo_recording(official)
        else:
            recording = _bar_recording(bar_file, official, listing or [])
        _serve(_selected(recording, days, symbols), settings, output)


@serve_app.command()
def ticks(
    paths: Annotated[list[Path], typer.Argument(help="Tick files, or directories of them.")],
    days: Days = "",
    symbols: Symbols = "",
    listing: Listings = None,
    speed: Speed = 60.0,
    longest_gap: LongestGap = 300.0,
    host: Host = DEFAULT_HOST,
    port: Port = DEFAULT_PORT,
    trades_per_frame: FrameSize = 256,
    repeat: Repeat = False,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Play tick files of the consolidated tape (CSV as AlgoSeek's, plain or gzipped).

    Clients authenticate with ROTASCOPE_REPLAY_KEY and ROTASCOPE_REPLAY_SECRET; both default to
    "replay".

    Examples:
      rotascope replay serve ticks SPY_20131008_trades.csv.gz --speed 60
      rotascope replay serve ticks recorded/ --symbols SPY,IBM --speed 0
    """
    with exit_codes():
        settings = _settings(host, port, speed, longest_gap, trades_per_frame, repeat)
        files = [file for path in paths for file in tick_files_in(path)]
        recording = load_tick_files(files, with_listings(listing or ()))
        _serve(_selected(recording, days, symbols), settings, output)


@app.command()
def history(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="Created if it is missing.")],
    until: Annotated[
        datetime,
        typer.Option("--until", formats=["%Y-%m-%d"], help="Last session to write."),
    ] = datetime(LAST_HISTORY_DAY.year, LAST_HISTORY_DAY.month, LAST_HISTORY_DAY.day),  # noqa: DTZ001
) -> None:
    """Write the daily closes that ship with the demo's bars to CSV files, one per symbol.

    They are a history for 'backfill', which should end before the first
    session that is played, and for 'study'.

    Exit codes: 0 written; 2 the directory cannot be written.

    Examples:
      rotascope replay history history
      rotascope study events --bars RUT=history/RUT.csv --bars SPX=history/SPX.csv --pair RUT/SPX
    """
    with exit_codes():
        files = write_demo_history(directory, until.date())
    names = ", ".join(file.name for file in files)
    typer.echo(f"wrote {names} to {directory.absolute()}, sessions to {until:%Y-%m-%d}")


def _bar_recording(bar_file: Path, closes: pl.DataFrame | None, listing: list[str]) -> Recording:
    rows = read_bars(bar_file)
    first, last = first_and_last_day(rows)
    calendar = build_calendar(DEMO_CALENDAR, day_to_date(first), day_to_date(last))
    return load_bars(rows, NO_CLOSES if closes is None else closes, calendar, with_listings(listing))


def _settings(
    host: str,
    port: int,
    speed: float,
    longest_gap_s: float,
    trades_per_frame: int,
    repeat: bool,
) -> ReplaySettings:
    """Build the settings; key and secret come from the environment, which the process list does not show."""
    key = os.environ.get("ROTASCOPE_REPLAY_KEY") or "replay"
    secret = os.environ.get("ROTASCOPE_REPLAY_SECRET") or "replay"
    return ReplaySettings(
        host=host,
        port=port,
        credentials=((key, secret),),
        speed=speed,
        longest_gap_s=longest_gap_s,
        trades_per_frame=trades_per_frame,
        repeat=repeat,
    )


def _selected(recording: Recording, days: str, symbols: str) -> Recording:
    if symbols:
        recording = recording.only(symbol.strip() for symbol in symbols.split(","))
    return on_days(recording, read_days(days)) if days else recording


def _serve(recording: Recording, settings: ReplaySettings, output: OutputFormat) -> None:
    report: PlaybackReport
    if output is OutputFormat.JSON:
        report = JsonReport()
    elif sys.stdout.isatty():
        report = TerminalReport()
    else:
        report = PlainReport()
    asyncio.run(run_server(recording, settings, report))
