"""The families of events: every definition belongs to one, and each has a topic."""

from __future__ import annotations

from typing import Final

EVENT_FAMILIES: Final = (
    "relative-strength",
    "divergence",
    "rotation",
    "breadth",
    "level",
    "volume",
    "flow",
    "regime",
    "quality",
)
"""The last part of every event topic's name."""
