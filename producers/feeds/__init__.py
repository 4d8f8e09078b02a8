"""Every vendor Rotascope speaks with: one line a feed.

A feed is a file in this package that fulfils `base.Feed`, and its line here; the command line,
the contract tests and the dead letters follow from the registry.
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
