"""Daily history: read and check closes before they warm an engine or a study.

Callers hand in bytes and get frames; files are opened at the edges. `parse_daily` understands the
file, `check_daily` holds it against the exchange's sessions. What cannot be used is a
`HistoryError`; what can be passed over is a `Finding`, counted and listed, never silent.

A daily frame has the columns `date` (Date) and `close` (Float64), and `open`, `high`, `low`, `volume`
(Float64) where the file has them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, NamedTuple

import polars as pl

from core.errors import HistoryError
from core.sessions import Calendar, day_to_date
from core.suggestions import nearest

_OPTIONAL_COLUMNS: Final = ("open", "high", "low", "volume")
_BLANKS: Final = ("", "nan", "null", "none", "na", "n/a", "-")
_MOST_DATES_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a file that was passed over.

    Args:
        kind: A stable word: `blank_close`, `close_not_positive`, `repeated_row`, `no_session`,
            `missing_session`, `open_unknown`, `range_unknown` or `volume_unknown`.
        dates: Every date it concerns, ascending.
        message: What was found, and what was done about it.
    """

    kind: str
    dates: tuple[date, ...]
    message: str

    @property
    def count(self) -> int:
        """Number of dates it concerns."""
        return len(self.dates)

    def __str__(self) -> str:
        return f"{self.count} × {self.kind}: {self.message} ({_listed(self.dates)})"


class CheckedHistory(NamedTuple):
    """A frame in session order without bad closes, and what was passed over on the way."""

    frame: pl.DataFrame
    findings: list[Finding]


def parse_daily(
    data: bytes, name: str, *, format: Literal["csv", "parquet"], column: str = "close"
) -> pl.DataFrame:
    r"""Read one instrument's daily file.

    Args:
        data: The file.
        name: What error messages call it.
        format: "csv" or "parquet".
        column: The column to use as close, such as "adjclose". With any other than "close",
            open, high and low are left out, because they belong to another scale.

    Returns:
        A daily frame in the file's order. Header case does not matter, other columns are ignored,
        blanks and NaN are null; a time of day behind a date is dropped.

    Raises:
        HistoryError: Not such a file, no rows, no date or close column, or text where a date or a
            number should stand.

    Example:
        >>> parse_daily(b"Date,Close\n2024-07-11,2125.04\n", "RUT", format="csv").row(0)
        (datetime.date(2024, 7, 11), 2125.04)
    """
    file = io.BytesIO(data)
    try:
        # CSV as text first, so that a bad figure is reported with its row.
        raw = pl.read_csv(file, infer_schema=False) if format == "csv" else pl.read_parquet(file)
        return _daily_frame(raw.rename(lambda header: header.strip().lower()), name, column.lower())
    except (pl.exceptions.PolarsError, OSError) as error:
        raise HistoryError(f"{name} is not a {format} file that can be read: {error}") from error


def check_daily(
    frame: pl.DataFrame, calendar: Calendar, *, name: str = "history", signed: bool = False
) -> CheckedHistory:
    """Hold a daily frame against a calendar.

    Args:
        frame: As `parse_daily` gives it.
        calendar: Covers every date of the frame.
        name: What error messages call it.
        signed: The file holds a series, a rate or a flow: zero and less are values as any other.

    Returns:
        One row per session with a usable close, and the findings.

    Raises:
        HistoryError: Dates blank, descending or unsorted; one date with two closes; dates outside
            the calendar's range; no row left.
    """
    # The order matters: each step may rely on what the one before has made sure of.
    findings: list[Finding] = []
    _require_order(frame["date"], name)  # 1
    _require_coverage(frame["date"], calendar, name)  # 2
    frame = _without_repeats(frame, name, findings)  # 3
    frame = _without_bad_closes(frame, findings, signed=signed)  # 4
    frame = _without_days_off(frame, calendar, findings)  # 5
    if frame.height == 0:
        raise HistoryError(f"{name} has no row with a close on a session of {calendar.name}")
    _note_missing_sessions(frame, calendar, findings)  # 6
    return CheckedHistory(_with_unknowns(frame, findings), findings)  # 7


def _daily_frame(raw: pl.DataFrame, name: str, close: str) -> pl.DataFrame:
    for needed in ("date", close):
        if needed not in raw.columns:
            hint = nearest(needed, raw.columns, list_all=True)
            raise HistoryError(f"{name} has no column {needed!r}{hint}")
    if raw.height == 0:
        raise HistoryError(f"{name} has a header but no rows")
    figures = {"close": _figures(raw, close, name)}
    for optional in _OPTIONAL_COLUMNS:
        if optional in raw.columns and (close == "close" or optional == "volume"):
            figures[optional] = _figures(raw, optional, name)
    return pl.DataFrame({"date": _dates(raw, name), **figures})


def _dates(raw: pl.DataFrame, name: str) -> pl.Series:
    column = raw["date"]
    if column.dtype in (pl.Date, pl.Datetime):
        return column.cast(pl.Date)
    text = column.cast(pl.String).str.strip_chars().str.slice(0, 10)
    dates = text.str.to_date("%Y-%m-%d", strict=False)
    _refuse(dates.is_null(), column, name, "is not a date like 2024-07-11")
    return dates


def _figures(raw: pl.DataFrame, column: str, name: str) -> pl.Series:
    """One column as Float64, blanks and NaN as null."""
    series = raw[column]
    if not series.dtype.is_numeric():
        text = series.cast(pl.String).str.strip_chars()
        blank = text.is_null() | text.str.to_lowercase().is_in(_BLANKS).fill_null(True)
        figures = text.cast(pl.Float64, strict=False)
        _refuse(figures.is_null() & ~blank, series, name, "is not a number")
    else:
        figures = series.cast(pl.Float64)
    _refuse(figures.is_infinite().fill_null(False), series, name, "is infinite")
    return figures.fill_nan(None).alias(column)


