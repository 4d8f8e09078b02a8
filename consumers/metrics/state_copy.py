"""Copies the engines' arrays for a scrape, so that the loop waits for copies only, and never long."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from consumers.snapshots.checkpoint import Checkpointer
from consumers.worker.phase import PartitionPhase
from consumers.worker.state import WorkerState
from core.engine.exposed import Exposed

_HOLD_MAX_S: Final = 0.005
"""After this long the loop gets a turn before the next partition is copied."""
_TURN_S: Final = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class EngineCopy:
    """What a scrape shows of one engine.

    Args:
        engine: The engine; only its identity is used.
        checkpointer: Counts the partition's snapshots.
        exposed: The copy.
        restoring: Its state is of the past.
    """

    engine: object
    checkpointer: Checkpointer
    exposed: Exposed
    restoring: bool


def copy_engines(state: WorkerState) -> tuple[list[EngineCopy], float]:
    """Copy what is shown of every open partition.

    Args:
        state: State of the worker.

    Returns:
        The copies, in order of partition number, and the longest time for which the loop had to wait, s.
    """
    copies: list[EngineCopy] = []
    done: set[int] = set()
    longest_s = 0.0
    while True:
        with state.gate.scraping():
            began_s = time.perf_counter()
            left = sorted(state.tasks.keys() - done)
            for partition in left:
                task = state.tasks[partition]
                if not task.needs_engine:
                    restoring = task.phase is PartitionPhase.RESTORING
                    exposed = task.engine.expose()
                    copies.append(EngineCopy(task.engine, task.checkpointer, exposed, restoring))
                done.add(partition)
                if time.perf_counter() - began_s >= _HOLD_MAX_S:
                    break
            longest_s = max(longest_s, time.perf_counter() - began_s)
            finished = state.tasks.keys() <= done
        if finished:
            return copies, longest_s
        time.sleep(_TURN_S)
