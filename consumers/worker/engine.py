"""Engine interface used by a worker, kept small so that tests can substitute it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from consumers.snapshots.checkpoint import Snapshotting
from consumers.snapshots.restore import Restorable

if TYPE_CHECKING:
    from core.engine.exposed import Exposed
    from core.engine.step_output import StepOutput
    from core.events.events import Event


class Engine(Snapshotting, Restorable, Protocol):
    """The part of `core.engine.engine.PartitionEngine` that a worker uses."""

    @property
    def clock_ns(self) -> int:
        """Watermark: event time up to which the partition is complete."""

    @property
    def baseline_offset(self) -> int:
        """Offset from which a fresh engine reproduces this state."""

    @property
    def definitions_wait(self) -> bool:
        """Whether the state's definitions differ from those the engine was built with."""

    @property
    def adoption_is_due(self) -> bool:
        """Whether they differ, and no settings mark in the log requests others than the engine's."""

    def step(self, payload: bytes, offset: int) -> StepOutput:
        """Process one frame; `FrameError` leaves the state unchanged."""

    def adopt(self) -> list[Event]:
        """Put the engine's own definitions in force; episodes that end are `withdrawn`."""

    def keep_published_versions(self) -> bool:
        """Record the versions published so far, once; return whether a snapshot should follow."""

    def expose(self) -> Exposed:
        """Copy what a scrape shows."""
