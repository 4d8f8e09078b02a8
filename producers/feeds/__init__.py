"""The supported vendors: one line per feed.

A feed is a package in here: its settings, credentials, codec and table of errors, and a class that
implements `base.Feed`. The command line, its help, the sections of the settings, the rights in Kafka and
the contract tests are derived from `FEEDS`.

base.py             the interface of a feed; settings.py what all their sections have
scales.py           prices and sizes in each instrument's unit
columns.py          batches of messages as columns
alpaca/             Alpaca's US stocks
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from core.model.instruments import Instrument, Source
from producers.feeds.alpaca.feed import AlpacaFeed
from producers.feeds.alpaca.settings import AlpacaSettings
from producers.feeds.base import Feed
from producers.feeds.settings import FeedSettings


class FeedModule(NamedTuple):
    """One vendor.

    Args:
        summary: One line for the list of feeds.
        settings: Its section of the settings, which has the name of the feed.
        make: Makes the feed from its section, the source and the instruments to subscribe to.
    """

    summary: str
    settings: type[FeedSettings]
    make: Callable[[Any, Source, Sequence[Instrument]], Feed]


FEEDS: Final[Mapping[str, FeedModule]] = MappingProxyType(
    {
        "alpaca": FeedModule("Alpaca's trades of US stocks and funds.", AlpacaSettings, AlpacaFeed),
    }
)


def feed_sections() -> Mapping[str, type[FeedSettings]]:
    """Return the sections of all feeds, as `core.runtime.settings.collect_settings` takes them."""
    return {name: feed.settings for name, feed in FEEDS.items()}
