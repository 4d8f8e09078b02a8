"""Phases of a partition."""

from __future__ import annotations

from enum import StrEnum


class PartitionPhase(StrEnum):
    """Whether the engine's output is published."""

    RESTORING = "restoring"
    """Replaying records whose output an earlier run, or an earlier engine, has published."""
    RUNNING = "running"
