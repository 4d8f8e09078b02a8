"""One resample matrix for everything that is compared on the same calendar.

The stationary bootstrap joins blocks of dates, of geometric length and with random starts, into a
new history. All a statistic needs of that history is how often each date stands in it, so a
resample is a row of counts, and means over resamples are matrix products.

Here the number of blocks that begin on a date is Poisson rather than multinomial. For a long
history that is the same, and it gives what the multinomial cannot: a date's count does not depend
on the dates after it. A figure as of an earlier day comes from the same matrix, cut off.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 999
MEAN_BLOCK_SESSIONS: Final = 60
"""As long as the longest horizon, because neighbouring forward returns share that many sessions."""

_CHUNK: Final = 256
"""Dates per random stream: a longer history adds streams and leaves the earlier ones alone."""


def resample_counts(
    sessions: int, *, seed: int, resamples: int = RESAMPLES, mean_block: float = MEAN_BLOCK_SESSIONS
) -> NDArray[np.float32]:
    """Draw how often each session stands in each resample.

    Args:
        sessions: Number of sessions of the calendar, oldest first.
        seed: The same seed gives the same counts; a longer history begins with those of a shorter.
        resamples: Number of resamples.
        mean_block: Mean length of a block, sessions.

    Returns:
        float32 (sessions, resamples): whole numbers with mean 1.

    Source:
        Politis and Romano (1994), JASA 89, 1303–1313; Poisson counts as Hanley and MacGibbon
        (2006), Computer Methods and Programs in Biomedicine 83, 57–62.

    Example:
        >>> counts = resample_counts(600, seed=7, resamples=40)
        >>> bool((counts[:300] == resample_counts(300, seed=7, resamples=40)).all())
        True
    """
    # A block covers [start, start + length): +1 where it starts, −1 behind it, and a running sum.
    change = np.zeros((sessions + 1, resamples), np.int16)
    chance = 1.0 / mean_block
    for chunk in range(-(-sessions // _CHUNK)):
        random = np.random.Generator(np.random.PCG64([seed, chunk]))
        starts = random.poisson(chance, (_CHUNK, resamples))
        if chunk == 0:
            # The blocks that are under way when history begins; what is left of one is geometric too.
            starts[0] = random.poisson(1.0, resamples)
        begun = np.repeat(np.arange(starts.size), starts.ravel())
        ends = chunk * _CHUNK + begun // resamples + random.geometric(chance, len(begun))
        within = starts[: max(0, min(_CHUNK, sessions - chunk * _CHUNK))]
        change[chunk * _CHUNK : chunk * _CHUNK + len(within)] += within.astype(np.int16)
        np.subtract.at(change, (np.minimum(ends, sessions), begun % resamples), 1)
    counts: NDArray[np.float32] = np.cumsum(change[:-1], axis=0, dtype=np.int16).astype(np.float32)
    return counts
