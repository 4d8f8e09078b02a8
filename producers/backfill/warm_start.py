"""Warm start from daily files: reads, validates and converts them to baseline records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.daily.limits import limits_of
from core.engine.baseline import baseline_records
from core.model.errors import ConfigurationError, HistoryError
from core.model.instruments import Universe
from core.model.sessions import Calendar
from core.model.settings import HistoryFile
from core.model.sources import find_source as find_source
from core.runtime.daily_files import Covered, DailyFormat, build_covering, check_all, read_all


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Completed sessions, ready to be published.

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
    """Validated daily files.

    Args:
        frames: Instrument → frame of `core.research.history.judge_daily`.
        calendars: By name, from the first day to the last.
        first: Earliest date of any file.
        last: Latest date of any file.
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
    now_ns: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> WarmStart:
    """Read and validate daily files, and convert them to baseline records.

    Args:
        files: One per symbol.
        universe: Contains the symbols.
        source_name: Source in the universe for the records.
        until: The last session to use, inclusive: the one before the first live or recorded tick.
        overrides: See `core.model.sessions.build_calendar`.
        now_ns: Current time; rows dated after it are dropped. None for no limit.
        on_progress: Called with the number of files read and the total.

    Raises:
        ConfigurationError: There is no such source, or no file.
        UniverseError: A symbol is not in the universe.
        HistoryError: A file is unreadable or invalid.
    """
    source = find_source(universe, source_name)
    history = read_checked(files, universe, overrides=overrides, now_ns=now_ns, on_progress=on_progress)
    records = baseline_records(history.frames, universe, history.calendars, until, source.source_id)
    if len(records) == 0:
        raise HistoryError(f"no session of the history is on or before {until}")
    return WarmStart(records, history.first, min(history.last, until))


def read_checked(
    files: Sequence[HistoryFile],
    universe: Universe,
    *,
    format: DailyFormat | None = None,
    overrides: str = "",
    now_ns: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> CheckedFiles:
    """Read daily files and check them against their calendars.

    Args:
        files: One per symbol.
        universe: Contains the symbols.
        format: Required file format; None to detect it per file.
        overrides: See `core.model.sessions.build_calendar`.
        now_ns: Current time; rows dated after it are dropped. None for no limit.
        on_progress: Called with the number of files read and the total.

    Raises:
        ConfigurationError: There is no file, or two for one symbol.
        UniverseError: A symbol is not in the universe.
        HistoryError: A file is unreadable or invalid.
    """
    if not files:
        raise ConfigurationError("a warm start needs at least one history file")
    _refuse_twice(files)
    calendar_names = {file.symbol: universe.instrument(file.symbol).calendar for file in files}
    raw = read_all(files, calendar_names.__getitem__, now_ns=now_ns, format=format, on_progress=on_progress)
    covered: dict[str, Covered] = {}
    for name in sorted(set(calendar_names.values())):
        of_name = [file for symbol, file in raw.items() if calendar_names[symbol] == name]
        covered[name] = build_covering(of_name, name, overrides=overrides)
    series = [symbol for symbol in raw if universe.instrument(symbol).is_series]
    frames = check_all(
        raw,
        lambda symbol: covered[calendar_names[symbol]],
        signed=series,
        limits=lambda symbol: limits_of(universe.instrument(symbol)),
    )
    return CheckedFiles(
        {universe.instrument(symbol).instrument_id: frame for symbol, frame in frames.items()},
        {name: each.calendar for name, each in covered.items()},
        min(each.first for each in covered.values()),
        max(each.last for each in covered.values()),
    )


def _refuse_twice(files: Sequence[HistoryFile]) -> None:
    seen: dict[str, HistoryFile] = {}
    for file in files:
        if file.symbol in seen:
            raise ConfigurationError(
                f"the history names {file.symbol!r} twice: "
                f"{seen[file.symbol].file.name} and {file.file.name}",
                operator_action="give one file per symbol",
            )
        seen[file.symbol] = file
