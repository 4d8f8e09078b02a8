"""Which recorded files and which pairs a large study is made of: 35 years, every pair."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_LARGE: Final = ("AAPL", "MSFT", "NVDA", "AMZN", "META", "TSLA", "GOOGL")
_YAHOO: Final = ("QQQ", *_LARGE)

STUDY_FILES: Final[Mapping[str, str]] = MappingProxyType(
    {symbol: f"daily/{symbol}.csv" for symbol in ("RUT", "GSPC", "IWM", "SPY")}
    | {symbol: f"daily/{symbol}_yahoo.csv" for symbol in _YAHOO}
)
"""Symbol → daily file, as `shared_data` finds it."""
STUDY_PAIRS: Final = (
    *("RUT/GSPC", "IWM/SPY", "IWM/QQQ", "QQQ/SPY", "IWM/GSPC"),
    *(f"{symbol}/SPY" for symbol in _LARGE),
)
STUDY_RATES: Final = "rates/FRED_DGS.csv"
"""Its column DGS10 is the yield of ten years."""
