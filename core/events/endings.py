"""The states with which an episode ends."""

from __future__ import annotations

from typing import Final

from core.model.records import EventState

ENDINGS: Final = frozenset(
    state.label
    for state in (
        EventState.RESOLVED,
        EventState.FADED,
        EventState.INVALIDATED,
        EventState.EXPIRED,
        EventState.WITHDRAWN,
    )
)
"""As events name them."""
