"""Faults of a record: it is no frame, or makes a step raise."""

from __future__ import annotations

from typing import Final

from tests.chaos.arena import Arena
from tests.chaos.control import RAISING
from tests.chaos.faults.base import Fault
from tests.chaos.market_day import stale_frame


def _quarantined(arena: Arena) -> None:
    partition = arena.any_partition()
    arena.broken([partition])
    arena.feed.inject(partition, arena.random.randbytes(arena.random.choice([0, 3, 40, 3_000])))


def _raising(arena: Arena) -> None:
    partition = arena.any_partition()
    arena.broken([partition])
    offset = arena.feed.inject(partition, RAISING + arena.random.randbytes(8))
    arena.raising.add((partition, offset))


def _old_epoch(arena: Arena) -> None:
    """What a producer sends that slept while another took its place: prices that nobody may see."""
    partition = arena.any_partition()
    arena.broken([partition])
    arena.feed.inject(partition, stale_frame(partition, arena.feed.written_ns))


FAULTS: Final = (
    Fault("poison-frame", "a record of the ticks that is no frame", _quarantined, short=True),
    Fault("old-epoch-frame", "a frame of a producer that another has long replaced", _old_epoch, short=True),
    Fault("raising-step", "a step raises when it has ruined the engine's state", _raising, short=True),
)
