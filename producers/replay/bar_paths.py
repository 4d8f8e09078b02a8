"""Converts five-minute bars to a path of trades.

A bar gives the price range but not the order of prices. Every bar uses the same fixed path:

1. the open, at the bar's start;
2. the extreme nearer to the open, 100 s later (the low if both are equally near);
3. the other extreme, at 200 s;
4. the close, at 299 s.

Each trade carries a quarter of the bar's volume, the close also the remainder. A price equal to the
previous one makes no trade; its shares are added to the previous trade. Index values have no
volume: their trades have size 0 and no condition.

The official close of a day (from daily history) follows as the listing exchange's closing trade
at the session's close, of size 0, because the auction's shares are not known: condition `6`, for
an index `M`. Without an official close there is no such trade, and the day closes on timeout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from core.model.errors import HistoryError
from core.model.records import NANOSECONDS_PER_SECOND
from core.model.scale import DEFAULT_EXPONENT, units_per_one
from core.model.scale_advice import price_exponent
from core.model.sessions import Calendar, day_to_date, session_day
from producers.replay.listings import LISTINGS, Listing, listing_of
from producers.replay.recording import Column, Print, Recording, assemble

BAR_SECONDS: Final = 300
PATH_OFFSETS_S: Final = (0, 100, 200, 299)
"""Seconds after the bar's start at which open, nearer extreme, other extreme and close trade."""

PRICE_COLUMNS: Final = ("open", "high", "low", "close")
BAR_COLUMNS: Final = ("symbol", "start", *PRICE_COLUMNS, "volume")
CLOSE_COLUMNS: Final = ("symbol", "session", "close")


def load_bars(
    bars: pl.DataFrame,
    official_closes: pl.DataFrame,
    calendar: Calendar,
    listings: Mapping[str, Listing] = LISTINGS,
) -> Recording:
    """Convert bars and official closes to a recording.

    Args:
        bars: `symbol`, `start` (Datetime UTC), `open`, `high`, `low`, `close` (dollars or index
            points), `volume` (shares; 0 for an index).
        official_closes: `symbol`, `session` (Date), `close`; other symbols and days are ignored.
        calendar: Sessions that contain every bar.
        listings: Listing of each symbol.

    Returns:
        The trades of every path and the closing trades, in event-time order.

    Raises:
        HistoryError: A bar is inconsistent, duplicates another, or is outside a session.
    """
    frame = bars.select(BAR_COLUMNS).with_columns(pl.col("start").dt.epoch("ns").alias("start_ns"))
    _check(frame)
    rows = np.searchsorted(calendar.open_ns, frame["start_ns"].to_numpy(), side="right") - 1
    outside = (rows < 0) | (frame["start_ns"].to_numpy() >= calendar.close_ns[rows])
    _refuse(frame, pl.Series(outside), f"is outside the sessions of {calendar.name}")
    frame = frame.with_columns(pl.Series("row", rows))
    closes = {
        (symbol, session): close
        for symbol, session, close in official_closes.select(CLOSE_COLUMNS).iter_rows()
    }
    return assemble(_columns(frame, closes, calendar, listings))


def _columns(
    frame: pl.DataFrame,
    closes: Mapping[tuple[str, object], float],
    calendar: Calendar,
    listings: Mapping[str, Listing],
) -> Iterator[Column]:
    ordered = frame.sort("symbol", "start_ns")
    exponents = {
        symbol: price_exponent(pl.Series([low, high]))
        for symbol, low, high in ordered.group_by("symbol")
        .agg(pl.col("low").min(), pl.col("high").max())
        .iter_rows()
    }
    for (symbol, row), day in ordered.group_by("symbol", "row", maintain_order=True):
        listing = listing_of(str(symbol), listings)
        exponent = exponents[str(symbol)]
        ts_event, price, size = tick_path(day, exponent)
        prints = [Print(listing.exchange, listing.regular_sale, listing.tape)]
        print_row = np.zeros(len(ts_event), np.uint16)
        session = int(row)
        close = closes.get((str(symbol), day_to_date(int(calendar.session[session]))))
        if close is not None:
            prints.append(_closing_print(listing))
            ts_event = np.append(ts_event, calendar.close_ns[session])
            price = np.append(price, round(close * units_per_one(exponent)))
            size = np.append(size, 0)
            print_row = np.append(print_row, np.uint16(1))
        yield Column(str(symbol), ts_event, price, size, prints, print_row, exponent)


def _closing_print(listing: Listing) -> Print:
    conditions = ("M",) if listing.is_index else (*listing.regular_sale, "6")
    return Print(listing.exchange, conditions, listing.tape)


def tick_path(
    bars: pl.DataFrame, exponent: int = DEFAULT_EXPONENT
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Build the path of trades through the bars of one symbol.

    Args:
        bars: Rows in order of `start_ns`, with `open`, `high`, `low`, `close` and `volume`.
        exponent: Price exponent.

    Returns:
        `ts_event` (ns UTC), price (in that scale) and size (shares), each (n,) int64.
    """
    units = [
        np.rint(bars[name].to_numpy() * units_per_one(exponent)).astype(np.int64) for name in BAR_COLUMNS[2:6]
    ]
    opened, high, low, close = units
    low_first = opened - low <= high - opened
    path = np.stack([opened, np.where(low_first, low, high), np.where(low_first, high, low), close], axis=1)
    offsets = np.asarray(PATH_OFFSETS_S, np.int64) * NANOSECONDS_PER_SECOND
    instants = bars["start_ns"].to_numpy()[:, None] + offsets
    quarter, remainder = np.divmod(bars["volume"].cast(pl.Int64).to_numpy(), 4)
    sizes = np.repeat(quarter[:, None], 4, axis=1)
    sizes[:, 3] += remainder
    kept = np.ones(path.shape, np.bool_)
    kept[:, 1:] = path[:, 1:] != path[:, :-1]
    flat = kept.ravel()
    size = np.add.reduceat(sizes.ravel(), np.flatnonzero(flat))
    return instants.ravel()[flat], path.ravel()[flat], size


def first_and_last_day(bars: pl.DataFrame) -> tuple[int, int]:
    """Return the first and last UTC day of bars, as session days."""
    days = bars["start"].dt.date()
    first, last = days.min(), days.max()
    if first is None or last is None:
        raise HistoryError("there are no bars to play")
    return session_day(first), session_day(last)  # type: ignore[arg-type]  # Polars types a minimum as any literal


def _check(frame: pl.DataFrame) -> None:
    prices = [pl.col(name) for name in PRICE_COLUMNS]
    finite = pl.all_horizontal(price.is_finite() & (price > 0) for price in prices)
    _refuse(
        frame, frame.select((~finite).fill_null(True)).to_series(), "has a price that is not greater than 0"
    )
    inside = pl.all_horizontal(
        pl.col("low") <= pl.min_horizontal("open", "close"),
        pl.col("high") >= pl.max_horizontal("open", "close"),
    )
    _refuse(frame, frame.select(~inside).to_series(), "opens or closes outside its low and high")
    volume = (pl.col("volume") < 0) | pl.col("volume").is_null()
    _refuse(frame, frame.select(volume).to_series(), "has a missing or negative volume")
    repeated = frame.select(pl.struct("symbol", "start_ns").is_duplicated()).to_series()
    _refuse(frame, repeated, "is duplicated")


def _refuse(frame: pl.DataFrame, bad: pl.Series, what: str) -> None:
    if bad.any():
        symbol, start = frame.filter(bad).select("symbol", "start").row(0)
        raise HistoryError(f"the bar of {symbol} at {start} {what} ({bad.sum()} such bars)")
