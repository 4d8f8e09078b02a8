"""One resample matrix for all comparisons on the same calendar.

The stationary bootstrap concatenates blocks of dates, of geometric length and with random starts, to
a new history. A statistic only needs the number of occurrences of each date, so a resample is a row
of counts, and means over resamples are matrix products.

Here the number of blocks that begin on a date is Poisson instead of multinomial. For long histories
this is equivalent, and a date's count then does not depend on later dates: a figure as of an earlier
day uses the same matrix, truncated.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 999
MEAN_BLOCK_SESSIONS: Final = 60
"""Equals the longest horizon, because adjacent forward returns overlap by that many sessions."""

_CHUNK: Final = 256
"""Dates per random stream: a longer history adds streams and keeps the earlier ones."""


def resample_counts(
    sessions: int, *, seed: int, resamples: int = RESAMPLES, mean_block: float = MEAN_BLOCK_SESSIONS
) -> NDArray[np.float32]:
    """Draw how often each session occurs in each resample.

    Args:
        sessions: Number of sessions of the calendar, oldest first.
        seed: The same seed gives the same counts; those of a longer history start with those of a shorter
            one.
        resamples: Number of resamples.
        mean_block: Mean length of a block, sessions.

    Returns:
        float32 (sessions, resamples): integers with mean 1.

    Source:
        Politis and Romano (1994), JASA 89, 1303–1313; Poisson counts as Hanley and MacGibbon
        (2006), Computer Methods and Programs in Biomedicine 83, 57–62.

    Example:
        >>> counts = resample_counts(600, seed=7, resamples=40)
        >>> bool((counts[:300] == resample_counts(300, seed=7, resamples=40)).all())
        True
    """
    # A block covers [start, start + length): +1 at its start, −1 after its end, then a running sum.
    change = np.zeros((sessions + 1, resamples), np.int16)
    chance = 1.0 / mean_block
    for chunk in range(-(-sessions // _CHUNK)):
        random = np.random.Generator(np.random.PCG64([seed, chunk]))
        starts = random.poisson(chance, (_CHUNK, resamples))
        if chunk == 0:
            # Blocks in progress at the start of the history; their remaining length is also geometric.
            starts[0] = random.poisson(1.0, resamples)
        begun = np.repeat(np.arange(starts.size), starts.ravel())
        ends = chunk * _CHUNK + begun // resamples + random.geometric(chance, len(begun))
        within = starts[: max(0, min(_CHUNK, sessions - chunk * _CHUNK))]
        change[chunk * _CHUNK : chunk * _CHUNK + len(within)] += within.astype(np.int16)
        np.subtract.at(change, (np.minimum(ends, sessions), begun % resamples), 1)
    counts: NDArray[np.float32] = np.cumsum(change[:-1], axis=0, dtype=np.int16).astype(np.float32)
    return counts
