"""Metadata of a committed offset, and the start plan derived from it."""

from __future__ import annotations

import json
import re
import zlib
from typing import Final, Literal, NamedTuple

import msgspec

from consumers.snapshots.records import SnapshotName
from core.kafka.records import Committed
from core.model.errors import SnapshotError

POSITION_VERSION: Final = 1
MAX_QUARANTINED_OFFSETS: Final = 128
"""Keeps the metadata below the broker's limit of 4,096 bytes. A quarantined offset without room is
quarantined again when it raises in the replay."""

_CHECKSUM: Final = re.compile(r',"crc32":"([0-9a-f]{8})"}\Z')
_TEXT: Final = json.JSONDecoder()

MissingBaseline = Literal["fail", "rebuild"]
"""Action if the log no longer contains the state's baseline."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of a committed offset.

    Args:
        baseline: Offset from which a fresh engine, processing up to the committed offset, reproduces the
            state of the engine that committed it.
        bars_sequence: Sequence of the next frame of minute bars.
        quarantined: Quarantined offsets at or after `baseline`, whose processing raised; a replay skips them.
        snapshot: The snapshot to restore from, which shortens the replay; None before the first.
        commits: Number of commits, which makes positions of a worker unique: after a commit without a
            response, the position found shows whether it succeeded.
        adopted_at: Offset at which this group last changed the definitions in force without a
            settings mark in the log; an older snapshot changes them there as well.
        version: Version of this format.
    """

    baseline: int
    bars_sequence: int = 0
    quarantined: tuple[int, ...] = msgspec.field(default=(), name="poison")
    snapshot: SnapshotName | None = None
    commits: int = 0
    adopted_at: int | None = None
    version: int = POSITION_VERSION

    def encode(self) -> str:
        """Encode as one JSON object, with only the latest quarantined offsets if there are too many.

        Its last field is a checksum of the text before it. The closing brace ends the position: a
        client may return more bytes than were committed.
        """
        bounded = msgspec.structs.replace(self, quarantined=self.quarantined[-MAX_QUARANTINED_OFFSETS:])
        text = msgspec.json.encode(bounded).decode().removesuffix("}")
        return f'{text},"crc32":"{_checksum(text)}"}}'


class Plan(NamedTuple):
    """Start plan of a partition.

    Args:
        seek_to: Offset of the first record to process.
        suppressed_until: Output of records before this offset is suppressed: an earlier run published it.
        position: The position committed by the group; a new one if there is none.
        committed: The offset committed by the group; None if there is none.
    """

    seek_to: int
    suppressed_until: int
    position: Position
    committed: Committed | None = None


def decode_position(metadata: str, *, partition: int) -> Position | None:
    """Decode the metadata of a committed offset, ignoring any trailing bytes.

    confluent-kafka reads metadata as a null-terminated string, but librdkafka's copy of another client's
    metadata is not terminated: it may return bytes of other memory after the position. Its own commits
    end with a null byte, which kafka-python returns.

    Positions of earlier releases have no checksum and are read the same way.

    Returns:
        None for an empty string: the offset was set manually.

    Raises:
        SnapshotError: The string was not written by Rotascope, is corrupt, or has an unknown version.
    """
    if not metadata.strip("\0"):
        return None
    try:
        _, end = _TEXT.raw_decode(metadata)
        text = metadata[:end]
        position = msgspec.json.decode(text, type=Position)
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise SnapshotError(
            f"metadata of the offset committed for partition {partition} cannot be read: {error}",
            operator_action="another program commits under this group id: choose another --group-id",
        ) from error
    if position.version != POSITION_VERSION:
        raise SnapshotError(
            f"offset of partition {partition} was committed by version {position.version} of the worker, "
            f"this one supports version {POSITION_VERSION}",
            operator_action="run the release that committed it, or choose another --group-id",
        )
    stored = _CHECKSUM.search(text)
    if stored is not None and stored[1] != _checksum(text[: stored.start()]):
        raise SnapshotError(
            f"metadata of the offset committed for partition {partition} is corrupt: its checksum differs",
            operator_action="set the group's offset without metadata to replay the log, or choose another "
            "--group-id",
        )
    return position


def same_place(one: Committed | None, other: Committed | None) -> bool:
    """Return whether two committed offsets are equal in offset and decoded position.

    The texts may differ in bytes after the position. Metadata that are not a position are compared
    literally.
    """
    if one is None or other is None:
        return one is other
    return one.offset == other.offset and _content(one.metadata) == _content(other.metadata)


def metadata_text(raw: bytes) -> str:
    """Decode metadata as text; bytes after a position that are not UTF-8 become U+FFFD."""
    return raw.decode("utf-8", "replace")


def _content(metadata: str) -> Position | str | None:
    try:
        return decode_position(metadata, partition=-1)
    except SnapshotError:
        return metadata


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def plan_start(
    committed: Committed | None,
    *,
    partition: int,
    begin_offset: int,
    end_offset: int,
    missing_baseline: MissingBaseline = "fail",
) -> Plan:
    """Determine where one partition starts.

    1. Never committed: from the start of the log, with output.
    2. Committed: from the baseline in the metadata, with output suppressed up to the committed offset.
    3. Offset set manually, without metadata: from the start of the log, with output suppressed up to it.

    Args:
        committed: Last committed offset of the group.
        partition: Partition number, for messages.
        begin_offset: Oldest offset in the log.
        end_offset: End offset of the log.
        missing_baseline: `rebuild` allows an engine to start in the middle of its history; its values
            are unknown until their windows are full again.

    Raises:
        SnapshotError: The baseline is before the start of the log, or the committed offset is after its
            end.
    """
    if committed is None:
        return Plan(begin_offset, begin_offset, Position(baseline=begin_offset))
    if committed.offset > end_offset:
        raise SnapshotError(
            f"partition {partition}: {committed.offset} is committed, but the log ends at {end_offset}",
            operator_action="the topic was recreated: choose another --group-id",
        )
    position = decode_position(committed.metadata, partition=partition)
    if position is None:
        by_hand = Position(baseline=begin_offset)
        return Plan(begin_offset, max(committed.offset, begin_offset), by_hand, committed)
    if position.baseline >= begin_offset:
        seek_to = position.baseline
    elif missing_baseline == "rebuild":
        seek_to = begin_offset
    else:
        raise SnapshotError(
            f"partition {partition}: the state depends on the log from offset {position.baseline} on, "
            f"but the log starts at {begin_offset}",
            operator_action="start once with --missing-baseline rebuild (values are unknown until their "
            "windows are full again), and give the topic a longer retention.ms",
        )
    begun_at = msgspec.structs.replace(position, baseline=seek_to)
    return Plan(seek_to, max(committed.offset, seek_to), begun_at, committed)
