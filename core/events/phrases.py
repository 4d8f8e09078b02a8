"""Phrases about an event, from its data: since when it is the first, its legs' moves, its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from core.definitions.sentence import LEGS
from core.events.per_year import openings_before
from core.model.figure_text import figure_text, is_known, words_of
from core.model.records import EventState

EXTENDED: Final = EventState.EXTENDED.label
"""State of an open episode whose conditions hold anew."""


def since_text(first_since: Mapping[str, object] | None, state: str) -> str:
    """Write since when an event is the first, to follow a sentence.

    Args:
        first_since: Field of the event; that of an earlier schema, with `date` and `count`, is read as well.
        state: The state entered.

    Returns:
        Text that begins with a colon; "" if nothing is known.

    Example:
        >>> since = {"last_true": "2008-10-10", "openings": 1, "history_start": "1990-01-02"}
        >>> since_text(since, "opened")
        ': first since 2008-10-10, 2 times since 1990'
        >>> since_text({**since, "last_true": None, "openings": 0}, "opened")
        ': first in the history from 1990-01-02'
    """
    if first_since is None:
        return ""
    latest = first_since.get("last_true", first_since.get("date"))
    start = str(first_since.get("history_start"))
    if latest is None and first_since.get("sessions_true", 0) is None:
        # Not recorded that far back: only openings are known.
        opened = first_since.get("previous_opening")
        return "" if opened is None else f": last opened on {opened}"
    if latest is None:
        return f": first in the history from {start}"
    if state == EXTENDED:
        return f": last on {latest}"
    openings = openings_before(first_since)
    # This event counts as well; a case that opened nothing, as in a cool-down, is no number of times.
    times = f", {openings + 1} times since {start[:4]}" if openings else ""
    return f": first since {latest}{times}"


def legs_text(
    symbols: Mapping[str, str], legs: Mapping[str, Mapping[str, object]], reasons: Mapping[str, str]
) -> str:
    """Write both legs' returns since their previous close.

    Args:
        symbols: Leg → symbol.
        legs: Field of the event.
        reasons: Field of the event.

    Example:
        >>> symbols = {"numerator": "RUT", "benchmark": "SPX"}
        >>> legs = {"numerator": {"return_pct": 3.5718}, "benchmark": {"return_pct": None}}
        >>> legs_text(symbols, legs, {"legs.benchmark.return_pct": "halted"})
        'RUT +3.57 %, SPX unknown (halted)'
    """
    parts = []
    for leg in LEGS:
        moved = legs.get(leg, {}).get("return_pct")
        if isinstance(moved, int | float) and is_known(moved):
            parts.append(f"{symbols[leg]} {figure_text('return_pct', float(moved), signed=True)}")
        else:
            reason = reasons.get(f"legs.{leg}.return_pct", "not given")
            parts.append(f"{symbols[leg]} unknown ({reason})")
    return ", ".join(parts)


def listed_values(values: Mapping[str, float | str | None], reasons: Mapping[str, str]) -> Iterator[str]:
    """Yield each value with its name in words; an unknown one with its reason.

    Args:
        values: Field of an event.
        reasons: Field of the event.

    Example:
        >>> list(listed_values({"spread_pp": 4.448, "zscore": None}, {"zscore": "gap"}))
        ['spread 4.45 pp', 'zscore unknown (gap)']
    """
    for name, value in values.items():
        if value is None or not is_known(value):
            yield f"{words_of(name)} unknown ({reasons.get(name, 'no reason')})"
        elif isinstance(value, str):
            yield f"{words_of(name)} {value}"
        else:
            yield f"{words_of(name)} {figure_text(name, float(value))}"
