"""Daily files as day bars."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.engine.baseline import price_units, volume_units
from core.model.errors import HistoryError
from core.model.instruments import Instrument
from core.model.records import BAR, BarFlag, Frequency
from core.model.sessions import Calendar, day_to_date


def day_bars(
    frame: pl.DataFrame, instrument: Instrument, calendar: Calendar, source_id: int
) -> NDArray[np.void]:
    """Convert a validated daily frame to day bars.

    Args:
        frame: From `core.research.history.check_daily`.
        instrument: The instrument; for a series, its values are the closes.
        calendar: The instrument's, covering the frame.
        source_id: Source id of the bars: that of the history.

    Returns:
        BAR array (n,), one per row of the frame. Open, high and low are 0 if the file has none,
        volume is -1 if missing or unknown; the number of trades is unknown.

    Raises:
        HistoryError: A figure is too large for its scale, or a date is not a session.
    """
    sessions = frame["date"].cast(pl.Int32).to_numpy()
    rows = np.searchsorted(calendar.session, sessions).clip(max=len(calendar) - 1)
    strangers = np.flatnonzero(calendar.session[rows] != sessions)
    if len(strangers):
        day = day_to_date(sessions[strangers[0]])
        raise HistoryError(
            f"{instrument.symbol} has a close on {day}, which is not a session of {calendar.name}"
        )
    bars = np.zeros(len(frame), BAR)
    bars["ts_start"] = calendar.open_ns[rows]
    bars["session"] = sessions
    bars["instrument_id"] = instrument.instrument_id
    bars["frequency"] = Frequency.DAY
    bars["source"] = source_id
    bars["close"] = price_units(frame, "close", instrument)
    bars["volume"] = -1
    bars["flags"] = BarFlag.NO_VOLUME
    if instrument.is_series:
        return bars
    bars["flags"] = BarFlag.OFFICIAL_CLOSE | BarFlag.NO_VOLUME
    for column in {"open", "high", "low"} & set(frame.columns):
        bars[column] = price_units(frame, column, instrument)
    if instrument.has_volume and "volume" in frame.columns:
        known = frame["volume"].is_not_null().to_numpy()
        volumes = volume_units(frame, instrument)
        bars["volume"][known] = volumes[known]
        bars["flags"][known] = BarFlag.OFFICIAL_CLOSE
    return bars
