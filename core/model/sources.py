"""Finds a source of the universe by name."""

from __future__ import annotations

from core.model.errors import ConfigurationError
from core.model.instruments import Source, Universe
from core.model.suggestions import nearest


def find_source(universe: Universe, name: str) -> Source:
    """Return a source of the universe by name.

    Raises:
        ConfigurationError: There is none; the message suggests the nearest name.
    """
    for source in universe.sources:
        if source.name == name:
            return source
    names = [source.name for source in universe.sources]
    raise ConfigurationError(
        f"the universe has no source {name!r}{nearest(name, names, list_all=True)}",
        operator_action="add it to the universe under [[source]], or use another name",
    )
