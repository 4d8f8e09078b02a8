"""A partition as release 8635366 left it: snapshot, the log behind it, and what that release said of it."""

from __future__ import annotations

import base64
import json
import lzma
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from consumers.snapshots.records import SNAPSHOTS_TOPIC
from core.engine.step_output import DeadLetter
from core.kafka.records import Committed, Record
from core.model.instruments import Universe, parse_universe
from core.model.sessions import Calendar, build_calendars
from tests.support.snapshot_topic import MemoryLog

FOLDER: Final = Path(__file__).resolve().parents[1] / "fixtures" / "release_8635366"
PARTITION: Final = 0


class StoredLife(msgspec.Struct, frozen=True):
    """What was open or a candidate when the snapshot was taken.

    Args:
        definition: Id.
        version: Of the definition, in that release.
        kind: Of the definition: a detector's, or "rule".
        pair: Its name.
        state: `candidate`, `opened` or `confirmed`.
        episode: As of `Event`.
        transition: Number of the latest transition.
    """

    definition: str
    version: str
    kind: str
    pair: str
    state: str
    episode: int
    transition: int


@dataclass(frozen=True)
class ReleasedPartition:
    """The fixture, read.

    Args:
        snapshots: The snapshots topic.
        committed: What the group had committed.
        frames: The log from that offset on.
        alive: Lives at that offset.
        events: What the release published for these frames: offset, topic, key, headers, data.
        bars_sha256: Of its bars, minute bars of a frame before its day bars.
        dead_letters: Offset and letter.
    """

    snapshots: MemoryLog
    committed: Committed
    frames: tuple[bytes, ...]
    alive: tuple[StoredLife, ...]
    events: tuple[dict[str, Any], ...]
    bars_sha256: str
    dead_letters: tuple[tuple[int, DeadLetter], ...]

    @property
    def end_offset(self) -> int:
        """Offset behind the last frame."""
        return self.committed.offset + len(self.frames)


@cache
def released_partition() -> ReleasedPartition:
    """Read the fixture."""
    stored = msgspec.msgpack.decode(lzma.decompress((FOLDER / "partition.msgpack.xz").read_bytes()))
    lines = lzma.decompress((FOLDER / "events.jsonl.xz").read_bytes()).splitlines()
    records = [
        Record(
            SNAPSHOTS_TOPIC,
            PARTITION,
            offset,
            each["key"],
            each["value"],
            tuple((name, value) for name, value in each["headers"]),
            0,
        )
        for offset, each in enumerate(stored["snapshots"])
    ]
    return ReleasedPartition(
        snapshots=MemoryLog(PARTITION, records),
        committed=Committed(**stored["committed"]),
        frames=tuple(stored["frames"]),
        alive=tuple(msgspec.convert(stored["alive"], list[StoredLife])),
        events=tuple(json.loads(line) for line in lines),
        bars_sha256=stored["bars_sha256"],
        dead_letters=tuple(
            (offset, DeadLetter(reason, base64.b64decode(payload)))
            for offset, reason, payload in stored["dead_letters"]
        ),
    )


@cache
def released_universe() -> Universe:
    """Its universe."""
    return parse_universe((FOLDER / "universe.toml").read_text(encoding="utf-8"))


@cache
def released_calendars() -> dict[str, Calendar]:
    """Its calendars."""
    return build_calendars(["XNYS"], date(2015, 1, 1), date(2025, 12, 31))
