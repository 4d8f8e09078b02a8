"""Restores an engine to its state at a committed offset.

It uses the snapshot that the offset refers to, otherwise its predecessor, otherwise the log's baseline;
if none is usable, it raises an error with the reasons and the operator's options.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from consumers.snapshots.position import MissingBaseline, Plan, Position, decode_position, plan_start
from consumers.snapshots.records import SnapshotName
from consumers.snapshots.store import SnapshotStore
from core.kafka.records import Committed
from core.model.errors import SnapshotError


class Restorable(Protocol):
    """Engine interface used by a restore."""

    def restore(self, data: bytes) -> None:
        """Restore a snapshot; `SnapshotError` leaves the engine unchanged."""

    def mark_rebuilt(self) -> None:
        """Mark that the engine starts in the middle of a history."""


AnyEngine = TypeVar("AnyEngine", bound=Restorable)


@dataclass(frozen=True, slots=True)
class Opened(Generic[AnyEngine]):
    """A partition that is ready for processing.

    Args:
        engine: In the state it has at `plan.seek_to`.
        plan: Where to continue, up to where output is suppressed, and the position. The snapshot in the
            position may be unusable; `restored` is the one used.
        restored: The snapshot the engine was restored from; None if the log is replayed from its baseline.
        adopt_again_at: Offset at which the change of definitions must be repeated with output suppressed,
            because the snapshot is older than the change. None otherwise.
        rebuilt: Whether history is missing.
        problems: Why preferred options were unusable, best first.
    """

    engine: AnyEngine
    plan: Plan
    restored: SnapshotName | None
    adopt_again_at: int | None
    rebuilt: bool
    problems: tuple[str, ...]


def open_partition(
    make_engine: Callable[[], AnyEngine],
    committed: Committed | None,
    store: SnapshotStore | None,
    *,
    partition: int,
    begin_offset: int,
    end_offset: int,
    missing_baseline: MissingBaseline = "fail",
) -> Opened[AnyEngine]:
    """Create an engine and restore it to a point from which the log can be processed.

    Uses only its arguments, so that it may run on another thread.

    1. Never committed, or committed manually: from the start of the log.
    2. The snapshot that the committed offset refers to, then earlier ones, newest first: each must be
       complete, compatible with this release and the settings, and not before the start of the log.
    3. The baseline in the metadata, if the log still contains it.
    4. With `missing_baseline` "rebuild": from the start of the log, marked `rebuilt`.

    Args:
        make_engine: Creates a fresh engine for the partition.
        committed: Last committed offset of the group.
        store: Snapshot store; None if disabled.
        partition: Partition number.
        begin_offset: Oldest offset in the log.
        end_offset: End offset of the log.
        missing_baseline: Action if nothing else is usable.

    Raises:
        SnapshotError: The state cannot be restored, or the log is not the one it was built from.
        TransportError: The snapshots cannot be read.
    """
    problems: list[str] = []
    position = None if committed is None else decode_position(committed.metadata, partition=partition)
    if (
        committed is not None
        and position is not None
        and store is not None
        and committed.offset <= end_offset
    ):
        found = _from_snapshot(make_engine, committed, position, store, partition, begin_offset, problems)
        if found is not None:
            return found
    try:
        plan = plan_start(
            committed,
            partition=partition,
            begin_offset=begin_offset,
            end_offset=end_offset,
            missing_baseline=missing_baseline,
        )
    except SnapshotError as error:
        raise SnapshotError(
            "; ".join([error.message, *problems]), operator_action=error.operator_action
        ) from error
    engine = make_engine()
    rebuilt = position is not None and plan.seek_to > position.baseline
    if rebuilt:
        engine.mark_rebuilt()
    opened = Opened(
        engine=engine,
        plan=plan,
        restored=None,
        adopt_again_at=None,
        rebuilt=rebuilt,
        problems=tuple(problems),
    )
    _log_opened(partition, opened)
    return opened


def _from_snapshot(
    make_engine: Callable[[], AnyEngine],
    committed: Committed,
    position: Position,
    store: SnapshotStore,
    partition: int,
    begin_offset: int,
    problems: list[str],
) -> Opened[AnyEngine] | None:
    named = position.snapshot
    if named is None:
        return None
    for stored in store.candidates(partition, named, problems):
        name = stored.name
        where = f"snapshot {name.number} at offset {name.next_offset}"
        if name.next_offset < begin_offset:
            problems.append(f"{where}: it is before the start of the log at {begin_offset}")
            continue
        if name.next_offset > committed.offset:
            problems.append(f"{where}: it is after the committed offset {committed.offset}")
            continue
        engine = make_engine()
        try:
            engine.restore(stored.data)
        except SnapshotError as error:
            problems.append(f"{where}: {error.message}")
            continue
        opened = Opened(
            engine=engine,
            plan=Plan(name.next_offset, committed.offset, position, committed),
            restored=name,
            adopt_again_at=_adopt_again_at(position, name),
            rebuilt=False,
            problems=tuple(problems),
        )
        _log_opened(partition, opened)
        return opened
    return None


def _adopt_again_at(position: Position, restored: SnapshotName) -> int | None:
    """The change is committed with a snapshot, so only an earlier snapshot is before it."""
    if position.adopted_at is None or restored == position.snapshot:
        return None
    return position.adopted_at if position.adopted_at >= restored.next_offset else None


def _log_opened(partition: int, opened: Opened[AnyEngine]) -> None:
    log = structlog.get_logger("rotascope.worker").bind(partition=partition)
    for problem in opened.problems:
        log.warning("snapshot skipped", reason=problem)
    log.info(
        "partition opened",
        from_snapshot=None if opened.restored is None else opened.restored.number,
        rebuilt=opened.rebuilt,
        seek_to=opened.plan.seek_to,
        suppressed_until=opened.plan.suppressed_until,
        committed=None if opened.plan.committed is None else opened.plan.committed.offset,
        quarantined=opened.plan.position.quarantined,
        commits=opened.plan.position.commits,
    )
