"""Brings an engine back to where a committed offset left it.

From the snapshot that the offset names, else from the one before it, else from the log's baseline;
and where none of them will do, an error that says why and what an operator can choose.
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
    """What a restore needs of an engine."""

    def restore(self, data: bytes) -> None:
        """Take over a snapshot; `SnapshotError` leaves the engine as it was."""

    def mark_rebuilt(self) -> None:
        """Say that the engine begins in the middle of a history."""


AnyEngine = TypeVar("AnyEngine", bound=Restorable)


@dataclass(frozen=True, slots=True)
class Opened(Generic[AnyEngine]):
    """A partition that is ready to be stepped.

    Args:
        engine: In the state it has at `plan.seek_to`.
        plan: Where to go on, up to where in silence, and the position it stands at. The snapshot that the
            position names may not be usable, and the next one is another.
        restored: The snapshot the engine comes from; None where the log is stepped from its baseline.
        adopt_again_at: Where the definitions have to be changed once more, in silence: the engine comes
            from a snapshot before the change. None otherwise.
        rebuilt: Whether history is missing.
        problems: Why better ways did not do, best first.
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
    """Make an engine and bring it to where the log can be stepped from.

    Touches nothing but its arguments, so that it may run beside the loop.

    1. Never committed, or committed by hand: from the beginning of the log.
    2. The snapshot that the committed offset names, then those before it, newest first: each must
       be whole, of a format and of settings that this release can take over, and not older than
       the log, which still has to be stepped from there.
    3. The baseline that the metadata names, where the log still holds it.
    4. With `missing_baseline` "rebuild": from the beginning of the log, marked `rebuilt`.

    Args:
        make_engine: Makes a fresh engine for the partition.
        committed: What the group last committed.
        store: Where snapshots stand; None where there are none.
        partition: Which.
        begin_offset: Oldest offset in the log.
        end_offset: Offset behind the newest record.
        missing_baseline: What to do when nothing else is left.

    Raises:
        SnapshotError: The state cannot be brought back, or the log is not the one it was made of.
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
    _tell(partition, opened)
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
            problems.append(f"{where}: too old for the log, which starts at {begin_offset}")
            continue
        if name.next_offset > committed.offset:
            problems.append(f"{where}: it is ahead of the committed offset {committed.offset}")
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
        _tell(partition, opened)
        return opened
    return None


def _adopt_again_at(position: Position, restored: SnapshotName) -> int | None:
    """With the change goes a snapshot, so only an earlier one lies before it."""
    if position.adopted_at is None or restored == position.snapshot:
        return None
    return position.adopted_at if position.adopted_at >= restored.next_offset else None


def _tell(partition: int, opened: Opened[AnyEngine]) -> None:
    log = structlog.get_logger("rotascope.worker").bind(partition=partition)
    for problem in opened.problems:
        log.warning("snapshot passed over", reason=problem)
    log.info(
        "partition opened",
        from_snapshot=None if opened.restored is None else opened.restored.number,
        rebuilt=opened.rebuilt,
        seek_to=opened.plan.seek_to,
        muted_until=opened.plan.muted_until,
        committed=None if opened.plan.committed is None else opened.plan.committed.offset,
        poison=opened.plan.position.poison,
        commits=opened.plan.position.commits,
    )
