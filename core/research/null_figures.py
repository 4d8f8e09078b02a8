"""Figures that are known about chance, found again by the same means as everything else.

Whoever reads how often chance raises an alarm should see that the machinery gives the right answer
where the answer is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.kernels.cusum import CUSUM_FIELDS, cusum_step
from core.kernels.jit import F8, I8, array_of, kernel

STREAK_SESSIONS: Final = 10
STREAK_YEARS: Final = 47
SESSIONS_PER_YEAR: Final = 252
STREAKS_KNOWN: Final = 5.8

REFERENCE_SD: Final = 0.5
FREEDOM: Final = 4
RUN_LENGTHS_KNOWN: Final = ((4.0, 116.0), (5.0, 265.0), (6.0, 461.0))
"""Limit of a two-sided chart → mean sessions to an alarm on independent Student-t values."""

_HISTORIES: Final = 400
_VALUES: Final = 400_000
_ERRORS_ALLOWED: Final = 4.0


@dataclass(frozen=True, slots=True)
class KnownFigure:
    """A known figure beside the one found.

    Args:
        figure: What it is.
        known: As it is known.
        found: As it was found.
        standard_error: Of the one found.
    """

    figure: str
    known: float
    found: float
    standard_error: float

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than chance explains."""
        return abs(self.found - self.known) <= _ERRORS_ALLOWED * self.standard_error


def known_figures(seed: int) -> list[KnownFigure]:
    """Find the known figures again.

    Args:
        seed: The same seed gives the same figures.
    """
    return [_streaks(seed), *(_run_length(seed, limit, known) for limit, known in RUN_LENGTHS_KNOWN)]


def _streaks(seed: int) -> KnownFigure:
    """Streaks of a coin: a run counts once, on the session on which it is long enough."""
    random = np.random.Generator(np.random.PCG64([seed, 1]))
    ahead = random.integers(0, 2, (_HISTORIES, STREAK_YEARS * SESSIONS_PER_YEAR), dtype=np.int8)
    sums = np.cumsum(ahead, axis=1, dtype=np.int32)
    within = sums[:, STREAK_SESSIONS:] - sums[:, :-STREAK_SESSIONS]
    # So many ahead in a row, and the session before them behind; or from the first session on.
    begun = (within == STREAK_SESSIONS) & (ahead[:, :-STREAK_SESSIONS] == 0)
    counts = begun.sum(axis=1) + (sums[:, STREAK_SESSIONS - 1] == STREAK_SESSIONS)
    return KnownFigure(
        f"streaks of {STREAK_SESSIONS} sessions in {STREAK_YEARS} years, by coin flip",
        STREAKS_KNOWN,
        round(float(counts.mean()), 4),
        round(float(counts.std(ddof=1)) / _HISTORIES**0.5, 4),
    )


def _run_length(seed: int, limit: float, known: float) -> KnownFigure:
    random = np.random.Generator(np.random.PCG64([seed, 2]))
    # Scaled to a variance of one.
    values = random.standard_t(FREEDOM, _VALUES) * ((FREEDOM - 2.0) / FREEDOM) ** 0.5
    alarms = int(_alarms(values, np.zeros(CUSUM_FIELDS), REFERENCE_SD, limit))
    mean = _VALUES / alarms
    return KnownFigure(
        f"sessions to a CUSUM alarm at k = {REFERENCE_SD:g}, h = {limit:g}, Student-t{FREEDOM}",
        known,
        round(mean, 4),
        round(mean / alarms**0.5, 4),
    )


@kernel(I8, array_of(F8), array_of(F8), F8, F8)
def _alarms(values, chart, reference, limit):
    """Count the alarms of a chart over independent values; it starts anew after each."""
    count = 0
    for value in values:
        if cusum_step(chart, value, reference, limit) != 0:
            count += 1
    return count
