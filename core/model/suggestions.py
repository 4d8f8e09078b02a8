"""Suggestions for unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_MOST_NEAR: Final = 2
_MOST_LISTED: Final = 8


def nearest(name: str, names: Iterable[str], *, list_all: bool = False) -> str:
    """Return a hint to append to an error message.

    Args:
        name: The unknown name.
        names: The known names.
        list_all: If no name is near, list the known ones.

    Returns:
        Text that begins with a semicolon, or "".

    Example:
        >>> nearest("SPYY", ["RUT", "SPY"])
        "; did you mean 'SPY'?"
        >>> nearest("rut", ["RUT", "SPY"])
        "; did you mean 'RUT'?"
        >>> nearest("BTC", ["RUT", "SPY"], list_all=True)
        '; known: RUT, SPY'
    """
    known = list(names)
    # Capitals are a frequent mistake, and a name in other capitals has no letter in common.
    alike = [each for each in known if each.casefold() == name.casefold()]
    close = alike[:_MOST_NEAR] or difflib.get_close_matches(name, known, n=_MOST_NEAR)
    if close:
        return f"; did you mean {' or '.join(map(repr, close))}?"
    if not list_all or not known:
        return ""
    more = f", … {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    return f"; known: {', '.join(sorted(known)[:_MOST_LISTED])}{more}"
