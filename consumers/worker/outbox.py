"""What one partition has produced and not yet committed.

The engine's state never goes back, so its output must not be lost. Records stay in the outbox
until the outcome of their commit is known, and are sent again when the commit failed.
"""

from __future__ import annotations

from collections.abc import Iterable

from core.kafka.records import Committed, OutgoingBatch, OutgoingRecord


class Outbox:
    """Records of one partition in order, and the offset they bring it to.

    Example:
        >>> outbox = Outbox()
        >>> outbox.add([OutgoingRecord("t", None, b"event", ())], next_offset=8)
        >>> batch = outbox.batch("{}")
        >>> outbox.add([], next_offset=9)           # stepping may go on while the batch is sent
        >>> outbox.settle(batch)
        >>> outbox.records, outbox.dirty            # nothing to send, but offset 9 to commit
        (0, True)
    """

    def __init__(self) -> None:
        self._records: list[OutgoingRecord] = []
        self._next_offset: int | None = None
        self._settled_offset: int | None = None
        self._bytes = 0

    @property
    def records(self) -> int:
        """Number of records that wait."""
        return len(self._records)

    @property
    def bytes(self) -> int:
        """Bytes of keys and values that wait."""
        return self._bytes

    @property
    def dirty(self) -> bool:
        """Whether there is anything to publish or to commit."""
        return bool(self._records) or self._next_offset != self._settled_offset

    def add(self, records: Iterable[OutgoingRecord], *, next_offset: int) -> None:
        """Append what one step said.

        Args:
            records: In the order in which a reader must see them.
            next_offset: Offset behind the record that was stepped.
        """
        for record in records:
            self._records.append(record)
            self._bytes += _size(record)
        self._next_offset = next_offset

    def batch(self, metadata: str) -> OutgoingBatch:
        """Everything that waits now; it stays in the outbox until `settle`.

        Args:
            metadata: What a restart must know besides the offset.

        Raises:
            ValueError: Nothing was ever added.
        """
        if self._next_offset is None:
            raise ValueError("an outbox that was never added to has no batch")
        return OutgoingBatch(tuple(self._records), Committed(self._next_offset, metadata))

    def settle(self, batch: OutgoingBatch) -> None:
        """Forget a batch whose records are acknowledged and whose position is committed."""
        del self._records[: len(batch.records)]
        self._bytes -= sum(_size(record) for record in batch.records)
        self._settled_offset = batch.position.offset


def _size(record: OutgoingRecord) -> int:
    return len(record.value) + len(record.key or b"")
