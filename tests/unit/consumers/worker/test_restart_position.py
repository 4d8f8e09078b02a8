"""The position of the next commit: quarantined offsets, baseline, snapshot and the number of commits."""

from __future__ import annotations

from consumers.snapshots.position import Plan, Position, decode_position
from consumers.snapshots.records import SnapshotName
from consumers.worker.restart_position import RestartPosition
from core.kafka.records import Committed

NAMED = SnapshotName(number=4, next_offset=28, chunks=1)


def restart(position: Position, committed: Committed | None = None) -> RestartPosition:
    return RestartPosition(3, Plan(20, 30, position, committed))


def test_quarantined_offsets_are_kept_in_order_as_long_as_the_baseline_is_before_them() -> None:
    subject = restart(Position(baseline=5, quarantined=(12,)))
    subject.quarantine(25)
    subject.quarantine(9)
    subject.quarantine(25)
    assert [subject.is_quarantined(offset) for offset in (9, 10, 12, 25)] == [True, False, True, True]
    assert subject.next_commit(0, None).quarantined == (9, 12, 25)
    subject.raise_baseline(12)
    assert subject.next_commit(0, None).quarantined == (12, 25)


def test_only_a_replacement_engine_lowers_the_baseline() -> None:
    subject = restart(Position(baseline=5))
    subject.raise_baseline(12)
    subject.raise_baseline(7)
    assert subject.next_commit(0, None).baseline == 12
    subject.set_baseline(7)
    assert subject.next_commit(0, None).baseline == 7


def test_every_commit_has_its_own_number() -> None:
    subject = restart(Position(baseline=0, commits=8))
    assert [subject.next_commit(2, None).commits for _ in range(2)] == [9, 9]
    committed = Committed(31, subject.next_commit(2, None).encode())
    subject.settle(committed)
    assert subject.committed is committed
    subject.adopted(33)
    assert subject.next_commit(4, NAMED) == Position(
        baseline=0, bars_sequence=4, snapshot=NAMED, commits=10, adopted_at=33
    )


def test_a_replacement_engine_uses_the_committed_snapshot_only() -> None:
    subject = restart(Position(baseline=0))
    assert subject.of_replacement(22, 1) == Committed(22, Position(baseline=0, bars_sequence=1).encode())
    subject.settle(Committed(31, subject.next_commit(1, NAMED).encode()))
    subject.quarantine(35)
    found = subject.of_replacement(36, 2)
    assert found.offset == 36
    assert decode_position(found.metadata, partition=3) == Position(
        baseline=0, bars_sequence=2, quarantined=(35,), snapshot=NAMED, commits=1
    )
