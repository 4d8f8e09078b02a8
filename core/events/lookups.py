"""Interface for base rates, rarity and tags of events, from artefacts built earlier.

The engine reads them through this interface and never computes them. Base rates and rarity come from the set
that the log's latest mark names; the state contains the mark. Dated events are input data like the universe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from core.definitions.definition import Definition
from core.model.instruments import Pair


class Lookups(Protocol):
    """Pure lookups; a result may only depend on what was known at the given time."""

    @property
    def digests(self) -> Mapping[str, str]:
        """Name of each artefact → digest, for the provenance of every event."""

    def base_rate(
        self, definition: Definition, pair: Pair, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        """Return base rates of the definition, from outcomes closed by the given time.

        Args:
            definition: The definition; its version must match the artefact's.
            pair: The pair.
            ts_knowable_ns: Event time at which the event is known, ns UTC.

        Returns:
            JSON content, or None.
        """

    def rarity(self, definition: Definition, pair: Pair, ts_knowable_ns: int) -> Mapping[str, object] | None:
        """Return the chance frequency of the definition's events; arguments and result as for `base_rate`."""

    def tags(self, session: int, ts_knowable_ns: int) -> tuple[str, ...]:
        """Return the dated events, such as a reconstitution, whose window contains a session.

        Args:
            session: Days since 1970-01-01.
            ts_knowable_ns: Event time at which the event is known, ns UTC.

        Returns:
            Their names, in a fixed order.
        """


LookupsByMark = Callable[[int], Lookups]
"""Mark of a set of artefacts, or `NO_SET` → what events look up while that set is in force.

May raise `TransportError`, after which the same mark is asked for again, and `ArtefactsError`.
"""


class NoLookups:
    """Lookups without artefacts."""

    @property
    def digests(self) -> Mapping[str, str]:
        """Return an empty mapping."""
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
