"""Formats times and session dates as text: RFC 3339 in UTC, independent of clock, zone data and locale."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from core.model.records import NANOSECONDS_PER_SECOND

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL: Final = _EPOCH.toordinal()


def rfc3339(ts_ns: int) -> str:
    """Format a time as RFC 3339 in UTC.

    Args:
        ts_ns: Nanoseconds since 1970-01-01 UTC.

    Returns:
        Seconds, with three, six or nine decimals if needed.

    Example:
        >>> rfc3339(1720728000_000000000), rfc3339(1720728000_250000000)
        ('2024-07-11T20:00:00Z', '2024-07-11T20:00:00.250Z')
    """
    seconds, nanoseconds = divmod(int(ts_ns), NANOSECONDS_PER_SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()
    fraction = f"{nanoseconds:09d}"
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def date_text(session_day: int) -> str:
    """Format a session's date.

    Args:
        session_day: Days since 1970-01-01.

    Returns:
        `YYYY-MM-DD`.

    Example:
        >>> date_text(19915)
        '2024-07-11'
    """
    return date.fromordinal(_EPOCH_ORDINAL + int(session_day)).isoformat()
