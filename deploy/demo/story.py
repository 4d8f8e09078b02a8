"""Formats event data as text: the moves of the legs, and how long since a similar event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from core.events.events import LEGS
from core.model.records import Frequency

_EXTREMES: Final = ("high", "low")


def when(data: Mapping[str, Any]) -> str:
    """Format the time of an event in UTC, to the minute; only the date for daily events.

    Example:
        >>> when({"event_time": "2024-07-11T14:34:00Z"}), when({"event_time": "2024-07-11"})
        ('2024-07-11 14:34', '2024-07-11')
    """
    return str(data["event_time"]).replace("T", " ").removesuffix(":00Z")


def moves(data: Mapping[str, Any]) -> str:
    """Format the moves of the legs.

    Args:
        data: Event data, valid against its schema.

    Returns:
        For a daily definition both legs' moves over its horizon, for an intraday one the relative
        move; with the z-score if the definition uses one.

    Example:
        >>> values = {"instrument_return_pct": 3.5718, "benchmark_return_pct": -0.876}
        >>> moves({"frequency": "1d", "numerator": "RUT", "benchmark": "SPX", "values": values})
        'RUT +3.57 %, SPX -0.88 %'
    """
    values = data["values"]
    if data["frequency"] == Frequency.DAY.label:
        returns = (values.get("instrument_return_pct"), values.get("benchmark_return_pct"))
        parts = [f"{data[leg]} {_percent(found)}" for leg, found in zip(LEGS, returns, strict=True)]
    else:
        found = values.get("relative_return_pct")
        parts = [f"{data['numerator']} against {data['benchmark']} {_percent(found)}"]
    if values.get("zscore") is not None:
        parts.append(f"z {values['zscore']:+.1f}")
    return ", ".join(parts)


def what_happened(data: Mapping[str, Any]) -> str:
    """Format the moves of the legs and their position relative to earlier extremes."""
    values = data["values"]
    extremes = [
        f"{data[leg]} {values[f'{leg}_close']:,.2f} {_beside(values, leg, extreme)} {extreme}"
        for leg in LEGS
        for extreme in _EXTREMES
        if values.get(f"{leg}_previous_{extreme}") is not None
    ]
    return ", ".join([moves(data), *extremes])


def first_since(data: Mapping[str, Any]) -> str | None:
    """Format the last earlier session of the kind and the start of the history; None if unknown.

    Example:
        >>> since = {"last_true": "2008-10-10", "sessions_true": 1, "history_start": "1990-01-02"}
        >>> first_since({"first_since": since})
        'first since 2008-10-10 (history from 1990-01-02)'
        >>> first_since({"first_since": since | {"last_true": None, "sessions_true": 0}})
        'first in the history, which starts 1990-01-02'
    """
    found = data["first_since"]
    if found is None:
        return None
    if found["last_true"] is not None:
        return f"first since {found['last_true']} (history from {found['history_start']})"
    if found["sessions_true"] is None:
        return None  # Not recorded that far back.
    return f"first in the history, which starts {found['history_start']}"


def _beside(values: Mapping[str, float], leg: str, extreme: str) -> str:
    before = values[f"{leg}_previous_{extreme}"]
    return f"{'above' if values[f'{leg}_close'] > before else 'below'} its {before:,.2f}"


def _percent(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.2f} %"
