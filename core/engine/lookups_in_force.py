"""What events look up, by the set of artefacts that the log puts in force."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.events.lookups import Lookups, LookupsByMark, NoLookups
from core.model.records import TickKind

_ARTEFACTS: Final = int(TickKind.ARTEFACTS)


class LookupsInForce:
    """Finds lookups by mark.

    Args:
        fixed: Lookups whatever the log says; None for none.
        by_mark: Gives those of the set that a mark names; None to use the fixed ones.
    """

    def __init__(self, fixed: Lookups | None, by_mark: LookupsByMark | None) -> None:
        self._fixed = fixed or NoLookups()
        self._by_mark = by_mark

    def under(self, mark: int) -> Lookups:
        """Return the lookups of a set.

        Args:
            mark: `ArtefactSet.mark`, or `NO_SET`.

        Raises:
            ArtefactsError: The set cannot be found.
            TransportError: Sets cannot be looked for now.
        """
        return self._fixed if self._by_mark is None else self._by_mark(mark)

    def find(self, ticks: NDArray[np.void]) -> None:
        """Look for the sets that a frame names, before the frame changes anything.

        Args:
            ticks: TICK (n,): the frame.

        Raises:
            ArtefactsError: As of `under`, as is TransportError.
        """
        named = ticks["kind"] == _ARTEFACTS
        if named.any():
            for mark in ticks["trade_id"][named].tolist():
                self.under(mark)
