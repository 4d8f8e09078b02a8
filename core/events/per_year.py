"""How often a definition has opened on a pair, a year of the pair's history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

DAYS_PER_YEAR: Final = 365.25
TOO_SHORT: Final = "less than one year of history"
NO_HISTORY: Final = "no history"


def openings_per_year(
    first_since: Mapping[str, object] | None, session: date
) -> tuple[float | None, str | None]:
    """Divide the openings before an event by the years since the history begins.

    Args:
        first_since: Field of the event; that of an earlier schema is read as well.
        session: Session of the event.

    Returns:
        Openings a year, or None with the reason: a rate is given from one year of history on.

    Example:
        >>> openings_per_year({"openings": 69, "history_start": "1990-01-02"}, date(2024, 7, 11))[0]
        1.9987...
        >>> openings_per_year({"openings": 0, "history_start": "2024-01-02"}, date(2024, 7, 11))
        (None, 'less than one year of history')
    """
    if first_since is None:
        return None, NO_HISTORY
    openings = openings_before(first_since)
    start = first_since.get("history_start")
    if openings is None or not isinstance(start, str):
        return None, NO_HISTORY
    years = (session - date.fromisoformat(start)).days / DAYS_PER_YEAR
    return (openings / years, None) if years >= 1.0 else (None, TOO_SHORT)


def openings_before(first_since: Mapping[str, object]) -> int | None:
    """Return the number of earlier openings; an earlier schema calls it `count`."""
    openings = first_since.get("openings", first_since.get("count"))
    return openings if isinstance(openings, int) else None
