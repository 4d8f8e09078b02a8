"""Hints for a name that is not known: what its writer may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str], *, list_all: bool = False) -> str:
    """Give a hint to put behind an error message.

    Args:
        name: The name that is not known.
        names: The names that are.
        list_all: Where nothing is near, list what is known instead of saying nothing.

    Returns:
        Text in brackets with a leading space, or nothing.

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
