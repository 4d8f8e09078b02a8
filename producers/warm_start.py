"""From daily files to the log: read, check, turn into baseline records, publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
import structlog
from numpy.typing import NDArray

from core.baseline import baseline_records
from core.errors import ConfigurationError, HistoryError
from core.history import check_daily
from core.instruments import Source, Universe
from core.sessions import Calendar, build_calendars
from core.settings import HistoryFile
from core.suggestions import nearest
from deploy.edge.daily_files import DailyFormat, read_daily_file


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Finished sessions, ready to be published.

    Args:
        records: TICK (n,), kind BASELINE.
        first: Date of the first session.
        last: Date of the last session.
    """

    records: NDArray[np.void]
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """Daily files, read and checked.

    Args:
        frames: Instrument → frame of `core.history.check_daily`.
        calendars: By name, from the first day to the last.
        first: The earliest date of any file.
        last: The latest.
    """

    frames: Mapping[int, pl.DataFrame]
    calendars: Mapping[str, Calendar]
    first: date
    last: date


def read_warm_start(
    files: Sequence[HistoryFile],
    universe: Universe,
    *,
    source_name: str,
    until: date,
    overrides: str = "",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> WarmStart:
    """Read and check daily files, and turn them into baseline records.

    Args:
        files: One a symbol; CSV unless the name ends in ".parquet".
        universe: Knows the symbols.
        source_name: The universe's source that the records name.
        until: The last session to use, included: the one before the first live or recorded tick.
        overrides: As for `core.sessions.build_calendar`.
        on_progress: Told how many files are read, and of how many.

    Raises:
        ConfigurationError: No such source, or no file at all.
        UniverseError: A symbol that is not in the universe.
        HistoryError: A file that cannot be read or used.
    """
    source = find_source(universe, source_name)
    history = read_checked(files, universe, overrides=overrides, on_progress=on_progress)
    records = baseline_records(history.frames, universe, history.calendars, until, source.source_id)
    if len(records) == 0:
        raise HistoryError(f"no session of the history lies on or before {until}")
    return WarmStart(records, history.first, min(history.last, until))


def read_checked(
    files: Sequence[HistoryFile],
    universe: Universe,
    *,
    format: DailyFormat | None = None,
    overrides: str = "",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> CheckedFiles:
    """Read daily files and hold them against their calendars.

    Args:
        files: One a symbol.
        universe: Knows the symbols.
        format: None: as each file's name says.
        overrides: As for `core.sessions.build_calendar`.
        on_progress: Told how many files are read, and of how many.

    Raises:
        ConfigurationError: No file at all.
        UniverseError: A symbol that is not in the universe.
        HistoryError: A file that cannot be read or used.
    """
    if not files:
        raise ConfigurationError("a warm start needs at least one history file")
    raw: dict[str, pl.DataFrame] = {}
    for number, file in enumerate(files, start=1):
        universe.instrument(file.symbol)
        raw[file.symbol] = read_daily_file(file.file, file.symbol, file.column, format=format)
        on_progress(number, len(files))
    dates = [day for frame in raw.values() for day in (frame["date"].min(), frame["date"].max())]
    known = [day for day in dates if isinstance(day, date)]
    if not known:
        raise HistoryError("the history files hold no dates")
    names = {universe.instrument(symbol).calendar for symbol in raw}
    calendars = build_calendars(names, min(known), max(known), overrides=overrides)
    frames = {
        universe.instrument(symbol).instrument_id: _checked(symbol, frame, universe, calendars)
        for symbol, frame in raw.items()
    }
    return CheckedFiles(frames, calendars, min(known), max(known))


def find_source(universe: Universe, name: str) -> Source:
    """Give a source of the universe by name.

    Raises:
        ConfigurationError: There is none; the message names the nearest.
    """
    for source in universe.sources:
        if source.name == name:
            return source
    names = [source.name for source in universe.sources]
    raise ConfigurationError(
        f"the universe has no source {name!r}{nearest(name, names, list_all=True)}",
        operator_action="add it to the universe under [[source]], or name another",
    )


def read_daily(file: HistoryFile) -> pl.DataFrame:
    """Read one daily file, unchecked: CSV unless its name ends in ".parquet".

    Raises:
        HistoryError: It cannot be read as such.
    """
    return read_daily_file(file.file, file.symbol, file.column)


def _checked(
    symbol: str, frame: pl.DataFrame, universe: Universe, calendars: Mapping[str, Calendar]
) -> pl.DataFrame:
    """Check one file against its calendar; what was passed over goes to the log."""
    instrument = universe.instrument(symbol)
    calendar = calendars[instrument.calendar]
    checked = check_daily(frame, calendar, name=symbol, signed=instrument.is_series)
    for finding in checked.findings:
        structlog.get_logger().warning("history", symbol=symbol, finding=str(finding))
    return checked.frame
