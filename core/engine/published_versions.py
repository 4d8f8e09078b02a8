"""Episodes that were published under another version than their definition has now.

A definition of a snapshot may be translated, as detectors of earlier releases are: it has the same meaning
under another version, and the version is part of an event's id. Further events of a published episode
therefore keep the version under which it was first published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.model.records import EventState

_OPEN = (int(EventState.OPENED), int(EventState.CONFIRMED))


class PublishedAs(NamedTuple):
    """Version under which a pair's episodes of one definition were published.

    Args:
        version: The version.
        episodes: Their numbers, ascending; every other episode has the definition's own version.
    """

    version: str
    episodes: tuple[int, ...]


PublishedVersions: TypeAlias = Mapping[tuple[str, str], PublishedAs]
"""(definition id, pair) → what was published under another version."""


def is_alive(episodes: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which pairs have something open or ahead that a reader has seen.

    Args:
        episodes: EPISODE (pairs,).
    """
    alive: NDArray[np.bool_] = np.isin(episodes["state"], _OPEN) | (episodes["candidate"] == 1)
    return alive


def unfinished_episodes(episodes: NDArray[np.void], undone: NDArray[np.void]) -> list[tuple[int, ...]]:
    """Give the episodes of which more may be published: alive, or of a day that may yet be revised.

    Args:
        episodes: EPISODE (pairs,) of one definition.
        undone: EPISODE (pairs,): as they were before the latest daily commit.

    Returns:
        Per pair, ascending.
    """
    now = is_alive(episodes) | (episodes["opened_now"] == 1)
    before = is_alive(undone)
    return [
        tuple(
            sorted({int(life["episode"]) for life, alive in ((one, now[row]), (other, before[row])) if alive})
        )
        for row, (one, other) in enumerate(zip(episodes, undone, strict=True))
    ]


def still_published(
    published: PublishedVersions,
    definition_id: str,
    pairs: Iterable[str],
    unfinished: Iterable[tuple[int, ...]],
) -> dict[str, PublishedAs]:
    """Give what has to be remembered of one definition, by pair.

    Args:
        published: What is remembered so far.
        definition_id: The definition.
        pairs: Their names, in the order of `unfinished`.
        unfinished: From `unfinished_episodes`.
    """
    found: dict[str, PublishedAs] = {}
    for pair, episodes in zip(pairs, unfinished, strict=True):
        one = published.get((definition_id, pair))
        kept = () if one is None else tuple(sorted(set(one.episodes) & set(episodes)))
        if one is not None and kept:
            found[pair] = PublishedAs(one.version, kept)
    return found


def version_of(published: PublishedVersions, definition_id: str, pair: str, episode: int, own: str) -> str:
    """Give the version under which an episode is published; `own` is the definition's."""
    one = published.get((definition_id, pair))
    return own if one is None or episode not in one.episodes else one.version
