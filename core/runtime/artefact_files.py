"""Reads the artefacts of an engine from the configured files."""

from __future__ import annotations

from pathlib import Path

from core.events.artefacts import Artefacts
from core.events.cards import RarityCards, RateCards
from core.model.dated_events import parse_dated_events
from core.model.sessions import Calendar
from core.runtime.files import CALENDAR_EVENTS, parsed, read_bytes


def read_artefacts(
    calendar_events_file: Path | None,
    base_rates_file: Path | None,
    rarity_file: Path | None,
    exchange: Calendar,
) -> Artefacts:
    """Read base rates, rarity and dated events.

    Args:
        calendar_events_file: None for the packaged one.
        base_rates_file: None for no base rates.
        rarity_file: None for no rarity.
        exchange: The exchange whose sessions the dated events refer to.

    Raises:
        ConfigurationError: A file cannot be read, or an entry is invalid.
        InputError: A file is not one of base rates or rarity.
    """
    return Artefacts(
        cards=None if base_rates_file is None else RateCards.parse(read_bytes(base_rates_file)),
        dated_events=parsed(
            calendar_events_file, CALENDAR_EVENTS, lambda text: parse_dated_events(text, exchange)
        ),
        rarities=None if rarity_file is None else RarityCards.parse(read_bytes(rarity_file)),
    )
