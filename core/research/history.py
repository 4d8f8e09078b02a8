"""Daily history: reads and validates closes for a warm start or a study.

Callers pass bytes and get frames; files are opened at the edges. `parse_daily` parses a file, `check_daily`
checks it against the exchange's sessions, `judge_daily` does both and more. Unusable data raise
`HistoryError`; tolerable defects are reported as a `Finding`, counted and listed, never silently.

A daily frame has the columns `date` (Date) and `close` (Float64), and `open`, `high`, `low`, `volume`
(Float64) if the file has them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

import polars as pl

from core.daily.findings import CheckedHistory, Finding, finding_on, listed
from core.daily.jumps import without_jumps
from core.daily.limits import Limits, within_record
from core.daily.reading import DailyFile, DailyFormat, DailyShape, read_daily
from core.model.errors import HistoryError
from core.model.sessions import Calendar, day_to_date

__all__ = ["CheckedHistory", "Finding", "check_daily", "judge_daily", "parse_daily"]

_CLOSE_TO_EDGE: Final = 1e-6
"""Relative tolerance for an open outside the range because of rounding."""


def parse_daily(data: bytes, name: str, *, format: DailyFormat, column: str = "close") -> pl.DataFrame:
    r"""Read one instrument's daily file, with dates as written.

    Args:
        data: The file.
        name: Name of the file in messages.
        format: "csv" or "parquet".
        column: Column to use as close, such as "adjclose".

    Returns:
        A daily frame; see `core.daily.reading.read_daily`, which also lists the errors.

    Example:
        >>> parse_daily(b"Date,Close\n2024-07-11,2125.04\n", "RUT", format="csv").row(0)
        (datetime.date(2024, 7, 11), 2125.04)
    """
    return read_daily(data, name, DailyShape(column=column), format=format).frame


def judge_daily(
    daily: DailyFile,
    calendar: Calendar,
    *,
    covered: tuple[date, date],
    symbol: str,
    name: str,
    signed: bool = False,
    confirmed: Collection[date] = (),
    limits: Limits | None = None,
) -> CheckedHistory:
    """Check a file against a calendar, for consistency, and against the range of a record.

    Args:
        daily: The file.
        calendar: Its calendar.
        covered: The first and last date that the calendar was built for; the file is within this range.
        symbol: Symbol of the instrument.
        name: Name of the file in messages.
        signed: The file is a rate or a flow: zero and negative values are valid, and so is a doubling
            within a day.
        confirmed: Days whose jump is confirmed as real.
        limits: Range of the instrument's records; None for that of the default scale.

    Returns:
        One row per usable session, and all findings in order.

    Raises:
        HistoryError: As `check_daily`; a time of day inside a session; a price outside the range of a record;
            a jump in the last rows.
    """
    _require_whole_days(daily, calendar, name)
    checked = check_daily(daily.frame, calendar, name=name, signed=signed, covered=covered)
    findings = [*daily.findings, *checked.findings]
    frame = checked.frame
    if not signed:
        # First, so that a figure wrong by a factor is reported as such even if it is out of range.
        kept = without_jumps(frame, calendar, symbol=symbol, name=name, confirmed=confirmed)
        frame, findings = kept.frame, [*findings, *kept.findings]
    fitting = within_record(frame, limits or Limits(), name=name, signed=signed)
    if fitting.frame.height == 0:
        raise HistoryError(f"{name} has no usable row")
    return CheckedHistory(fitting.frame, [*findings, *fitting.findings])


def check_daily(
    frame: pl.DataFrame,
    calendar: Calendar,
    *,
    name: str = "history",
    signed: bool = False,
    covered: tuple[date, date] | None = None,
) -> CheckedHistory:
    """Check a daily frame against a calendar.

    Args:
        frame: Result of `parse_daily`.
        calendar: Covers every date of the frame.
        name: Name of the file in messages.
        signed: The file is a rate or a flow: zero and negative values are valid.
        covered: The first and last date that the calendar was built for, if the exchange was closed on
            them; None: its first and last session.

    Returns:
        One row per session with a usable close, and the findings.

    Raises:
        HistoryError: Dates blank, descending or unsorted; one date with two closes; dates outside
            the calendar's range; no row left.
    """
    # The order matters: each step relies on the checks of the previous ones.
    findings: list[Finding] = []
    _require_order(frame["date"], name)  # 1
    _require_coverage(frame["date"], calendar, name, covered)  # 2
    frame = _without_repeats(frame, name, findings)  # 3
    frame = _without_bad_closes(frame, findings, signed=signed)  # 4
    frame = _without_days_off(frame, calendar, findings)  # 5
    if frame.height == 0:
        raise HistoryError(
            f"{name} has no row with a close on a session of {calendar.name}",
            operator_action="check the close column and the calendar",
        )
    _note_missing_sessions(frame, calendar, findings)  # 6
    return CheckedHistory(_with_unknowns(frame, findings), findings)  # 7


def judge_volumes(daily: DailyFile, calendar: Calendar, *, name: str) -> CheckedHistory:
    """Check the volumes of many members against a calendar.

    Args:
        daily: Result of `core.daily.reading.read_volumes`.
        calendar: Its calendar, over all dates of the file.
        name: Name of the file in messages.

    Returns:
        One row per session of the file, and the findings. A volume of zero or less is unknown, null.

    Raises:
        HistoryError: A time of day inside a session; dates unsorted or repeated; no row on a session.
    """
    frame, findings = daily.frame, list(daily.findings)
    _require_whole_days(daily, calendar, name)
    _require_order(frame["date"], name)
    repeated = frame["date"].filter(frame["date"].is_duplicated()).unique(maintain_order=True).to_list()
    if repeated:
        raise HistoryError(
            f"{name} has more than one row for {listed(repeated)}", operator_action="keep one row per day"
        )
    frame = _without_days_off(frame, calendar, findings)
    if frame.height == 0:
        raise HistoryError(f"{name} has no row on a session", operator_action="check the calendar")
    _note_missing_sessions(frame, calendar, findings)
    members = pl.exclude("date")
    bad = frame.select(pl.any_horizontal((members <= 0).fill_null(False))).to_series()
    if bad.any():
        message = "a volume of zero or less; treated as unknown"
        findings.append(finding_on("volume_unknown", frame["date"].filter(bad), message))
        frame = frame.with_columns(pl.when(members > 0).then(members))
    return CheckedHistory(frame, findings)


def _require_whole_days(daily: DailyFile, calendar: Calendar, name: str) -> None:
    """Refuse a time of day inside a session: its last price is not the close."""
    if calendar.name == "24/7" or daily.moments.null_count() == len(daily.moments):
        return
    rows = daily.moments.is_not_null().arg_true()
    instants = daily.moments.dt.epoch("ns")
    for row in rows.to_list():
        session = calendar.index_at(int(instants[row]))
        if session >= 0 and instants[row] > calendar.open_ns[session]:
            raise HistoryError(
                f"{name}: the row of {daily.frame['date'][row]} is stamped "
                f"{daily.moments[row]:%Y-%m-%d %H:%M} UTC, inside a session of {calendar.name}, so the file "
                "is not daily",
                operator_action="supply one close per session, or use only the dates: "
                "--date-format '%Y-%m-%d'",
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
    raise HistoryError(
        f"{where}: dates must be ascending", operator_action="sort the file by date, oldest first"
    )


def _require_coverage(
    dates: pl.Series, calendar: Calendar, name: str, covered: tuple[date, date] | None
) -> None:
    if dates.len() == 0:
        raise HistoryError(f"{name} has no rows")
    first, last = covered or (day_to_date(calendar.session[0]), day_to_date(calendar.session[-1]))
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
        raise HistoryError(
            f"{name} has more than one close for {listed(differing)}",
            operator_action="keep one row per day",
        )
    findings.append(
        finding_on("repeated_row", closes["date"], "duplicate rows with the same close; the first was kept")
    )
    return frame.unique("date", keep="first", maintain_order=True)


def _without_bad_closes(frame: pl.DataFrame, findings: list[Finding], *, signed: bool) -> pl.DataFrame:
    close = frame["close"]
    blank = close.is_null()
    not_positive = (close <= (float("-inf") if signed else 0.0)).fill_null(False)
    for kind, bad, message in (
        ("blank_close", blank, "no close; the row was dropped"),
        ("close_not_positive", not_positive, "a close of zero or less; the row was dropped"),
    ):
        if bad.any():
            findings.append(finding_on(kind, frame["date"].filter(bad), message))
    return frame.filter(~(blank | not_positive))


def _without_days_off(frame: pl.DataFrame, calendar: Calendar, findings: list[Finding]) -> pl.DataFrame:
    on_session = frame["date"].is_in(_session_dates(calendar).implode())
    if not on_session.all():
        message = f"{calendar.name} was closed; the row was dropped"
        findings.append(finding_on("no_session", frame["date"].filter(~on_session), message))
    return frame.filter(on_session)


def _note_missing_sessions(frame: pl.DataFrame, calendar: Calendar, findings: list[Finding]) -> None:
    sessions = _session_dates(calendar)
    within = sessions.filter(sessions.is_between(frame["date"][0], frame["date"][-1]))
    missing = within.filter(~within.is_in(frame["date"].implode()))
    if missing.len():
        message = f"{calendar.name} was open, the file has no usable row; left as a gap"
        findings.append(finding_on("missing_session", missing, message))


def _with_unknowns(frame: pl.DataFrame, findings: list[Finding]) -> pl.DataFrame:
    """Replace impossible figures by null, which means unknown."""
    has = set(frame.columns)
    if "open" in has:
        message = "an open of zero or less; treated as unknown"
        frame = _blank_out(frame, ["open"], frame["open"] <= 0, "open_unknown", message, findings)
    if {"high", "low"} <= has:
        bad = (frame["low"] <= 0) | (frame["close"] < frame["low"]) | (frame["close"] > frame["high"])
        message = "the close is outside low to high; both treated as unknown"
        frame = _blank_out(frame, ["high", "low"], bad, "range_unknown", message, findings)
    if {"open", "high", "low"} <= has:
        slack = frame["close"] * _CLOSE_TO_EDGE
        bad = (frame["open"] < frame["low"] - slack) | (frame["open"] > frame["high"] + slack)
        message = "the open is outside low to high; treated as unknown"
        frame = _blank_out(frame, ["open"], bad, "open_unknown", message, findings)
    if "volume" in has:
        message = "a negative volume; treated as unknown"
        frame = _blank_out(frame, ["volume"], frame["volume"] < 0, "volume_unknown", message, findings)
    return frame


def _blank_out(
    frame: pl.DataFrame, columns: list[str], bad: pl.Series, kind: str, message: str, findings: list[Finding]
) -> pl.DataFrame:
    bad = bad.fill_null(False)
    if not bad.any():
        return frame
    findings.append(finding_on(kind, frame["date"].filter(bad), message))
    return frame.with_columns(pl.when(~bad).then(pl.col(column)).alias(column) for column in columns)


def _session_dates(calendar: Calendar) -> pl.Series:
    return pl.Series("date", calendar.session).cast(pl.Date)
