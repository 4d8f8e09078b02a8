"""The topic of day bars: name, headers, key."""

from __future__ import annotations

from typing import Final

from core.model.records import BAR_VERSION
from core.model.timestamps import date_text

BAR_HEADERS: Final[tuple[tuple[str, bytes], ...]] = (
    ("content-type", b"application/vnd.rotascope.frame"),
    ("schema", f"bar/{BAR_VERSION}".encode()),
)
BAR_EPOCH: Final = 0
"""Bars have no producer epoch: they are determined by a log or a file."""


def day_bar_key(instrument_id: int, session: int) -> bytes:
    """Return the record key of a day bar: compaction keeps the last record per key.

    Example:
        >>> day_bar_key(7, 19915)
        b'7/2024-07-11'
    """
    return f"{instrument_id}/{date_text(session)}".encode()
