"""Forward returns: returns of both legs of a pair from the next close on.

An event is known at a close, so the first tradable price is the next close. An outcome
over h sessions from session i runs from close i + 1 to close i + 1 + h, and is known then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

HORIZONS_SESSIONS: Final = (1, 5, 20, 60)


@dataclass(frozen=True, slots=True, eq=False)
class ForwardReturns:
    """Outcomes of one pair, one column per session that both legs have.

    Args:
        sessions: int32 (n,): days since 1970-01-01.
        numerator_pct: float64 (horizons, n): simple return; NaN if the history ends before.
        benchmark_pct: float64 (horizons, n).
        spread_pp: float64 (horizons, n): the difference of the two.
        closed: int32 (horizons, n): session at whose close the outcome is known; a day that never
            comes if the history ends before.
    """

    sessions: NDArray[np.int32]
    numerator_pct: NDArray[np.float64]
    benchmark_pct: NDArray[np.float64]
    spread_pp: NDArray[np.float64]
    closed: NDArray[np.int32]

    def known(self, horizon: int, session: int) -> int:
        """Number of leading columns whose outcome is known at a session's close."""
        return int(np.searchsorted(self.closed[horizon], session, side="right"))


NEVER: Final = np.iinfo(np.int32).max


def forward_returns(
    sessions: NDArray[np.int32], numerator: NDArray[np.float64], benchmark: NDArray[np.float64]
) -> ForwardReturns:
    """Compute every outcome of a pair.

    Args:
        sessions: int32 (n,), ascending: the sessions both legs have.
        numerator: float64 (n,): closes.
        benchmark: float64 (n,): closes.

    Returns:
        Outcomes over `HORIZONS_SESSIONS`.

    Example:
        >>> outcome = forward_returns(np.arange(3, dtype=np.int32), np.array([1, 2, 3.0]), np.ones(3))
        >>> outcome.spread_pp[0].tolist(), outcome.closed[0].tolist()[0]
        ([50.0, nan, nan], 2)
    """
    count = len(sessions)
    figures = np.full((3, len(HORIZONS_SESSIONS), count), np.nan)
    closed = np.full((len(HORIZONS_SESSIONS), count), NEVER, np.int32)
    for row, horizon in enumerate(HORIZONS_SESSIONS):
        last = max(0, count - 1 - horizon)
        for leg, closes in enumerate((numerator, benchmark)):
            start = closes[1 : 1 + last]
            figures[leg, row, :last] = 100.0 * (closes[1 + horizon : 1 + horizon + last] - start) / start
        closed[row, :last] = sessions[1 + horizon : 1 + horizon + last]
    figures[2] = figures[0] - figures[1]
    return ForwardReturns(sessions, figures[0], figures[1], figures[2], closed)


def apart(positions: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """Keep cases that are at least a given number of sessions apart, earliest first.

    Overlapping outcomes are not independent observations. Whether a case is kept depends only on
    earlier cases.

    Args:
        positions: int64 (n,), ascending.
        least: Minimum number of sessions between kept cases.

    Returns:
        int64 (m,): positions kept.

    Example:
        >>> apart(np.array([3, 5, 8, 9, 13]), 5).tolist()
        [3, 8, 13]
    """
    kept: list[int] = []
    for position in positions.tolist():
        if not kept or position - kept[-1] >= least:
            kept.append(position)
    return np.array(kept, np.int64)
