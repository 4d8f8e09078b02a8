"""What an event is given besides its own values: base rates, rarity and tags, from artefacts made earlier.

The engine reads them through this seam and never computes them, so they are data like the
universe: pinned by digests, the same for the same artefact, and no part of the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from core.definitions.definition import Definition
from core.model.instruments import Pair


class Lookups(Protocol):
    """Pure lookups; an answer may rest only on what was known by the time asked for."""

    @property
    def digests(self) -> Mapping[str, str]:
        """Name of each artefact → digest, for the provenance of every event."""

    def base_rate(
        self, definition: Definition, pair: Pair, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        """What followed earlier events of the definition, from outcomes closed by then.

        Args:
            definition: The definition, whose version must be the artefact's.
            pair: The pair.
            ts_knowable_ns: Event time at which the event is known, ns UTC.

        Returns:
            Plain JSON content, None where there is nothing.
        """

    def rarity(self, definition: Definition, pair: Pair, ts_knowable_ns: int) -> Mapping[str, object] | None:
        """How often chance would give the definition's events; arguments and answer as of `base_rate`."""

    def tags(self, session: int, ts_knowable_ns: int) -> tuple[str, ...]:
        """Dated events, such as a reconstitution, whose window holds a session.

        Args:
            session: Days since 1970-01-01.
            ts_knowable_ns: Event time at which the event is known, ns UTC.

        Returns:
            Their names, in a fixed order.
        """


class NoLookups:
    """Nothing to look up."""

    @property
    def digests(self) -> Mapping[str, str]:
        """No artefact."""
        return {}

    def base_rate(
        self, definition: Definition, pair: Pair, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        """Never one."""
        return None

    def rarity(self, definition: Definition, pair: Pair, ts_knowable_ns: int) -> Mapping[str, object] | None:
        """Never one."""
        return None

    def tags(self, session: int, ts_knowable_ns: int) -> tuple[str, ...]:
        """Never one."""
        return ()
