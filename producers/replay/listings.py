"""Listings of instruments, which determine the tape and the official closing auction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from core.model.errors import HistoryError

INDEX_EXCHANGE: Final = "E"
"""Exchange code of an index value: `market independent` in the vendor's table of exchanges."""

_NYSE: Final = "N"
_NASDAQ: Final = "Q"


class Listing(NamedTuple):
    """Listing of one instrument."""

    exchange: str
    is_index: bool = False

    @property
    def tape(self) -> str:
        """A for NYSE listings, C for Nasdaq listings, B for all others."""
        if self.exchange == _NYSE:
            return "A"
        return "C" if self.exchange == _NASDAQ else "B"

    @property
    def regular_sale(self) -> tuple[str, ...]:
        """The condition of a regular trade; an index value carries none."""
        if self.is_index:
            return ()
        return ("@",) if self.tape == "C" else (" ",)


INDEX: Final = Listing(INDEX_EXCHANGE, is_index=True)

LISTINGS: Final[Mapping[str, Listing]] = MappingProxyType(
    {
        **dict.fromkeys(("RUT", "SPX"), INDEX),
        **dict.fromkeys(("SPY", "IWM"), Listing("P")),
        **dict.fromkeys(("AIG", "BAC", "IBM"), Listing(_NYSE)),
        **dict.fromkeys(
            ("QQQ", "AAPL", "AMZN", "GOOG", "GOOGL", "META", "MSFT", "NVDA", "TSLA"), Listing(_NASDAQ)
        ),
    }
)
"""Listings of the instruments in the available recordings; `--listing` adds others."""


def listing_of(symbol: str, listings: Mapping[str, Listing]) -> Listing:
    """Look up a listing.

    Args:
        symbol: The ticker.
        listings: Known listings.

    Returns:
        The listing.

    Raises:
        HistoryError: The symbol is not in `listings`.
    """
    try:
        return listings[symbol]
    except KeyError:
        raise HistoryError(
            f"unknown listing of {symbol}",
            operator_action=f"pass --listing {symbol}=N (or P, Q, … or INDEX)",
        ) from None


def with_listings(entries: Iterable[str]) -> dict[str, Listing]:
    """Add `SYMBOL=EXCHANGE` entries to the known listings.

    Args:
        entries: Each `SYMBOL=` followed by a one-letter exchange code or `INDEX`.

    Returns:
        Symbol → listing.

    Raises:
        HistoryError: An entry that does not read so.

    Example:
        >>> with_listings(["XLE=P"])["XLE"].tape
        'B'
    """
    listings = dict(LISTINGS)
    for entry in entries:
        symbol, _, exchange = entry.partition("=")
        if symbol and exchange == "INDEX":
            listings[symbol] = INDEX
        elif symbol and len(exchange) == 1 and exchange.isupper():
            listings[symbol] = Listing(exchange)
        else:
            raise HistoryError(
                f"listing {entry!r} is not SYMBOL=EXCHANGE", operator_action="write, for example, IWM=P"
            )
    return listings
