"""Baseline records: the warm start in the log.

The engine reads no files. Completed sessions are written to the log before the first tick, one record per
instrument and session, so that the log alone determines the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.model.errors import HistoryError
from core.model.instruments import Instrument, Universe
from core.model.records import NO_INSTRUMENT, TICK, BarFlag, TickKind, Update
from core.model.scale import (
    DEFAULT_EXPONENT,
    LARGEST_INTEGER,
    LARGEST_PRICE,
    figure_text,
    fits,
    fitting_exponent,
    to_integers,
)
from core.model.sessions import Calendar, day_to_date, session_day


def baseline_records(
    closes: Mapping[int, pl.DataFrame],
    universe: Universe,
    calendars: Mapping[str, Calendar],
    until: date,
    source_id: int,
) -> NDArray[np.void]:
    """Convert validated daily closes to baseline records.

    Args:
        closes: instrument_id → frame of `core.research.history.check_daily`; for a series,
            with its values as `close`.
        universe: Calendar of each instrument and whether it has volume.
        calendars: Calendar name → calendar, covering the frames.
        until: The last session to use, inclusive.
        source_id: Source id of the records: that of the history.

    Returns:
        TICK array (n,), kind BASELINE, session by session. Within a session, one record per
        instrument that has a close, by close and id: `ts_event` is its calendar's close, `size` its
        volume (0 if missing or unknown), `trade_id` the row number in `bars.1d`, from 0. Records of
        series are flagged. Then one record with NO_INSTRUMENT, which marks the session as complete, at
        its latest close and with the `trade_id` of its last row.

    Raises:
        HistoryError: A close or volume is too large for its scale, a date is not a session, or a calendar is
            missing.
        UniverseError: An instrument is not in the universe.
    """
    parts = [
        _instrument_records(universe.instrument(instrument_id), frame, calendars, session_day(until))
        for instrument_id, frame in closes.items()
    ]
    parts = [part for part in parts if len(part[0])]
    if not parts:
        return np.zeros(0, TICK)
    sessions = np.concatenate([part[0] for part in parts])
    records = np.concatenate([part[1] for part in parts])
    order = np.lexsort((records["instrument_id"], records["ts_event"], sessions))
    records["trade_id"][order] = np.arange(len(records))
    return _with_marks(sessions[order], records[order], source_id)


def baseline_of_bars(
    bars: NDArray[np.void],
    offsets: NDArray[np.int64],
    universe: Universe,
    calendars: Mapping[str, Calendar],
    until: date,
    source_id: int,
) -> NDArray[np.void]:
    """Convert day bars from their topic to baseline records.

    Args:
        bars: BAR array (n,), one per day and instrument.
        offsets: Array (n,) of their offsets.
        universe: Bars of other instruments are ignored.
        calendars: Calendar name → calendar, covering the bars.
        until: The last session to use, inclusive.
        source_id: Source id of the records: that of the history.

    Returns:
        As `baseline_records`, except that `trade_id` is the bar's offset. A volume counts as known
        only if the whole session was processed, and the record says where it was summed from trades.

    Raises:
        HistoryError: The day of a bar is not a session.
    """
    in_time = bars["session"] <= session_day(until)
    bars, offsets = bars[in_time], offsets[in_time]
    known = {instrument.instrument_id: instrument for instrument in universe.instruments}
    parts = [
        _records_of_bars(
            bars[rows], offsets[rows], known[number], calendars[known[number].calendar], source_id
        )
        for number in np.unique(bars["instrument_id"]).tolist()
        if number in known and len(rows := np.flatnonzero(bars["instrument_id"] == number))
    ]
    if not parts:
        return np.zeros(0, TICK)
    sessions = np.concatenate([part[0] for part in parts])
    records = np.concatenate([part[1] for part in parts])
    order = np.lexsort((records["instrument_id"], records["ts_event"], sessions))
    return _with_marks(sessions[order], records[order], source_id)


def _with_marks(sessions: NDArray[np.int32], records: NDArray[np.void], source_id: int) -> NDArray[np.void]:
    """Append the end mark to each session, and set the fields common to all records."""
    # The last row of each session has its latest close; the mark follows it.
    last_rows = np.flatnonzero(np.append(sessions[1:] != sessions[:-1], True))
    marks = np.zeros(len(last_rows), TICK)
    marks["ts_event"] = records["ts_event"][last_rows]
    marks["trade_id"] = records["trade_id"][last_rows]
    marks["instrument_id"] = NO_INSTRUMENT
    result = np.insert(records, last_rows + 1, marks)
    result["ts_recv"] = result["ts_event"]
    result["kind"] = TickKind.BASELINE
    result["source"] = source_id
    return result


def _records_of_bars(
    bars: NDArray[np.void],
    offsets: NDArray[np.int64],
    instrument: Instrument,
    calendar: Calendar,
    source_id: int,
) -> tuple[NDArray[np.int32], NDArray[np.void]]:
    usable = np.full(len(bars), True) if instrument.is_series else bars["close"] > 0
    bars, offsets = bars[usable], offsets[usable]
    sessions = bars["session"].copy()
    rows = np.searchsorted(calendar.session, sessions).clip(max=len(calendar) - 1)
    strangers = np.flatnonzero(calendar.session[rows] != sessions)
    if len(strangers):
        day = day_to_date(sessions[strangers[0]])
        raise HistoryError(
            f"{instrument.symbol} has a bar on {day}, which is not a session of {calendar.name}"
        )
    records = np.zeros(len(bars), TICK)
    records["instrument_id"] = instrument.instrument_id
    records["ts_event"] = calendar.close_ns[rows]
    records["price"] = bars["close"]
    records["trade_id"] = offsets
    if instrument.is_series:
        records["update"] = int(Update.SERIES)
        return sessions, records
    whole = bars["flags"] & int(BarFlag.NO_VOLUME | BarFlag.GAP) == 0
    counted = whole & (bars["volume"] >= 0) & instrument.has_volume
    records["update"] = int(Update.OFFICIAL | Update.LAST)
    records["update"][counted] = int(Update.OFFICIAL | Update.LAST | Update.VOLUME)
    records["size"][counted] = bars["volume"][counted]
    # Only a worker's own bar was summed from trades; its source is a feed, not the history.
    records["update"][bars["source"] != source_id] |= int(Update.TRADED)
    return sessions, records


def _instrument_records(
    instrument: Instrument, frame: pl.DataFrame, calendars: Mapping[str, Calendar], last_session: int
) -> tuple[NDArray[np.int32], NDArray[np.void]]:
    calendar = calendars.get(instrument.calendar)
    if calendar is None:
        raise HistoryError(f"{instrument.symbol} needs calendar {instrument.calendar!r}, which is missing")
    sessions = frame["date"].cast(pl.Int32).to_numpy()
    frame, sessions = frame.filter(sessions <= last_session), sessions[sessions <= last_session]
    rows = np.searchsorted(calendar.session, sessions).clip(max=len(calendar) - 1)
    strangers = np.flatnonzero(calendar.session[rows] != sessions)
    if len(strangers):
        day = day_to_date(sessions[strangers[0]])
        raise HistoryError(
            f"{instrument.symbol} has a close on {day}, which is not a session of {calendar.name}"
        )
    records = np.zeros(len(sessions), TICK)
    records["instrument_id"] = instrument.instrument_id
    records["ts_event"] = calendar.close_ns[rows]
    if instrument.is_series:
        records["price"] = price_units(frame, "close", instrument)
        records["update"] = int(Update.SERIES)
        return sessions, records
    records["price"] = price_units(frame, "close", instrument)
    records["update"] = int(Update.OFFICIAL | Update.LAST)
    if instrument.has_volume and "volume" in frame.columns:
        known = frame["volume"].is_not_null().to_numpy()
        records["size"] = volume_units(frame, instrument)
        records["update"] |= np.where(known, int(Update.VOLUME), 0).astype(np.uint8)
    return sessions, records


def price_units(frame: pl.DataFrame, column: str, instrument: Instrument) -> NDArray[np.int64]:
    """Convert a price column of a daily frame, or a series, to the instrument's units; null is 0.

    Args:
        frame: From `core.research.history.check_daily`.
        column: Column name.
        instrument: The instrument.

    Raises:
        HistoryError: A figure does not fit the scale.
    """
    return to_units(
        frame[column].fill_null(0.0),
        f"{instrument.symbol} {column}",
        signed=instrument.is_series,
        exponent=instrument.price_exponent,
        largest=LARGEST_INTEGER if instrument.is_series else LARGEST_PRICE,
        key="price_exponent",
        dates=frame["date"],
    )


def volume_units(frame: pl.DataFrame, instrument: Instrument) -> NDArray[np.int64]:
    """Convert volumes of a daily frame to the instrument's units; null is 0. Errors as for `price_units`."""
    return to_units(
        frame["volume"].fill_null(0.0),
        f"{instrument.symbol} volume",
        exponent=instrument.size_exponent,
        key="size_exponent",
        dates=frame["date"],
    )


