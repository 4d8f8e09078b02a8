"""Reads the daily volumes of the members of an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from core.daily.reading import read_volumes
from core.model.errors import ConfigurationError
from core.model.settings import HistoryFile
from core.research.claim_members import MemberVolumes
from core.research.history import judge_volumes
from core.runtime.daily_files import build_covering, log_findings, read_named
from core.runtime.daily_options import FileOptions, history_entries
from core.runtime.files import CALENDAR_OVERRIDES, read_text
from core.runtime.named_files import NamedFile

MEMBERS_EXAMPLE: Final = "write, for example, --members RUT=volumes.csv"


def read_members(
    files: Sequence[NamedFile], calendar: str, options: FileOptions, *, besides: Sequence[str]
) -> dict[str, MemberVolumes]:
    """Read and check files of members' volumes.

    Args:
        files: The files, one per name.
        calendar: Name of the trading calendar.
        options: How to read the files.
        besides: Names of the command's other files, to which options may refer.

    Returns:
        Name → volumes.

    Raises:
        ConfigurationError: A column is given, or an option is invalid.
        HistoryError: A file cannot be used; the message names the file and the row or date.
    """
    for file in files:
        if file.column != "close":
            raise ConfigurationError(
                f"--members {file.name}: a file of members has a column for each of them, and takes no "
                f"column behind a colon, such as {file.column!r}",
                operator_action=MEMBERS_EXAMPLE,
            )
    entries = history_entries(files, options, besides=besides)
    return {entry["symbol"]: _read(HistoryFile(**entry), calendar, options) for entry in entries}


def _read(file: HistoryFile, calendar: str, options: FileOptions) -> MemberVolumes:
    read = read_named(file, calendar, now_ns=options.now_ns, read=read_volumes)
    covered = build_covering([read], calendar, overrides=read_text(None, CALENDAR_OVERRIDES))
    checked = judge_volumes(read.daily, covered.calendar, name=read.name)
    log_findings(read, checked.findings)
    sessions = np.asarray(covered.calendar.session, np.int64)
    days = checked.frame["date"].to_physical().cast(pl.Int64).to_numpy()
    volumes = np.full((len(sessions), checked.frame.width - 1), np.nan)
    volumes[np.searchsorted(sessions, days)] = checked.frame.drop("date").to_numpy()
    return MemberVolumes(sessions, volumes)
