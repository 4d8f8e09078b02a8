"""The recorded days of October 2013: four stocks, their universe and their files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

from tests.support.shared_data import shared_data

DAY: Final = date(2013, 10, 8)
DAY_BEFORE: Final = date(2013, 10, 7)
EXCHANGES: Final = {"AIG": "N", "BAC": "N", "IBM": "N", "SPY": "P"}
"""Symbol → listing exchange; the instruments' ids are 1 to 4 in this order."""


def universe_text(pairs: Iterable[str], *, max_age_ms: int | None = None) -> str:
    """A universe of the recorded symbols, all of one source, as TOML.

    Args:
        pairs: "NUMERATOR/BENCHMARK".
        max_age_ms: Age beyond which a price is stale; the class's where it is None.
    """
    age = "" if max_age_ms is None else f", max_age_ms = {max_age_ms}"
    instruments = [
        f'    {{id = {number}, symbol = "{symbol}", class = "{"etf" if symbol == "SPY" else "equity"}", '
        f'calendar = "XNYS", source = "tape", listing_exchange = "{exchange}"{age}}},'
        for number, (symbol, exchange) in enumerate(EXCHANGES.items(), start=1)
    ]
    legs = [
        '    {{numerator = "{}", benchmark = "{}"}},'.format(*pair.split("/", maxsplit=1)) for pair in pairs
    ]
    return "\n".join(
        [
            'source = [{id = 1, name = "tape"}]',
            "instrument = [",
            *instruments,
            "]",
            "pair = [",
            *legs,
            "]",
            "",
        ]
    )


def tape_file(symbol: str, day: date = DAY) -> Path:
    """The recorded trades of a symbol on a day."""
    return shared_data(f"ticks/{symbol}_{day:%Y%m%d}_trades.csv.gz")
