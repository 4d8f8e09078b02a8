"""Converts decoded messages to rows, one per tick; all kinds of messages share one set of columns.

A correction becomes two rows, the trade withdrawn and its replacement. A status becomes a row with
the columns of a trade and no trade id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.records import PRICE_UNITS_PER_ONE, TickKind
from producers.feeds.alpaca.wire import Cancel, Correction, Status, Trade

_HALTED: Final = PRICE_UNITS_PER_ONE
_RESUMED: Final = 0
_CTA_STATUS: Final = {"2": _HALTED, "3": _RESUMED}
_UTP_STATUS: Final = {"H": _HALTED, "P": _HALTED, "T": _RESUMED}
STATUS_SIZES: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {"A": _CTA_STATUS, "B": _CTA_STATUS, "C": _UTP_STATUS, "O": _UTP_STATUS}
)
"""Tape → status code → size of the STATUS record. Other codes (price indications, short-sale
restriction, quotes resumed before trading) do not change the trading status."""


class Rows(NamedTuple):
    """Rows from which ticks are built.

    Args:
        trades: Rows with the columns of a trade.
        items: Array (n,): position of the message of each row, non-decreasing.
        kinds: Array (n,) uint8: TickKind.
        status_sizes: Sizes of the rows that are a STATUS, in order.
    """

    trades: Sequence[Trade[Any]]
    items: NDArray[np.intp]
    kinds: NDArray[np.uint8]
    status_sizes: Sequence[int] = ()


class RowBuilder:
    """Collects the rows of a batch, in order."""

    def __init__(self) -> None:
        self._trades: list[Trade[Any]] = []
        self._items: list[int] = []
        self._kinds: list[TickKind] = []
        self._status_sizes: list[int] = []

    def add(self, item: Any, position: int) -> None:
        """Add one message: a trade, a correction, a cancel or a status.

        Args:
            item: The decoded message.
            position: Its position in the batch.
        """
        if isinstance(item, Trade):
            self._add(item, position, TickKind.TRADE)
        elif isinstance(item, Cancel):
            cancelled = Trade(i=item.i, S=item.S, x=item.x, p=item.p, s=item.s, t=item.t, z=item.z)
            self._add(cancelled, position, TickKind.CANCEL)
        elif isinstance(item, Correction):
            same = {"S": item.S, "x": item.x, "t": item.t, "z": item.z}
            old = Trade(i=item.oi, p=item.op, s=item.os, c=item.oc, **same)
            new = Trade(i=item.ci, p=item.cp, s=item.cs, c=item.cc, **same)
            self._add(old, position, TickKind.CANCEL)
            self._add(new, position, TickKind.CORRECTION)
        elif isinstance(item, Status):
            # Placeholder that passes the price check; a STATUS record has no price.
            self._add(Trade(i=0, S=item.S, p=1.0, s=0.0, t=item.t), position, TickKind.STATUS)
            self._status_sizes.append(STATUS_SIZES[item.z][item.sc])
        else:
            raise TypeError(f"{type(item).__name__} does not make a tick")

    def rows(self) -> Rows:
        """Return the collected rows."""
        kinds = np.array(self._kinds, np.uint8)
        return Rows(self._trades, np.array(self._items, np.intp), kinds, self._status_sizes)

    def _add(self, trade: Trade[Any], position: int, kind: TickKind) -> None:
        self._trades.append(trade)
        self._items.append(position)
        self._kinds.append(kind)


def changes_trading(status: Status[Any]) -> bool:
    """Return whether a status halts or resumes trading."""
    return status.sc in STATUS_SIZES.get(status.z, ())


def rows_of_trades(trades: Sequence[Trade[Any]]) -> Rows:
    """Return the rows of a batch that contains only trades."""
    return Rows(trades, np.arange(len(trades)), np.zeros(len(trades), np.uint8))
