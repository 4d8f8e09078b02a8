"""Frames of the values topic: a pair's values of a minute or a session, one partition a shard.

What one step of an engine hands out for one block of pairs and one time T becomes, in each shard, the
pairs of that shard and the block's mark. A frame's header says it all again: source is the partition of
the ticks, epoch is T, and the sequence follows from the offset of the ticks. The same log gives the same
bytes, whichever worker reads it and wherever that worker began.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.frames import MAX_RECORDS, encode_frame
from core.model.records import NO_INSTRUMENT, VALUE, VALUE_VERSION, ValueFlag
from core.model.routing import value_shards_of

VALUE_HEADERS: Final[tuple[tuple[str, bytes], ...]] = (
    ("content-type", b"application/vnd.rotascope.frame"),
    ("schema", f"value/{VALUE_VERSION}".encode()),
)
_NO_FIGURES: Final = (float("nan"),) * 8
_FRAMES_OF_A_STEP: Final = 1 << 20
"""Sequence numbers of one offset. A step over a year without a tick makes a tenth as many frames."""


class ValueBatch(NamedTuple):
    """Values that became known together: of one block of pairs, at one time.

    Args:
        ts_event_ns: T: the end of the minute, or the close of the session.
        session: Days since 1970-01-01.
        block: Number of the block in its partition: pairs that share sources and a calendar.
        numerators: uint32 (pairs of the block,): ids of the numerators.
        records: VALUE array (n,); without any, only the mark is sent.
        final: Whether the session is final for these pairs; otherwise they are of a minute.
        complete: Whether a mark follows: no other pair of the block is awaited for T.
    """

    ts_event_ns: int
    session: int
    block: int
    numerators: NDArray[np.uint32]
    records: NDArray[np.void]
    final: bool
    complete: bool


class ValueFrame(NamedTuple):
    """One record for Kafka.

    Args:
        shard: Partition of the values topic.
        payload: The frame.
    """

    shard: int
    payload: bytes


def value_frames(
    batches: list[ValueBatch], *, partition: int, offset: int, shards: int
) -> Iterator[ValueFrame]:
    """Encode what one step handed out.

    Args:
        batches: In the order in which they became known.
        partition: Partition of the ticks, which is the frames' source.
        offset: Offset of the frame of ticks that was stepped.
        shards: Number of partitions of the values topic.

    Yields:
        In each shard, the batches in order; in each batch, the mark last.
    """
    numbers = [offset * _FRAMES_OF_A_STEP] * shards
    for batch in batches:
        for shard, records in enumerate(_by_shard(batch, shards)):
            for start in range(0, len(records), MAX_RECORDS):
                payload = encode_frame(
                    records[start : start + MAX_RECORDS],
                    source=partition,
                    epoch=batch.ts_event_ns,
                    sequence=numbers[shard],
                )
                numbers[shard] += 1
                yield ValueFrame(shard, payload)


def _by_shard(batch: ValueBatch, shards: int) -> Iterator[NDArray[np.void]]:
    """Give the records of each shard, the mark included."""
    if shards == 1:
        yield _with_mark(batch, batch.records, len(batch.numerators))
        return
    homes = value_shards_of(batch.records["instrument_id"], shards)
    pairs = np.bincount(value_shards_of(batch.numerators, shards), minlength=shards)
    for shard in range(shards):
        yield _with_mark(batch, batch.records[homes == shard], int(pairs[shard]))


def _with_mark(batch: ValueBatch, records: NDArray[np.void], pairs: int) -> NDArray[np.void]:
    if not batch.complete:
        return records
    flags = int(ValueFlag.MARK | (ValueFlag.FINAL if batch.final else 0))
    head = (NO_INSTRUMENT, batch.block, batch.ts_event_ns, pairs)
    # Joining arrays of records compares their fields, which takes longer than all of this.
    marked = np.empty(len(records) + 1, VALUE)
    marked[:-1] = records
    marked[-1] = (*head, *_NO_FIGURES, 0, 0, 0, 0, batch.session, flags)
    return marked
