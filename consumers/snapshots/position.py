"""What is stored with a committed offset, and what a restart makes of it."""

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
MAX_POISON_OFFSETS: Final = 128
"""Keeps the metadata below the broker's 4,096 bytes. A poison offset that found no room is only
found again, by raising again in the replay."""

_CHECKSUM: Final = re.compile(r',"crc32":"([0-9a-f]{8})"}\Z')
_TEXT: Final = json.JSONDecoder()

MissingBaseline = Literal["fail", "rebuild"]
"""What to do when the log no longer holds what the state was made of."""


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of a committed offset.

    Args:
        baseline: Offset from which a fresh engine, stepped up to the committed offset, has the
            state of the engine that committed it.
        bars_sequence: Sequence of the next frame of minute bars.
        poison: Offsets at or after `baseline` whose step raised; a replay skips them.
        snapshot: The snapshot from which less has to be stepped; None before the first.
        commits: How many commits led here, so that no two of one worker's positions are equal: after
            a commit without an answer, the one that is found tells which it was.
        adopted_at: Offset at which this group last changed the definitions in force without a
            settings mark in the log; an older snapshot changes them there as well.
        version: Of this record.
    """

    baseline: int
    bars_sequence: int = 0
    poison: tuple[int, ...] = ()
    snapshot: SnapshotName | None = None
    commits: int = 0
    adopted_at: int | None = None
    version: int = POSITION_VERSION

    def encode(self) -> str:
        """One JSON object, with only the latest poison offsets where there are too many.

        Its last field is a checksum of the text before it. The closing brace ends the position: a
        client may give back more bytes than were committed.
        """
        bounded = msgspec.structs.replace(self, poison=self.poison[-MAX_POISON_OFFSETS:])
        text = msgspec.json.encode(bounded).decode().removesuffix("}")
        return f'{text},"crc32":"{_checksum(text)}"}}'


class Plan(NamedTuple):
    """How one partition starts.

    Args:
        seek_to: Offset of the first record to step.
        muted_until: Records before this offset were published by an earlier run.
        position: What the group had committed with its offset; one of our own when it never did.
        committed: What the group had committed; None when it never did.
    """

    seek_to: int
    muted_until: int
    position: Position
    committed: Committed | None = None


def decode_position(metadata: str, *, partition: int) -> Position | None:
    """Read the metadata of a committed offset, and nothing that stands behind it.

    confluent-kafka reads metadata as a string that a zero byte ends, though librdkafka's copy of what
    another client committed has none: it may give back bytes of other memory behind the position. What
    it commits itself ends with a zero byte, which kafka-python shows.

    Positions of earlier releases have no checksum and are read the same way.

    Returns:
        None for an empty string: the offset was set by hand.

    Raises:
        SnapshotError: The string is not ours, is damaged, or of a version this program does not know.
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
            f"this one knows {POSITION_VERSION}",
            operator_action="run the release that committed it, or choose another --group-id",
        )
    stored = _CHECKSUM.search(text)
    if stored is not None and stored[1] != _checksum(text[: stored.start()]):
        raise SnapshotError(
            f"metadata of the offset committed for partition {partition} is damaged: its checksum differs",
            operator_action="set the group's offset without metadata to replay the log, or choose another "
            "--group-id",
        )
    return position


def same_place(one: Committed | None, other: Committed | None) -> bool:
    """Whether two committed offsets are the same: offset and decoded position.

    The texts may differ by bytes behind the position. Metadata that are not a position are compared as
    they stand.
    """
    if one is None or other is None:
        return one is other
    return one.offset == other.offset and _content(one.metadata) == _content(other.metadata)


def metadata_text(raw: bytes) -> str:
    """Read the bytes of metadata as text; bytes that are not UTF-8, behind a position, become U+FFFD."""
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
    """Decide where one partition starts.

    1. Never committed: from the beginning of the log, nothing muted.
    2. Committed: from the baseline named in the metadata, muted up to the committed offset.
    3. Offset set by hand, without metadata: from the beginning of the log, muted up to it.

    Args:
        committed: What the group last committed.
        partition: For messages.
        begin_offset: Oldest offset in the log.
        end_offset: Offset behind the newest record.
        missing_baseline: `rebuild` lets an engine start in the middle of its history; its
            values are unknown until their windows are full again.

    Raises:
        SnapshotError: The baseline is older than the log's start, or the log is shorter than
            what was committed.
    """
    if committed is None:
        return Plan(begin_offset, begin_offset, Position(baseline=begin_offset))
    if committed.offset > end_offset:
        raise SnapshotError(
            f"partition {partition}: {committed.offset} is committed, but the log ends at {end_offset}",
            operator_action="the topic was made anew: choose another --group-id",
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
            f"partition {partition}: state is made of the log from offset {position.baseline} on, "
            f"but the log starts at {begin_offset}",
            operator_action="start once with --missing-baseline rebuild (values are unknown until their "
            "windows are full again), and give the topic a longer retention.ms",
        )
    begun_at = msgspec.structs.replace(position, baseline=seek_to)
    return Plan(seek_to, max(committed.offset, seek_to), begun_at, committed)
