"""What the next commit of a partition says a restart must do; one instance per partition."""

from __future__ import annotations

from msgspec.structs import replace

from consumers.snapshots.position import Plan, Position, decode_position
from consumers.snapshots.records import SnapshotName
from core.kafka.records import Committed


class RestartPosition:
    """Position of a restart, kept up to date while the partition is processed.

    Args:
        partition: Partition number.
        plan: Start plan; the position begins as the one that it restores.
    """

    def __init__(self, partition: int, plan: Plan) -> None:
        self.committed = plan.committed
        self._partition = partition
        self._position = plan.position

    def is_quarantined(self, offset: int) -> bool:
        """Return whether a replay skips the record at an offset."""
        return offset in self._position.quarantined

    def quarantine(self, offset: int) -> None:
        """Let every replay skip the record at an offset."""
        quarantined = tuple(sorted({*self._position.quarantined, offset}))
        self._position = replace(self._position, quarantined=quarantined)

    def raise_baseline(self, baseline: int) -> None:
        """Record that a newer baseline has been processed."""
        if baseline > self._position.baseline:
            self._position = replace(self._position, baseline=baseline)

    def set_baseline(self, baseline: int) -> None:
        """Record the baseline of a replacement engine, which may be an older one."""
        self._position = replace(self._position, baseline=baseline)

    def adopted(self, offset: int) -> None:
        """Record where the definitions in force were changed."""
        self._position = replace(self._position, adopted_at=offset)

    def next_commit(self, bars_sequence: int, named: SnapshotName | None) -> Position:
        """Return the position to commit next.

        Args:
            bars_sequence: Sequence of the next frame of minute bars.
            named: The latest complete snapshot.
        """
        return self._with(bars_sequence, named, self._position.commits + 1)

    def settle(self, committed: Committed) -> None:
        """Record that a position is committed."""
        self.committed = committed
        self._position = replace(self._position, commits=self._position.commits + 1)

    def of_replacement(self, next_offset: int, bars_sequence: int) -> Committed:
        """Return the position to which a replacement engine is restored.

        Uses the committed snapshot, because a later one may never be committed.

        Args:
            next_offset: Offset up to which output is suppressed.
            bars_sequence: Sequence of the next frame of minute bars.
        """
        position = (
            None
            if self.committed is None
            else decode_position(self.committed.metadata, partition=self._partition)
        )
        named = None if position is None else position.snapshot
        return Committed(next_offset, self._with(bars_sequence, named, self._position.commits).encode())

    def _with(self, bars_sequence: int, named: SnapshotName | None, commits: int) -> Position:
        base = self._position
        return replace(
            base,
            bars_sequence=bars_sequence,
            quarantined=tuple(offset for offset in base.quarantined if offset >= base.baseline),
            snapshot=named,
            commits=commits,
        )
