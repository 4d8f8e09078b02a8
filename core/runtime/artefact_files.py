"""Reads artefacts from files: base rates and rarity, sets of both, and dated events."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Final, TypeVar

from core.events.artefact_set import ArtefactSet
from core.events.cards import RarityCards, RateCards
from core.model.dated_events import DatedEvents, parse_dated_events
from core.model.errors import InputError
from core.model.sessions import Calendar
from core.runtime.files import CALENDAR_EVENTS, parsed, read_bytes

DEMO_ARTEFACTS: Final = "demo_artefacts.json"
_Read = TypeVar("_Read")


def read_dated_events(calendar_events_file: Path | None, exchange: Calendar) -> DatedEvents:
    """Read dated events.

    Args:
        calendar_events_file: None for the packaged one.
        exchange: The exchange whose sessions they refer to.

    Raises:
        ConfigurationError: The file cannot be read, or an entry is invalid.
    """
    return parsed(calendar_events_file, CALENDAR_EVENTS, lambda text: parse_dated_events(text, exchange))


def read_cards(base_rates_file: Path | None, rarity_file: Path | None) -> ArtefactSet | None:
    """Read base rates and rarity as one set.

    Args:
        base_rates_file: None for no base rates.
        rarity_file: None for no rarity.

    Returns:
        The set; None without any file.

    Raises:
        ConfigurationError: A file cannot be read.
        InputError: A file is not one of base rates or rarity.
    """
    if base_rates_file is None and rarity_file is None:
        return None
    return ArtefactSet(
        RateCards({}) if base_rates_file is None else _parsed(base_rates_file, RateCards.parse),
        RarityCards({}) if rarity_file is None else _parsed(rarity_file, RarityCards.parse),
    )


def read_set(file: Path) -> ArtefactSet:
    """Read a set that `rotascope study prepare --store` has written.

    Raises:
        ConfigurationError: The file cannot be read.
        InputError: It is not a set.
    """
    return _parsed(file, ArtefactSet.parse)


def demo_set() -> ArtefactSet:
    """Return the packaged set of the demo."""
    return ArtefactSet.parse((resources.files("core") / "data" / DEMO_ARTEFACTS).read_bytes())


def _parsed(file: Path, parse: Callable[[bytes], _Read]) -> _Read:
    """Parse a file; a refusal names it."""
    try:
        return parse(read_bytes(file))
    except InputError as error:
        raise InputError(f"{file}: {error.message}", operator_action=error.operator_action) from error
