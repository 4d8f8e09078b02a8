"""Baseline records: the warm start, as part of the log.

The engine reads no file. Finished sessions enter the log before the first tick, one record per
instrument and session, so that the log alone decides the state.
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
    """Turn checked daily closes into the records that warm an engine.

    Args:
        closes: instrument_id → frame of `core.research.history.check_daily`; of a series,
            its values as `close`.
        universe: Knows each instrument's calendar and whether it has volume.
        calendars: Calendar name → calendar, covering the frames.
        until: The last session to use, included.
        source_id: The source the records name, the history's own.

    Returns:
        TICK array (n,), kind BASELINE, session by session. Within a session, one record per
        instrument that has a close, by close and id: `ts_event` its calendar's close, `size` its
        volume (0 where it has none or none is known), `trade_id` the number of the row in `bars.1d`,
        counted from 0. A series' record is flagged as such. Then one record with NO_INSTRUMENT, which
        says that the session is complete, at its latest close and with the `trade_id` of its last row.

    Raises:
        HistoryError: A close or volume too large for its scale, a date without a session, or a
            calendar that is not there.
        UniverseError: An instrument that is not in the universe.
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
    """Turn day bars, as they stand in their topic, into the records that warm an engine.

    Args:
        bars: BAR array (n,), one a day and instrument.
        offsets: Array (n,) of their offsets.
        universe: Bars of instruments it does not name are passed over.
        calendars: Calendar name → calendar, covering the bars.
        until: The last session to use, included.
        source_id: The source the records name, the history's own.

    Returns:
        As `baseline_records`, but for `trade_id`, which is the bar's offset. A volume counts as known
        only where the whole session was seen.

    Raises:
        HistoryError: A bar of a day without a session.
    """
    in_time = bars["session"] <= session_day(until)
    bars, offsets = bars[in_time], offsets[in_time]
    known = {instrument.instrument_id: instrument for instrument in universe.instruments}
    parts = [
        _records_of_bars(bars[rows], offsets[rows], known[number], calendars[known[number].calendar])
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
    """Put the mark that ends it behind each session, and say what all records have in common."""
    # The last row of each session has its latest close and is where the mark goes in.
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
    bars: NDArray[np.void], offsets: NDArray[np.int64], instrument: Instrument, calendar: Calendar
) -> tuple[NDArray[np.int32], NDArray[np.void]]:
    usable = np.full(len(bars), True) if instrument.is_series else bars["close"] > 0
    bars, offsets = bars[usable], offsets[usable]
    sessions = bars["session"].copy()
    rows = np.searchsorted(calendar.session, sessions).clip(max=len(calendar) - 1)
    strangers = np.flatnonzero(calendar.session[rows] != sessions)
    if len(strangers):
        day = day_to_date(sessions[strangers[0]])
        raise HistoryError(f"{instrument.symbol} has a bar on {day}, no session of {calendar.name}")
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
    return sessions, records


def _instrument_records(
    instrument: Instrument, frame: pl.DataFrame, calendars: Mapping[str, Calendar], last_session: int
) -> tuple[NDArray[np.int32], NDArray[np.void]]:
    calendar = calendars.get(instrument.calendar)
    if calendar is None:
        raise HistoryError(f"{instrument.symbol} needs calendar {instrument.calendar!r}, which is not there")
    sessions = frame["date"].cast(pl.Int32).to_numpy()
    frame, sessions = frame.filter(sessions <= last_session), sessions[sessions <= last_session]
    rows = np.searchsorted(calendar.session, sessions).clip(max=len(calendar) - 1)
    strangers = np.flatnonzero(calendar.session[rows] != sessions)
    if len(strangers):
        day = day_to_date(sessions[strangers[0]])
        raise HistoryError(f"{instrument.symbol} has a close on {day}, no session of {calendar.name}")
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
    """A price column of a daily frame, or the values of a series, in the instrument's units; null is 0.

    Args:
        frame: Of `core.research.history.check_daily`.
        column: Which.
        instrument: Whose they are.

    Raises:
        HistoryError: A figure that the scale cannot hold.
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
    """The volumes of a daily frame in the instrument's units; null is 0. Errors as of `price_units`."""
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
    """Turn figures into whole units of a scale, halves to even.

    Args:
        figures: Float64 without nulls; as exact as `core.model.scale.to_integers`.
        what: What error messages call them.
        signed: Whether figures below zero are as good as others.
        exponent: Of the scale.
        largest: The largest integer allowed, in units.
        key: What error messages call the exponent.
        dates: The day of each figure, for error messages.

    Returns:
        Array (n,) int64.

    Raises:
        HistoryError: A figure that the scale cannot hold; it names the first, its date and what would fit.

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
            else "correct the figure, or set the scale in the universe before there is any history",
        )
    return to_integers(values, exponent)