def to_units(
    figures: pl.Series,
    what: str,
    *,
    signed: bool = False,
    exponent: int = DEFAULT_EXPONENT,
    largest: int = LARGEST_INTEGER,
    key: str = "the exponent",
    dates: pl.Series | None = None,
) -> NDArray[np.int64]:
    """Convert figures to units of a scale, rounding half to even.

    Args:
        figures: Float64 without nulls; as exact as `core.model.scale.to_integers`.
        what: Description of the figures in messages.
        signed: Whether negative figures are valid.
        exponent: Exponent of the scale.
        largest: The largest integer allowed, in units.
        key: Name of the exponent in messages.
        dates: The day of each figure, for messages.

    Returns:
        Array (n,) int64.

    Raises:
        HistoryError: A figure does not fit the scale; the message names the first, its date and a fitting
            exponent.

    Example:
        >>> to_units(pl.Series([2125.040039, 0.1]), "RUT close").tolist()
        [2125040039000, 100000000]
    """
    values = figures.to_numpy()
    held = fits(values, exponent, largest) & (signed | (values >= 0))
    outside = np.flatnonzero(~held)
    if len(outside):
        value = float(values[outside[0]])
        when = "" if dates is None else f" on {dates[int(outside[0])]}"
        most = figure_text(exponent, largest)
        fitting = None if value < 0 and not signed else fitting_exponent(abs(value), largest)
        raise HistoryError(
            f"{what} {value:,.12g}{when} does not fit {key} = {exponent} "
            f"({f'-{most}' if signed else 0} to {most})"
            + ("" if fitting is None else f"; {fitting} would fit"),
            operator_action=None
            if fitting is None
            else "correct the figure, or set the scale in the universe before any history is published",
        )
    return to_integers(values, exponent)