def _refuse(bad: pl.Series, column: pl.Series, name: str, why: str) -> None:
    rows = bad.arg_true()
    if len(rows):
        raise HistoryError(
            f"{name}, data row {rows[0] + 1}, column {column.name!r}: {column[rows[0]]!r} {why}"
            + (f" (and {len(rows) - 1} more)" if len(rows) > 1 else "")
        )


def _require_order(dates: pl.Series, name: str) -> None:
    if dates.null_count():
        raise HistoryError(f"{name}, data row {dates.is_null().arg_true()[0] + 1} has no date")
    backwards = (dates < dates.shift()).arg_true()
    if len(backwards) == 0:
        return
    row = backwards[0]
    newest_first = len(backwards) == dates.len() - 1
    where = (
        f"{name} runs from {dates[0]} back to {dates[-1]}"
        if newest_first
        else f"{name}, data row {row + 1}: {dates[row]} follows {dates[row - 1]}"
    )
    raise HistoryError(f"{where}: dates must ascend", operator_action="sort the file by date, oldest first")


def _require_coverage(dates: pl.Series, calendar: Calendar, name: str) -> None:
    if dates.len() == 0:
        raise HistoryError(f"{name} has no rows")
    first, last = day_to_date(calendar.session[0]), day_to_date(calendar.session[-1])
    if dates[0] < first or dates[-1] > last:
        raise HistoryError(
            f"{name} runs from {dates[0]} to {dates[-1]}, calendar {calendar.name} from {first} to {last}",
            operator_action="build the calendar over the whole history",
        )


def _without_repeats(frame: pl.DataFrame, name: str, findings: list[Finding]) -> pl.DataFrame:
    repeated = frame.filter(frame["date"].is_duplicated())
    if repeated.height == 0:
        return frame
    closes = repeated.group_by("date", maintain_order=True).agg(pl.col("close").n_unique())
    differing = closes.filter(pl.col("close") > 1)["date"].to_list()
    if differing:
        raise HistoryError(f"{name} has more than one close for {_listed(differing)}")
    findings.append(_finding("repeated_row", closes["date"], "the same close twice; the first row was kept"))
    return frame.unique("date", keep="first", maintain_order=True)


def _without_bad_closes(frame: pl.DataFrame, findings: list[Finding], *, signed: bool) -> pl.DataFrame:
    close = frame["close"]
    blank = close.is_null()
    not_positive = (close <= (float("-inf") if signed else 0.0)).fill_null(False)
    for kind, bad, message in (
        ("blank_close", blank, "no close; the row was left out"),
        ("close_not_positive", not_positive, "a close of zero or less; the row was left out"),
    ):
        if bad.any():
            findings.append(_finding(kind, frame["date"].filter(bad), message))
    return frame.filter(~(blank | not_positive))


def _without_days_off(frame: pl.DataFrame, calendar: Calendar, findings: list[Finding]) -> pl.DataFrame:
    on_session = frame["date"].is_in(_session_dates(calendar).implode())
    if not on_session.all():
        message = f"{calendar.name} was closed; the row was left out"
        findings.append(_finding("no_session", frame["date"].filter(~on_session), message))
    return frame.filter(on_session)


def _note_missing_sessions(frame: pl.DataFrame, calendar: Calendar, findings: list[Finding]) -> None:
    sessions = _session_dates(calendar)
    within = sessions.filter(sessions.is_between(frame["date"][0], frame["date"][-1]))
    missing = within.filter(~within.is_in(frame["date"].implode()))
    if missing.len():
        message = f"{calendar.name} was open, the file has no usable row; left as a gap"
        findings.append(_finding("missing_session", missing, message))


def _with_unknowns(frame: pl.DataFrame, findings: list[Finding]) -> pl.DataFrame:
    """Turn figures that cannot be true into null, which says unknown."""
    has = set(frame.columns)
    if "open" in has:
        message = "an open of zero or less; taken as unknown"
        frame = _blank_out(frame, ["open"], frame["open"] <= 0, "open_unknown", message, findings)
    if {"high", "low"} <= has:
        bad = (frame["low"] <= 0) | (frame["close"] < frame["low"]) | (frame["close"] > frame["high"])
        message = "the close lies outside low to high; both taken as unknown"
        frame = _blank_out(frame, ["high", "low"], bad, "range_unknown", message, findings)
    if "volume" in has:
        message = "a negative volume; taken as unknown"
        frame = _blank_out(frame, ["volume"], frame["volume"] < 0, "volume_unknown", message, findings)
    return frame


def _blank_out(
    frame: pl.DataFrame, columns: list[str], bad: pl.Series, kind: str, message: str, findings: list[Finding]
) -> pl.DataFrame:
    bad = bad.fill_null(False)
    if not bad.any():
        return frame
    findings.append(_finding(kind, frame["date"].filter(bad), message))
    return frame.with_columns(pl.when(~bad).then(pl.col(column)).alias(column) for column in columns)


def _session_dates(calendar: Calendar) -> pl.Series:
    return pl.Series("date", calendar.session).cast(pl.Date)


def _finding(kind: str, dates: pl.Series, message: str) -> Finding:
    return Finding(kind, tuple(dates.to_list()), message)


def _listed(dates: list[date] | tuple[date, ...]) -> str:
    shown = ", ".join(map(str, dates[:_MOST_DATES_SHOWN]))
    return shown if len(dates) <= _MOST_DATES_SHOWN else f"{shown}, … {len(dates) - _MOST_DATES_SHOWN} more"
