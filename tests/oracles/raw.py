"""The recorded files as they lie on disk, read with the standard library alone."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
OPEN_SECONDS = 9 * 3600 + 30 * 60
CLOSE_SECONDS = 16 * 3600
"""A full session of the exchange, on its own clock."""


class Trade(NamedTuple):
    """A trade that may set the last price.

    Args:
        second: Whole seconds since the open.
        price: As the file has it.
    """

    second: int
    price: Fraction


def daily_closes(path: Path) -> dict[date, Fraction]:
    """Closes of a daily file, by session."""
    with path.open(newline="") as file:
        return {date.fromisoformat(row["date"]): Fraction(row["close"]) for row in csv.DictReader(file)}


def daily_column(path: Path, column: str) -> dict[date, Fraction]:
    """One column of a daily file by date, blanks left out."""
    with path.open(newline="") as file:
        return {
            date.fromisoformat(row["date"]): Fraction(row[column])
            for row in csv.DictReader(file)
            if row[column].strip()
        }


def bar_path_trades(path: Path, symbol: str, day: date) -> list[Trade]:
    """Trades a five-minute bar file stands for: open, nearer extreme, other extreme, close.

    They come 0, 100, 200 and 299 seconds after the bar's start; a price that repeats the one
    before it in its bar is no trade. When both extremes are as near, the low comes first.
    """
    trades: list[Trade] = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            start = datetime.fromisoformat(row["date"]).astimezone(NEW_YORK)
            if row["symbol"] != symbol or start.date() != day:
                continue
            first, high, low, last = (Fraction(row[name]) for name in ("open", "high", "low", "close"))
            near, far = (low, high) if first - low <= high - first else (high, low)
            seconds = start.hour * 3600 + start.minute * 60 + start.second - OPEN_SECONDS
            before: Fraction | None = None
            for offset, price in zip((0, 100, 200, 299), (first, near, far, last), strict=True):
                if price != before:
                    trades.append(Trade(seconds + offset, price))
                before = price
    return trades


# Bits of the tape files' condition field that keep a trade from setting the last price.
_NEVER_LAST = (
    1 << 1  # cash settlement
    | 1 << 2  # next day settlement
    | 1 << 3  # seller's option
    | 1 << 9  # derivatively priced
    | 1 << 10  # form T
    | 1 << 13  # extended hours
    | 1 << 14  # out of sequence
    | 1 << 18  # stock option trade
    | 1 << 20  # average price
    | 1 << 22  # price variation
    | 1 << 25  # prior reference price
    | 1 << 26  # official open: a message
    | 1 << 31  # odd lot
)
_OFFICIAL_CLOSE = 1 << 24
_REGULAR = 1


def tape_trades(path: Path, until_second: int = CLOSE_SECONDS - OPEN_SECONDS) -> list[Trade]:
    """Trades of one day's tape file that set the last price inside the session, by event time.

    Args:
        path: Gzipped CSV of one symbol and day; `ms` counts from midnight in New York.
        until_second: Seconds since the open to stop before.
    """
    rows: list[tuple[int, Fraction]] = []
    prices: dict[str, Fraction] = {}  # a price stands in the file hundreds of times
    with gzip.open(path, "rt", newline="") as file:
        for _, _, ms, price, _, _, cond, suspicious in islice(csv.reader(file), 1, None):
            flags = int(cond, 16)
            message = flags & _OFFICIAL_CLOSE and not flags & _REGULAR
            if flags & _NEVER_LAST or message or int(suspicious):
                continue
            if price not in prices:
                prices[price] = Fraction(price)
            rows.append((int(ms), prices[price]))
    rows.sort(key=itemgetter(0))  # stable: trades of one millisecond keep the file's order
    first, stop = OPEN_SECONDS * 1000, (OPEN_SECONDS + until_second) * 1000
    return [Trade((ms - first) // 1000, price) for ms, price in rows if first <= ms < stop]


def by_second(trades: list[Trade]) -> Iterator[tuple[int, list[Fraction]]]:
    """Prices of each second that has a trade, in order."""
    for second, group in groupby(trades, key=itemgetter(0)):
        yield second, [trade.price for trade in group]
