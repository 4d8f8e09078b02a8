"""Recorded trades as columns, in event-time order.

A recording is one structured array and two small tables that its rows refer to. A trade takes
40 bytes and is encoded without a Python object of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.errors import HistoryError
from core.model.scale import DEFAULT_EXPONENT, units_per_one

RECORDED_TRADE: Final = np.dtype(
    [
        ("ts_event", "<i8"),  # ns UTC
        ("price", "<i8"),  # times ten to its symbol's price exponent
        ("size", "<i8"),  # whole shares; 0 where the instrument has no volume
        ("trade_id", "<u8"),  # running number per symbol and day, from 1
        ("symbol", "<u2"),  # row of Recording.symbols
        ("print", "<u2"),  # row of Recording.prints
        ("reserved", "<u4"),
    ]
)

MAX_SYMBOLS: Final = 0xFFFF


class Print(NamedTuple):
    """Fields of a trade other than price, size and time."""

    exchange: str
    conditions: tuple[str, ...]
    tape: str


class Trade(NamedTuple):
    """One trade in floating-point units."""

    symbol: str
    trade_id: int
    ts_event_ns: int
    price: float
    size: int
    exchange: str
    conditions: tuple[str, ...]
    tape: str


@dataclass(frozen=True, eq=False, slots=True)
class Recording:
    """Trades in event-time order; trades with equal times keep their recorded order.

    Args:
        trades: RECORDED_TRADE (n,), `ts_event` ascending.
        symbols: Table for `trades["symbol"]`.
        prints: Table for `trades["print"]`.
        exponents: Symbol → price exponent, where it is not the default.
    """

    trades: NDArray[np.void]
    symbols: tuple[str, ...]
    prints: tuple[Print, ...]
    exponents: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if np.any(np.diff(self.trades["ts_event"]) < 0):
            raise HistoryError("a recording must be in event-time order")
        self.trades.setflags(write=False)

    def __len__(self) -> int:
        return len(self.trades)

    def trade(self, row: int) -> Trade:
        """Return one row in floating-point units.

        Args:
            row: Position in the recording.

        Returns:
            The trade, its price as the float a vendor would send.
        """
        record = self.trades[row]
        printed = self.prints[record["print"]]
        return Trade(
            self.symbols[record["symbol"]],
            int(record["trade_id"]),
            int(record["ts_event"]),
            float(self.prices(self.trades[row : row + 1])[0]),
            int(record["size"]),
            printed.exchange,
            printed.conditions,
            printed.tape,
        )

    def prices(self, trades: NDArray[np.void]) -> NDArray[np.float64]:
        """Return the prices of trades as the floats a vendor would send.

        Args:
            trades: RECORDED_TRADE (n,) of this recording.
        """
        if not self.exponents:
            return trades["price"] / units_per_one(DEFAULT_EXPONENT)
        units = [float(units_per_one(self.exponents.get(each, DEFAULT_EXPONENT))) for each in self.symbols]
        prices: NDArray[np.float64] = trades["price"] / np.array(units)[trades["symbol"]]
        return prices

    def symbols_traded(self) -> tuple[str, ...]:
        """Return the symbols that have trades, sorted."""
        return tuple(sorted(self.symbols[row] for row in np.unique(self.trades["symbol"])))

    def only(self, symbols: Iterable[str]) -> Recording:
        """Keep the trades of some symbols.

        Args:
            symbols: Symbols to keep.

        Returns:
            A recording that shares the tables of this one.

        Raises:
            HistoryError: A symbol that is not in the recording.
        """
        wanted = set(symbols)
        missing = sorted(wanted - set(self.symbols_traded()))
        if missing:
            raise HistoryError(
                f"the recording has no trades of {', '.join(missing)}",
                operator_action=f"choose from {', '.join(self.symbols_traded())}",
            )
        rows = [row for row, symbol in enumerate(self.symbols) if symbol in wanted]
        kept = self.trades[np.isin(self.trades["symbol"], rows)]
        return Recording(kept, self.symbols, self.prints, self.exponents)

    def between(self, start_ns: int, end_ns: int) -> Recording:
        """Keep the trades with `start_ns <= ts_event < end_ns`.

        Args:
            start_ns: Start, ns UTC, inclusive.
            end_ns: End, ns UTC, exclusive.

        Returns:
            A recording that shares the tables of this one.
        """
        first, last = np.searchsorted(self.trades["ts_event"], [start_ns, end_ns])
        return Recording(self.trades[first:last], self.symbols, self.prints, self.exponents)


class Column(NamedTuple):
    """The trades of one symbol on one day, in reported order, as a loader provides them.

    Args:
        symbol: The ticker.
        ts_event_ns: int64 (n,).
        price: int64 (n,), times ten to `exponent`.
        size: int64 (n,), shares.
        prints: The distinct prints of this column.
        print_row: int (n,), row in `prints`.
        exponent: Price exponent, the same in all columns of a symbol.
    """

    symbol: str
    ts_event_ns: NDArray[np.int64]
    price: NDArray[np.int64]
    size: NDArray[np.int64]
    prints: Sequence[Print]
    print_row: NDArray[np.integer]
    exponent: int = DEFAULT_EXPONENT


def assemble(columns: Iterable[Column]) -> Recording:
    """Number the trades of each column from 1 and merge all columns by event time.

    Args:
        columns: One per symbol and day, so that the running number is a trade id that is unique within
            symbol and day. Earlier columns come first among equal times.

    Returns:
        The recording; the same columns always give the same bytes.

    Raises:
        HistoryError: No trades at all, or more symbols than a recording can hold.
    """
    symbols: dict[str, int] = {}
    prints: dict[Print, int] = {}
    exponents: dict[str, int] = {}
    parts = []
    for column in columns:
        parts.append(_numbered(column, symbols, prints))
        if exponents.setdefault(column.symbol, column.exponent) != column.exponent:
            raise HistoryError(f"{column.symbol} has prices of two different exponents")
    if sum(len(part) for part in parts) == 0:
        raise HistoryError("there are no trades to play")
    if len(symbols) > MAX_SYMBOLS or len(prints) > MAX_SYMBOLS:
        raise HistoryError(
            f"a recording holds at most {MAX_SYMBOLS} symbols and {MAX_SYMBOLS} kinds of prints"
        )
    merged = np.concatenate(parts)
    order = np.argsort(merged["ts_event"], kind="stable")
    own = {symbol: exponent for symbol, exponent in exponents.items() if exponent != DEFAULT_EXPONENT}
    return Recording(merged[order], tuple(symbols), tuple(prints), own)


def _numbered(column: Column, symbols: dict[str, int], prints: dict[Print, int]) -> NDArray[np.void]:
    part = np.zeros(len(column.ts_event_ns), RECORDED_TRADE)
    part["ts_event"] = column.ts_event_ns
    part["price"] = column.price
    part["size"] = column.size
    part["trade_id"] = np.arange(1, len(part) + 1)
    part["symbol"] = symbols.setdefault(column.symbol, len(symbols))
    rows = [prints.setdefault(printed, len(prints)) for printed in column.prints]
    part["print"] = np.asarray(rows, np.uint16)[column.print_row]
    return part
