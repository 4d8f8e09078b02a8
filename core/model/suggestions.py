"""Suggestions for unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], *, list_all: bool = False) -> str:
    """Return a hint to append to an error message.

    Args:
        name: The unknown name.
        names: The known names.
        list_all: If no name is near, list all known ones.

    Returns:
        Text in brackets with a leading space, or "".

    Example:
        >>> nearest("SPYY", ["RUT", "SPY"])
        " (did you mean 'SPY'?)"
        >>> nearest("BTC", ["RUT", "SPY"], list_all=True)
        ' (known: RUT, SPY)'
    """
    known = list(names)
    close = difflib.get_close_matches(name, known, n=2)
    if close:
        return f" (did you mean {' or '.join(map(repr, close))}?)"
    return f" (known: {', '.join(sorted(known))})" if list_all and known else ""
