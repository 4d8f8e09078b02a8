"""What metrics and probes see of a forwarder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ForwardState:
    """Written by the loop only; times are monotonic, in s, unless they say otherwise."""

    last_turn_s: float | None = None
    answered_s: float | None = None
    """When a broker last answered."""
    away: bool = False
    """Whether a broker is being waited for."""
    joined: bool = False
    partitions: int = 0
    pending: int = 0
    """Events read and not done."""
    lag_records: int | None = None
    """Records between the place and the end; None while it is not known."""
    last_success_wall_s: float | None = None
    """Wall time, s UTC."""
    commit_failures_in_a_row: int = 0
