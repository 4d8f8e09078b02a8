"""Queries of the feeds that a reader has chosen."""

from __future__ import annotations

from typing import Final

from deploy.grafana.promql import increase, series

OF_FEED: Final = 'feed=~"$feed"'


def of_feed(name: str, *matchers: str) -> str:
    """Return the selector of a producer's metric."""
    return series(name, OF_FEED, *matchers)


def by_feed(name: str, how: str = "max") -> str:
    """Return a gauge, one value a feed."""
    return f"{how} by (feed) ({of_feed(name)})"


def counted(name: str, *labels: str) -> str:
    """Return a counter's increase, by feed and further labels."""
    return increase(name, ", ".join(("feed", *labels)), OF_FEED, over="$__rate_interval")
