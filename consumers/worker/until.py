"""Parses `--until`."""

from __future__ import annotations

from datetime import UTC, datetime

from consumers.worker.state import Until
from core.model.errors import ConfigurationError


def parse_until(text: str | None, *, idle_ms: int) -> Until | None:
    """Parse `--until`.

    Args:
        text: None, `idle`, or an RFC 3339 time with its offset from UTC.
        idle_ms: How long the end of the log must have been reached for `idle`.

    Raises:
        ConfigurationError: The text is neither.

    Example:
        >>> parse_until("2024-07-11T20:30:00Z", idle_ms=500).event_time_ns
        1720729800000000000
        >>> parse_until("idle", idle_ms=500)
        Until(event_time_ns=None, idle_ms=500)
    """
    if text is None:
        return None
    if text == "idle":
        return Until(idle_ms=idle_ms)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ConfigurationError(
            f"--until {text!r} is neither 'idle' nor a time with a UTC offset",
            operator_action="write, for example, --until 2024-07-11T20:30:00Z",
        )
    delta = instant - datetime(1970, 1, 1, tzinfo=UTC)
    microseconds = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
    return Until(event_time_ns=microseconds * 1_000)
