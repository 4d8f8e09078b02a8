"""Names of Rotascope's topics; their partitions and settings are in `deploy/kafka/topics.yaml`."""

from __future__ import annotations

from typing import Final

INSTRUMENTS_TOPIC: Final = "rotascope.instruments"
MINUTE_BARS_TOPIC: Final = "rotascope.bars.1m"
DAY_BARS_TOPIC: Final = "rotascope.bars.1d"
DEAD_LETTERS_TOPIC: Final = "rotascope.dead-letters"
ARTEFACTS_TOPIC: Final = "rotascope.artefacts"

EVENTS_PREFIX: Final = "rotascope.events."
"""An event's topic is this and the event's family."""
TICKS_PREFIX: Final = "rotascope.ticks."
SNAPSHOTS_PREFIX: Final = "rotascope.snapshots."
VALUES_PREFIX: Final = "rotascope.values."
FIRST_GENERATION: Final = ".v1"
"""Suffix, in the topics file, of the topics that each generation has its own copy of."""


def ticks_topic(generation: int) -> str:
    """Name the ticks topic of a generation.

    Args:
        generation: At least 1.
    """
    return f"{TICKS_PREFIX}v{generation}"


def snapshots_topic(generation: int) -> str:
    """Name the snapshots topic of a generation.

    Args:
        generation: At least 1.
    """
    return f"{SNAPSHOTS_PREFIX}v{generation}"


def values_topic(generation: int) -> str:
    """Name the values topic of a generation.

    Args:
        generation: At least 1.
    """
    return f"{VALUES_PREFIX}v{generation}"
