"""Counters of a forwarder, all exported at 0 from the start."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from consumers.forward.attempts import Reason
from consumers.forward.verdicts import Cause
from core.runtime.counting import Counts, Durations, Number, count, durations
from core.runtime.reason_log import ReasonLog

SENT: Final = "sent"
FILTERED: Final = "filtered"
REPEATED: Final = "repeated"
DEAD_LETTER: Final = "dead_letter"
OUTCOMES: Final = (SENT, FILTERED, REPEATED, DEAD_LETTER)
COMMITS: Final = ("committed", "failed")
_PREFIX: Final = "rotascope_forward_"


class ForwardCounters:
    """Counters of one forwarder.

    Args:
        registry: Where they are registered.
    """

    rejoins = Number(int)
    """Times the Kafka client was recreated."""
    deleted = Number(int)
    """Records that the log no longer had when they were to be read."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.bound = {
            "rejoins": count(f"{_PREFIX}rejoins_total", registry),
            "deleted": count(f"{_PREFIX}deleted_records_total", registry),
        }
        self.events: Counts[str] = Counts(count(f"{_PREFIX}events_total", registry), known=OUTCOMES)
        """By outcome: each record counts once it needs no more work."""
        self.retries: Counts[str] = Counts(count(f"{_PREFIX}retries_total", registry), known=tuple(Cause))
        """By cause of the attempt before."""
        self.dead_letters: Counts[str] = Counts(
            count(f"{_PREFIX}dead_letters_total", registry), known=tuple(Reason)
        )
        """By reason."""
        self.commits: Counts[str] = Counts(count(f"{_PREFIX}commits_total", registry), known=COMMITS)
        self.post_duration: Durations = durations(f"{_PREFIX}post_seconds", registry)
        self.dead_letter_log = ReasonLog("rotascope.forward")
