"""Liveness and readiness of a forwarder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from consumers.forward.receiver_log import ReceiverLog
from consumers.forward.state import ForwardState

DEAD_AFTER_S: Final = 60.0
FAILING_AFTER_S: Final = 30.0
"""A receiver may restart: only a longer failure makes the forwarder unready."""
COMMIT_FAILURES_MAX: Final = 10


class ForwardHealth:
    """Evaluates /livez and /readyz.

    Alive means that the loop turns, also while Kafka or the receiver is away. Ready means that events can
    be read, that the receiver takes them, and that the place is committed.

    Args:
        state: What the loop says of itself.
        receiver: What the posts say of the receiver.
        monotonic_s: Monotonic clock, s.
    """

    def __init__(
        self,
        state: ForwardState,
        receiver: ReceiverLog,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state = state
        self._receiver = receiver
        self._monotonic_s = monotonic_s

    def why_not_alive(self) -> list[str]:
        """Return what is wrong; empty if alive."""
        turned_s = self._state.last_turn_s
        still_s = 0.0 if turned_s is None else self._monotonic_s() - turned_s
        return [f"the loop has not turned for {still_s:.0f} s"] if still_s > DEAD_AFTER_S else []

    def why_not_ready(self) -> list[str]:
        """Return what is wrong; empty if ready."""
        return list(self._reasons())

    def _reasons(self) -> Iterator[str]:
        state = self._state
        if state.answered_s is None:
            yield "no broker has answered yet"
            return
        if state.away:
            yield f"no broker has answered for {self._monotonic_s() - state.answered_s:.0f} s"
        elif not state.joined:
            yield "not a stable member of the group"
        if state.commit_failures_in_a_row >= COMMIT_FAILURES_MAX:
            yield f"{state.commit_failures_in_a_row} consecutive commits failed"
        trouble = self._receiver.trouble()
        if trouble is not None and trouble[0] > FAILING_AFTER_S:
            yield f"the receiver has taken no events for {trouble[0]:.0f} s: {trouble[1]}"
