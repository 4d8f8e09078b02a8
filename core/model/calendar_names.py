"""The names of calendars."""

from __future__ import annotations

from typing import Final

from core.model.suggestions import nearest

CALENDAR_NAMES: Final = ("24/7", "XNYS")
"""The calendars that most universes name; every other name of exchange_calendars may stand there as well."""


def unknown_calendar(name: str) -> str | None:
    """Describe what is wrong with the name of a calendar; None where it is one.

    Only names other than `CALENDAR_NAMES` ask the library, which takes most of a second to import.

    Example:
        >>> unknown_calendar("XTKS") is None, unknown_calendar("NYSE")
        (True, " (another name of 'XNYS')")
    """
    if name in CALENDAR_NAMES:
        return None
    from exchange_calendars import get_calendar_names, resolve_alias

    names = get_calendar_names(include_aliases=False)
    if name in names:
        return None
    if name in get_calendar_names(include_aliases=True):
        # Two names of one exchange would count as two calendars, whose days are held against each other.
        return f" (another name of {resolve_alias(name)!r})"
    near = nearest(name, CALENDAR_NAMES) or nearest(name, names)
    return near or nearest(name, CALENDAR_NAMES, list_all=True)
