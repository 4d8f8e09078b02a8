"""Formats event data as text, and ranks events by how rare they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from consumers.inspect.event_lines import legs_moved, per_year, summary

_NEVER_RANKED: Final = float("inf")


def when(data: Mapping[str, Any]) -> str:
    """Format the time of an event in UTC, to the minute; only the date for daily events.

    Example:
        >>> when({"event_time": "2024-07-11T14:34:00Z"}), when({"event_time": "2024-07-11"})
        ('2024-07-11 14:34', '2024-07-11')
    """
    return str(data["event_time"]).replace("T", " ").removesuffix(":00Z")


def what_happened(data: Mapping[str, Any]) -> str:
    """Write both legs' moves of the day, then the summary.

    Args:
        data: Event data, valid against its schema.
    """
    return f"{legs_moved(data)}; {summary(data)}"


def how_often(data: Mapping[str, Any]) -> str:
    """Write how often a year the definition opened on the pair.

    Example:
        >>> how_often({"openings_per_year": 0.02897}), how_often({"openings_per_year": None})
        ('0.03 a year', 'less than a year of history')
    """
    rate = per_year(data)
    return "less than a year of history" if rate is None else f"{rate:.2f} a year"


def rarity_order(data: Mapping[str, Any]) -> float:
    """Return a key that sorts the rarest event first; unknown rarity sorts last."""
    rate = per_year(data)
    return _NEVER_RANKED if rate is None else rate
