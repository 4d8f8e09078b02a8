"""The record of a definition's episodes on a pair, and the layout it had in snapshots of earlier releases."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

EPISODE: Final = np.dtype(
    [
        ("episode", "<i8"),
        ("first_true_ns", "<i8"),  # of the candidate of the session in progress
        ("openings", "<i8"),  # in the supplied history and since
        ("last_opened", "<i4"),  # session of the latest opening, 0 for none
        ("previous_opened", "<i4"),  # session of the one before it
        ("transition", "<i4"),
        ("steps_open", "<i4"),
        ("cool_down", "<i4"),
        ("flips", "<i4"),  # changes of the provisional answer
        ("state", "u1"),
        ("candidate", "u1"),
        ("last_provisional", "i1"),
        ("opened_now", "u1"),  # opened at the latest final step
        ("since", "<i4"),  # first session of the count of openings; 0: the pair's first
        ("held", "<i4"),  # consecutive final steps at which `enter` was true
        ("last_true", "<i4"),  # latest session on which the definition was true, 0 for none
        ("previous_true", "<i4"),  # the one before it
        ("sessions_true", "<i4"),  # number of these sessions
        ("true_since", "<i4"),  # first session on which they were recorded; 0: as `since`
        ("decided_since", "<i4"),  # first session on which `enter` was true or false, 0 for none
        ("extended_now", "u1"),  # extended at the latest final step
        ("not_extended", "u1"),  # its episode began under a version without `extend`
        ("reserved", "<u2"),
    ]
)

_ADDED: Final = frozenset(
    {
        "last_true",
        "previous_true",
        "sessions_true",
        "true_since",
        "decided_since",
        "extended_now",
        "not_extended",
        "reserved",
    }
)

EARLIER_EPISODE: Final = np.dtype(
    [(name, EPISODE[name].str) for name in EPISODE.names or () if name not in _ADDED]
)
"""Layout in snapshots of releases that did not record when a definition was true."""

NOT_RECORDED: Final = -1
"""A `true_since` that is not known yet: the record comes from such a snapshot."""

WITH_THE_PAIR: Final = 1
"""A `decided_since` that was not recorded: taken to be the first session of the pair."""


def of_earlier_release(episodes: NDArray[Any]) -> NDArray[np.void]:
    """Convert records of the earlier layout: `true_since` NOT_RECORDED, `decided_since` WITH_THE_PAIR.

    Args:
        episodes: EARLIER_EPISODE, any shape.

    Returns:
        EPISODE of the same shape.
    """
    converted: NDArray[np.void] = np.zeros(episodes.shape, EPISODE)
    for name in EARLIER_EPISODE.names or ():
        converted[name] = episodes[name]
    converted["true_since"] = NOT_RECORDED
    converted["decided_since"] = WITH_THE_PAIR
    return converted
