"""What follows from an answer: done, another attempt, or a dead letter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from consumers.forward.verdicts import Cause, Judgement, Treatment
from core.model.forward_settings import ForwardSettings
from core.runtime.backoff import GrowingWait


class Reason(StrEnum):
    """Why an event, or what stands in its topic, became a dead letter."""

    NOT_AN_EVENT = "not_an_event"
    REFUSED = "webhook_refused"
    REDIRECTED = "webhook_redirected"


class StepKind(StrEnum):
    """What to do with an event next."""

    DONE = "done"
    AGAIN = "again"
    DEAD = "dead"


class NextStep(NamedTuple):
    """What to do with an event next.

    Args:
        kind: What.
        wait_ms: `AGAIN`: how long to wait before.
        reason: `DEAD`: why.
    """

    kind: StepKind
    wait_ms: float = 0.0
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait, and when to give up.

    Args:
        settings: Waits and limits.
        random: Returns a number in [0, 1).
    """

    settings: ForwardSettings
    random: Callable[[], float]

    def wait(self) -> GrowingWait:
        """Make the growing wait of one event."""
        settings = self.settings
        return GrowingWait(
            settings.backoff_initial_ms, settings.backoff_max_ms, random=self.random, least_share=0.5
        )


class Attempts:
    """The attempts of one event so far.

    Args:
        policy: Waits and limits.
    """

    __slots__ = ("_policy", "_refusals", "_wait")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._wait: GrowingWait | None = None
        self._refusals = 0

    def step(self, judgement: Judgement, retry_after_ms: float | None) -> NextStep:
        """Take note of one attempt, and say what to do next.

        Args:
            judgement: Of its answer.
            retry_after_ms: What the receiver asked for; None for nothing.
        """
        if judgement.treatment is Treatment.ACCEPTED:
            return NextStep(StepKind.DONE)
        if judgement.treatment is Treatment.REFUSED:
            return self._refused(judgement, retry_after_ms or 0.0)
        if self._wait is None:
            self._wait = self._policy.wait()
        return NextStep(StepKind.AGAIN, max(self._wait.next_ms(), retry_after_ms or 0.0))

    def _refused(self, judgement: Judgement, least_ms: float) -> NextStep:
        settings = self._policy.settings
        self._refusals += 1
        if self._refusals >= settings.refusals_max:
            redirected = judgement.cause is Cause.REDIRECTED
            return NextStep(StepKind.DEAD, reason=Reason.REDIRECTED if redirected else Reason.REFUSED)
        # Five refusals have four waits between them.
        between_ms = settings.refusals_period_ms / (settings.refusals_max - 1)
        return NextStep(StepKind.AGAIN, max(between_ms, least_ms))
