"""What a worker needs of an engine: no more of the core than this, so that tests can stand in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from consumers.snapshots.checkpoint import Snapshotting
from consumers.snapshots.restore import Restorable

if TYPE_CHECKING:
    from core.engine.step_output import StepOutput
    from core.events.events import Event
    from core.model.metrics import Sample


class Engine(Snapshotting, Restorable, Protocol):
    """What a worker needs of `core.engine.engine.PartitionEngine`."""

    @property
    def clock_ns(self) -> int:
        """Event time up to which the partition is complete."""

    @property
    def baseline_offset(self) -> int:
        """Offset from which a fresh engine reproduces this state."""

    @property
    def definitions_wait(self) -> bool:
        """Whether the state holds other definitions than those the engine was built with."""

    @property
    def adoption_is_due(self) -> bool:
        """Whether they wait, and no settings mark in the log asks for others than the engine's."""

    def step(self, payload: bytes, offset: int) -> StepOutput:
        """Take one frame in; `FrameError` leaves the state as it was."""

    def adopt(self) -> list[Event]:
        """Put the engine's own definitions in force; what ends thereby is `withdrawn`."""

    def keep_told_names(self) -> bool:
        """Note where the silence ends, for names of before; whether a snapshot should follow at once."""

    def samples(self) -> Iterator[Sample]:
        """The values of this moment."""
