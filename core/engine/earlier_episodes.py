"""Snapshots of releases that did not record on which sessions a definition was true.

Their episodes are converted. What was not recorded stays unknown: an event says since when it is recorded.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.definitions.episode import EARLIER_EPISODE, NOT_RECORDED, of_earlier_release
from core.engine.evaluation import PairEvaluator
from core.engine.pair_time import PairTime
from core.engine.sections import is_definition_section
from core.engine.snapshot import Snapshot
from core.model.records import Frequency
from core.model.windows import NO_SESSION

_EPISODES = ("lives", "undo/lives")


def convert_episodes(snapshot: Snapshot) -> bool:
    """Bring the episodes of a snapshot to the layout of this release.

    Args:
        snapshot: Changed in place.

    Returns:
        Whether they had the earlier layout.

    Raises:
        SnapshotError: A section cannot be read.
    """
    found = False
    for name in filter(is_definition_section, snapshot.versions):
        earlier = [each for each in _EPISODES if snapshot.has_dtype(name, each, EARLIER_EPISODE)]
        if earlier:
            section = snapshot.section(name)
            converted = {each: of_earlier_release(section.arrays[each]) for each in earlier}
            snapshot.replace(name, section._replace(arrays={**section.arrays, **converted}))
            found = True
    return found


def date_converted_episodes(evaluator: PairEvaluator, pair_time: PairTime) -> None:
    """Set the first session that is recorded, where it is not known yet: the one after the latest.

    At 1m the session in force may be half over, so it does not count as recorded.

    Args:
        evaluator: Its episodes are changed.
        pair_time: Knows the latest session of each pair.
    """
    in_force, _ = pair_time.standing()
    for watch in evaluator.watches:
        daily = watch.definition.frequency == Frequency.DAY
        latest = pair_time.done if daily else in_force
        first: NDArray[np.int64] = np.where(latest == NO_SESSION, 0, latest + 1)
        for episodes in (evaluator.lifecycle.episodes, pair_time.undo.lifecycle.episodes):
            since = episodes[watch.rule.number]["true_since"]
            undated = since == NOT_RECORDED
            since[undated] = first[undated]
