"""Which pairs a scrape shows, so that the number of series is bounded however many pairs there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.engine.exposed import EXPOSED_KEYS, Exposed
from core.engine.samples import series_per_pair
from core.model.settings import MetricsSettings

RANKED_BY: Final = "relative_strength_percent:1d"
PAIRS_MAX: Final = "pairs_max"
SERIES_MAX: Final = "series_max"
DROPPED_REASONS: Final = (PAIRS_MAX, SERIES_MAX)

_RANK_ROW: Final = EXPOSED_KEYS.index(RANKED_BY)


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The pairs of a scrape.

    Args:
        rows: For each partition, int64 (n,): the rows of its pairs to show, ascending.
        pairs: Number of pairs before the selection.
        series: Number of series of the pairs shown.
        dropped: Reason → number of pairs not shown.
    """

    rows: tuple[NDArray[np.int64], ...]
    pairs: int
    series: int
    dropped: Mapping[str, int]


def select(partitions: Sequence[Exposed], settings: MetricsSettings) -> Selection:
    """Choose pairs: the listed ones, then the strongest and weakest; without a list all, if they are few.

    A pair is shown whole or not at all. Where `series_max` does not suffice, pairs are kept in this order:
    listed, then ranked from both ends inwards, then the others.

    Args:
        partitions: The partitions of this process.
        settings: The list and the bounds.
    """
    sizes = [len(each.pairs) for each in partitions]
    count = sum(sizes)
    if not count:
        return Selection(tuple(np.empty(0, np.int64) for _ in sizes), 0, 0, dict.fromkeys(DROPPED_REASONS, 0))
    listed = frozenset(settings.watched_pairs)
    watched = np.array([pair.name in listed for each in partitions for pair in each.pairs], np.bool_)
    ends = _ends_inwards(np.concatenate([each.values[_RANK_ROW] for each in partitions]))
    order = [np.flatnonzero(watched), ends[: 2 * settings.ranked_pairs]]
    if not listed and count <= settings.pairs_max:
        order.append(np.arange(count))
    wanted = _first_of_each(np.concatenate(order))
    series = np.cumsum(np.concatenate([series_per_pair(each) for each in partitions])[wanted])
    kept = int(np.searchsorted(series, settings.series_max, side="right"))
    shown = np.zeros(count, np.bool_)
    shown[wanted[:kept]] = True
    parts = np.split(shown, np.cumsum(sizes)[:-1])
    return Selection(
        rows=tuple(np.flatnonzero(part) for part in parts),
        pairs=count,
        series=int(series[kept - 1]) if kept else 0,
        dropped={PAIRS_MAX: count - len(wanted), SERIES_MAX: len(wanted) - kept},
    )


def _ends_inwards(strength: NDArray[np.float64]) -> NDArray[np.int64]:
    """Order pairs by rank: strongest, weakest, second strongest, second weakest, …; unknown ones never.

    Example:
        >>> _ends_inwards(np.array([1.0, np.nan, 3.0, 2.0])).tolist()
        [2, 0, 3]
    """
    known = np.flatnonzero(~np.isnan(strength))
    strongest = known[np.argsort(-strength[known], kind="stable")]
    return _first_of_each(np.stack([strongest, strongest[::-1]], axis=1).ravel())


def _first_of_each(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Remove repetitions, keeping the order."""
    _, first = np.unique(rows, return_index=True)
    return rows[np.sort(first)]
