"""Registry of the supported vendors: one line per feed.

A feed is a module in this package that implements `base.Feed`, plus its line here. The command line,
the contract tests and the dead letters are derived from the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from producers.feeds.alpaca.feed import AlpacaFeed
from producers.feeds.base import FeedFactory

FEEDS: Final[Mapping[str, FeedFactory]] = MappingProxyType(
    {
        "alpaca": AlpacaFeed,
    }
)
