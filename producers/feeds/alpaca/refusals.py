"""Refused items of a batch: recorded by position, returned in order, each with its own bytes.

The bytes of an item are extracted from its message only if it is refused, and a message is split
at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter

import msgspec
import numpy as np

from producers.feeds.base import MAX_REJECTS, RawMessage, Reject, reject


class Refusals:
    """The refused items of one batch.

    Args:
        messages: The batch.
        lengths: Items of each message.
        decode_parts: Splits a whole message into the bytes of each item.
    """

    def __init__(
        self,
        messages: Sequence[RawMessage],
        lengths: Sequence[int],
        decode_parts: Callable[[bytes], list[msgspec.Raw]],
    ) -> None:
        self._messages = messages
        self._ends = np.cumsum(lengths, dtype=np.int64)
        self._decode_parts = decode_parts
        # Position in the batch, and the reason of an item whose bytes are not extracted yet.
        self._refused: list[tuple[int, str | Reject]] = []

    def add_all(self, positions: Sequence[int], reasons: Sequence[str]) -> None:
        """Refuse items by their positions in the batch; reasons are stable, low-cardinality labels."""
        self._refused += zip(positions, reasons, strict=True)

    def add_ready(self, position: int, refused: Reject) -> None:
        """Refuse an item whose bytes are available."""
        self._refused.append((position, refused))

    def __len__(self) -> int:
        return len(self._refused)

    def rejects(self) -> tuple[Reject, ...]:
        """Return the rejects in order; those of a message beyond `MAX_REJECTS` share one per reason."""
        if not self._refused:
            return ()
        self._refused.sort(key=itemgetter(0))
        indices = np.searchsorted(self._ends, [position for position, _ in self._refused], side="right")
        rejects: list[Reject] = []
        starts = np.flatnonzero(np.diff(indices, prepend=-1)).tolist()
        for start, stop in zip(starts, [*starts[1:], len(self._refused)], strict=True):
            rejects += self._of_message(int(indices[start]), self._refused[start:stop])
        return tuple(rejects)

    def _of_message(self, index: int, refused: Sequence[tuple[int, str | Reject]]) -> list[Reject]:
        first = int(self._ends[index - 1]) if index else 0
        payload = self._messages[index].payload
        ready = all(isinstance(what, Reject) for _, what in refused)
        parts = [] if ready else self._decode_parts(payload)
        own = [
            what if isinstance(what, Reject) else reject(what, bytes(parts[position - first]))
            for position, what in refused[:MAX_REJECTS]
        ]
        shared: dict[str, Reject] = {}
        for position, what in refused[MAX_REJECTS:]:
            reason = what.reason if isinstance(what, Reject) else what
            if reason in shared:
                shared[reason] = shared[reason]._replace(items=shared[reason].items + 1)
            elif isinstance(what, Reject):
                shared[reason] = what
            else:
                shared[reason] = reject(what, bytes(parts[position - first]))
        return own + list(shared.values())
