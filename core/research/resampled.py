"""Differences from all days, in the history and in every resample, with intervals and p-values."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from core.kernels.jit import F4, F8, I8, array_of, kernel
from core.research.forward_returns import ForwardReturns

_BOUNDS: Final = (0.025, 0.975)


class AllDays:
    """Mean spread after every day whose outcome is known, as of several sessions.

    Args:
        outcomes: Outcomes of the pair.
        horizon: Row index of the horizon.
        counts: float32 (sessions of the calendar, resamples).
        rows: int64 (n,): row of each outcome's session in `counts`.
        cuts: Days since 1970-01-01, ascending.
    """

    def __init__(
        self,
        outcomes: ForwardReturns,
        horizon: int,
        counts: NDArray[np.float32],
        rows: NDArray[np.int64],
        cuts: NDArray[np.int64],
    ) -> None:
        self.means: NDArray[np.float64] = np.full(len(cuts), np.nan)
        """In the history, float64 (cuts,)."""
        self.resampled: NDArray[np.float64] = np.full((len(cuts), counts.shape[1]), np.nan)
        """In each resample, float64 (cuts, resamples); NaN if it contains none of the days."""
        total, done = 0.0, 0
        sums = np.zeros((2, counts.shape[1]))
        for number, cut in enumerate(cuts.tolist()):
            known = outcomes.known(horizon, cut)
            if known > done:
                spreads = outcomes.spread_pp[horizon, done:known]
                weights = np.stack((spreads, np.ones(len(spreads)))).astype(np.float32)
                sums += weights @ counts[rows[done:known]]
                total += float(spreads.sum())
                done = known
            if done:
                self.means[number] = total / done
                np.divide(sums[0], sums[1], out=self.resampled[number], where=sums[1] > 0.0)


@kernel(
    types.void,
    array_of(F4, 2),
    array_of(I8),
    array_of(F4),
    array_of(I8),
    array_of(F8, 2),
    array_of(F4, 2),
    array_of(F8, 2),
)
def _differences(
    counts: Any, rows: Any, spreads: Any, kept: Any, all_days: Any, totals: Any, differences: Any
) -> None:
    done = 0
    for cut in range(len(kept)):
        for case in range(done, kept[cut]):
            row, spread = rows[case], spreads[case]
            for resample in range(totals.shape[1]):
                totals[0, resample] += counts[row, resample] * spread
                totals[1, resample] += counts[row, resample]
        done = kept[cut]
        for resample in range(totals.shape[1]):
            if totals[1, resample] > 0:
                mean = totals[0, resample] / totals[1, resample]
                differences[cut, resample] = mean - all_days[cut, resample]
            else:
                differences[cut, resample] = np.nan


def differences_to_all_days(
    counts: NDArray[np.float32],
    rows: NDArray[np.int64],
    spreads: NDArray[np.float64],
    kept: NDArray[np.int64],
    all_days: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Resample the difference between the mean after cases and the mean after all days.

    Args:
        counts: float32 (sessions, resamples): how often each session occurs in each resample.
        rows: int64 (n,): session of each case.
        spreads: float64 (n,): spread after each case.
        kept: int64 (cuts,), ascending: number of leading cases known at each cut.
        all_days: float64 (cuts, resamples): means after all days.

    Returns:
        float64 (cuts, resamples): NaN if a resample contains none of the cases.
    """
    differences = np.empty(all_days.shape)
    totals = np.zeros((2, counts.shape[1]), np.float32)
    _differences(
        counts, rows, spreads.astype(np.float32), kept, np.ascontiguousarray(all_days), totals, differences
    )
    return differences


@kernel(types.void, array_of(F8, 2), array_of(F8), array_of(I8), array_of(I8))
def _count(resampled: Any, differences: Any, known: Any, beyond: Any) -> None:
    """Count resamples that have a difference, and those whose difference is at least as large by chance."""
    for row in range(len(differences)):
        size = abs(differences[row])
        for resample in range(resampled.shape[1]):
            difference = resampled[row, resample]
            known[row] += not np.isnan(difference)
            beyond[row] += abs(difference - differences[row]) >= size


def against_chance(
    resampled: NDArray[np.float64], differences: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the interval of each difference and its p-value.

    Args:
        resampled: float64 (n, resamples): differences in each resample, NaN if it has none.
        differences: float64 (n,): differences in the history.

    Returns:
        float64 (n, 2): bounds of the 95 % interval, by linear interpolation; float64 (n,): two-sided
        p-value. NaN if most resamples contain none of the cases, because the rest are not representative.

    Example:
        >>> bounds, p_value = against_chance(np.arange(-20.0, 21.0)[None, :], np.array([15.0]))
        >>> bounds.tolist(), p_value.round(3).tolist()
        ([[-19.0, 19.0]], [0.524])
    """
    ordered = np.sort(resampled, axis=1)  # NaN last.
    known, beyond = np.zeros((2, len(differences)), np.int64)
    _count(resampled, differences, known, beyond)
    usable = 2 * known >= resampled.shape[1]
    bounds = np.full((len(differences), 2), np.nan)
    each = np.flatnonzero(usable & (known > 0))
    for side, share in enumerate(_BOUNDS):
        place = (known[each] - 1) * share
        below = place.astype(np.int64)
        above = np.minimum(below + 1, known[each] - 1)
        weight = place - below
        first, last = ordered[each, below], ordered[each, above]
        step = last - first
        # Interpolated from the nearer end, so that a weight of one gives that end exactly.
        bounds[each, side] = np.where(weight < 0.5, first + step * weight, last - step * (1.0 - weight))
    return bounds, np.where(usable, (1 + beyond) / (1 + known), np.nan)
