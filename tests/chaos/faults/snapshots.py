"""Faults of a snapshot: the one a committed offset names is spoilt while nobody works.

The workers leave in good order, something is done to the snapshots topic, and workers start again.
What they say afterwards may not differ, whatever they came back from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from consumers.snapshots.records import MANIFEST_KEY, SLOTS, SnapshotName, snapshot_key
from core.engine.snapshot import SNAPSHOT_VERSION
from tests.chaos.arena import FLEET_SIZE, Arena, wait_until
from tests.chaos.faults.base import Fault
from tests.chaos.market_day import PARTITIONS
from tests.chaos.snapshots import committed_snapshots, overwrite, stored

PASSED_OVER: Final = "snapshot skipped"
CANNOT_RESTORE: Final = 3

Spoil = Callable[[Arena, int, SnapshotName], None]
"""(arena, partition, the snapshot that its committed offset names)."""


def _spoilt(spoil: Spoil, *, told: str) -> Callable[[Arena], None]:
    """Make a fault of it; `told` is what a worker must say of the snapshot that it does not take."""

    def strike(arena: Arena) -> None:
        partition, name = _nobody_works(arena)
        spoil(arena, partition, name)
        arena.broken()
        arena.fleet.restore(FLEET_SIZE)
        arena.fleet.wait_until_ready()
        reasons = [
            line["reason"]
            for worker in arena.fleet.workers.values()
            for line in worker.lines_of(PASSED_OVER)
            if line["partition"] == partition
        ]
        assert any(told in reason for reason in reasons), f"no worker says {told!r}: {reasons}"

    return strike


def _nobody_works(arena: Arena) -> tuple[int, SnapshotName]:
    """Let every worker leave; a partition, and the snapshot that its committed offset names."""
    wait_until(lambda: min(_numbers(arena)) > 0, "every partition has had two snapshots")
    partition = arena.random.choice([each for each in range(PARTITIONS) if each not in arena.kept])
    for slot in sorted(arena.fleet.workers):
        arena.fleet.leave(slot)
    return partition, committed_snapshots(arena)[partition]


def _numbers(arena: Arena) -> list[int]:
    found = committed_snapshots(arena)
    return [found[partition].number if partition in found else -1 for partition in range(PARTITIONS)]


def _corrupt(arena: Arena, partition: int, name: SnapshotName) -> None:
    """One bit of its last chunk."""
    key = snapshot_key(partition, name.slot, str(name.chunks - 1))
    record = stored(arena, partition)[key]
    value = bytearray(record.value)
    value[len(value) // 2] ^= 1
    overwrite(arena, partition, {key: (bytes(value), record.headers)})


def _missing(arena: Arena, partition: int, name: SnapshotName) -> None:
    """A chunk of each slot: nothing is left but the log from its beginning."""
    del name
    keys = [key for key in stored(arena, partition) if not key.decode().endswith(MANIFEST_KEY)]
    overwrite(arena, partition, {key: (None, ()) for key in keys})


def _other_version(arena: Arena, partition: int, name: SnapshotName) -> None:
    """As a later release would have written it."""
    key = snapshot_key(partition, name.slot, MANIFEST_KEY)
    record = stored(arena, partition)[key]
    manifest = msgspec.json.decode(record.value)
    manifest["version"] = SNAPSHOT_VERSION + 1
    overwrite(arena, partition, {key: (msgspec.json.encode(manifest), record.headers)})


def _too_old(arena: Arena) -> None:
    """No way back is left: the worker says so and ends; an operator puts the named snapshot back."""
    partition, name = _nobody_works(arena)
    key = snapshot_key(partition, name.slot, MANIFEST_KEY)
    record = stored(arena, partition)[key]
    overwrite(arena, partition, {key: (None, ())})
    arena.cut_log(partition, name.next_offset)
    arena.broken()
    worker = arena.fleet.start(0)
    code = worker.wait()
    assert code == CANNOT_RESTORE, f"the worker ended with {code}: {worker.errors}"
    assert "before the start of the log" in worker.errors, worker.errors
    assert "--missing-baseline rebuild" in worker.errors, worker.errors
    overwrite(arena, partition, {key: (record.value, record.headers)})
    arena.fleet.restore(FLEET_SIZE)


FAULTS: Final = (
    Fault(
        "snapshot-corrupt",
        "a bit of the named snapshot is wrong: the one before it is taken",
        _spoilt(_corrupt, told="CRC32C"),
        short=True,
    ),
    Fault(
        "snapshots-missing",
        f"all {SLOTS} snapshots have lost their chunks: the log is stepped from its beginning",
        _spoilt(_missing, told="missing"),
    ),
    Fault(
        "snapshot-of-other-version",
        "the named snapshot is of a later release: the one before it is taken",
        _spoilt(_other_version, told="version"),
    ),
    Fault(
        "snapshots-too-old",
        "the named snapshot is gone, those before it and the baseline are older than the log: named error, "
        "and an operator puts the snapshot back",
        _too_old,
    ),
)
