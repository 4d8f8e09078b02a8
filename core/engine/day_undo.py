"""Recomputes a completed day with a corrected official close.

Before a pair's day is committed, the affected state is copied. A correction after the day was final
restores the copy, commits the day again with the corrected close, and compares. Bars are never
rewritten; differences are published as `revised` events.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.engine.evaluation import PairEvaluator
from core.events.events import Event
from core.model.records import EVENT, EventState, Frequency, Quality
from core.model.windows import NO_SESSION
from core.partition.world import PairBlock

_DECISIONS: Final = ("opened_now", "extended_now", "state")
"""Fields of EPISODE that say what the day decided."""


class LifeCycleCopy(NamedTuple):
    """Copies of episodes and levels, (definitions, pairs) each."""

    episodes: NDArray[np.void]
    levels: NDArray[np.float64]


class DayUndo:
    """Copies of everything that the latest daily commit of each pair changed.

    Args:
        evaluator: Evaluator whose state is copied; state arrays of daily families have pairs on axis 1.
    """

    def __init__(self, evaluator: PairEvaluator) -> None:
        self._evaluator = evaluator
        lifecycle = evaluator.lifecycle
        self.lifecycle = LifeCycleCopy(lifecycle.episodes.copy(), lifecycle.levels.copy())
        self._families = {
            family.name: {name: array.copy() for name, array in family.state().items()}
            for family in evaluator.day_families
        }
        # Live array and its copy, pairs on axis 1.
        self._kept: list[tuple[NDArray[Any], NDArray[Any]]] = [
            (lifecycle.episodes, self.lifecycle.episodes),
            (lifecycle.levels, self.lifecycle.levels),
        ]
        for family in evaluator.day_families:
            copies = self._families[family.name]
            self._kept += [(array, copies[name]) for name, array in family.state().items()]
        pairs = len(evaluator.world.pairs)
        self._prices: NDArray[np.int64] = np.zeros((2, pairs), np.int64)
        self._volumes: NDArray[np.int64] = np.full((2, pairs), -int(Quality.NOT_READY), np.int64)
        self._session: NDArray[np.int32] = np.full(pairs, NO_SESSION, np.int32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays to store in a snapshot in addition to the copies of families and episodes."""
        return {
            "undo/prices": self._prices,
            "undo/volumes": self._volumes,
            "undo/session": self._session,
        }

    def of_family(self, name: str) -> dict[str, NDArray[Any]]:
        """Copies of one family's state, by name; empty if it is not daily."""
        return dict(self._families.get(name, {}))

    def keep(self, rows: NDArray[np.int32], session: int) -> None:
        """Copy what a commit of `rows` will change; their prices and volumes are set.

        Args:
            rows: int32 (n,): pairs.
            session: Days since 1970-01-01 of the committed day.
        """
        for live, kept in self._kept:
            kept[:, rows] = live[:, rows]
        self._prices[:, rows] = self._evaluator.prices[:, rows]
        self._volumes[:, rows] = self._evaluator.volumes[:, rows]
        self._session[rows] = session

    def can_redo(self, rows: NDArray[np.int32], session: int) -> NDArray[np.bool_]:
        """Return the pairs whose latest commit is that session."""
        latest: NDArray[np.bool_] = self._session[rows] == session
        return latest

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Drop the copies of pairs whose prices have been adjusted since."""
        self._session[rows] = NO_SESSION

    def redo(
        self,
        block: PairBlock,
        rows: NDArray[np.int32],
        sides: NDArray[np.bool_],
        price: int,
        session_row: int,
        ts_close_ns: int,
        ts_knowable_ns: int,
        events: list[Event],
    ) -> None:
        """Commit the day again with a corrected close.

        Args:
            block: Block of the pairs.
            rows: int32 (n,): pairs whose leg was corrected.
            sides: bool (2, n): the corrected leg.
            price: Corrected close, in the instrument's units.
            session_row: Row of the session in the block's calendar.
            ts_close_ns: The session's close.
            ts_knowable_ns: Event time of the correction.
            events: Receives `revised` events.
        """
        evaluator, world = self._evaluator, self._evaluator.world
        session = int(world.calendars[block.calendar_row].session[session_row])
        decided = evaluator.lifecycle.episodes[:, rows].copy()
        appended = (self._prices[:, rows] > 0).all(axis=0)
        evaluator.days.counts[rows[appended]] -= 1
        for live, kept in self._kept:
            live[:, rows] = kept[:, rows]
        evaluator.look_up(block, block.calendar_row, session_row)
        self._prices[:, rows] = np.where(sides, price, self._prices[:, rows])
        evaluator.prices[:, rows] = self._prices[:, rows]
        evaluator.volumes[:, rows] = self._volumes[:, rows]
        evaluator.finish_day(rows, session, ts_close_ns, ts_knowable_ns, None)
        for watch in evaluator.watches:
            if watch.definition.frequency != Frequency.DAY:
                continue
            episodes = evaluator.lifecycle.episodes[watch.rule.number]
            for position, row in enumerate(rows):
                before, after = decided[watch.rule.number, position], episodes[row]
                if before["since"] > session:  # The definition was added later and did not decide that day.
                    episodes[row] = before
                    continue
                if all(before[name] == after[name] for name in _DECISIONS):
                    after["transition"] = before["transition"]
                    continue
                after["transition"] = max(int(before["transition"]), 1) + 1
                after["episode"] = (
                    session if before["opened_now"] or after["opened_now"] else before["episode"]
                )
                staged = self._staged(watch.rule.number, int(row), after, before, ts_close_ns, ts_knowable_ns)
                evaluator.lifecycle.tally[watch.rule.number, EventState.REVISED] += 1
                events.append(evaluator.event(staged, session))

    @staticmethod
    def _staged(
        number: int, row: int, after: np.void, before: np.void, ts_close_ns: int, ts_knowable_ns: int
    ) -> np.void:
        staged = np.zeros(1, EVENT)
        staged["ts_event"] = ts_close_ns
        staged["ts_knowable"] = ts_knowable_ns
        staged["definition"] = number
        staged["pair"] = row
        staged["episode"] = after["episode"]
        staged["transition"] = after["transition"]
        staged["state"] = int(EventState.REVISED)
        staged["previous_state"] = _published_state(before)
        record: np.void = staged[0]
        return record


def _published_state(episode: np.void) -> int:
    """Return what the latest daily commit said of an episode: its transition, otherwise its state."""
    if episode["opened_now"]:
        return int(EventState.OPENED)
    return int(EventState.EXTENDED if episode["extended_now"] else episode["state"])
