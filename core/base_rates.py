"""Base rates: what followed earlier events of a definition, and how sure that is.

A table is always as of a session, and rests only on outcomes closed by then. Each row is one
definition, pair and horizon: cases as they came and cases far enough apart to count, how often the
numerator was ahead, the mean of both legs and of the spread, and how that differs from all days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.bootstrap import MEAN_BLOCK_SESSIONS, RESAMPLES, resample_counts
from core.forward_returns import HORIZONS_SESSIONS, ForwardReturns, apart
from core.intervals import false_discovery, wilson
from core.sessions import Calendar
from core.timestamps import date_text

SEED: Final = 20240711
LEAST_FOR_SHARE: Final = 5
"""Fewer cases are told as "k of n", without a percentage."""
LEAST_FOR_MEAN: Final = 10
"""Fewer cases have no mean, no interval of it and no test."""

_DECIMALS: Final = 4
_BOUNDS: Final = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class BaseRate:
    """What followed one definition on one pair over one horizon.

    Args:
        definition: Id of the definition.
        version: Its version.
        pair: Name of the pair.
        horizon_sessions: Sessions from the close after the event.
        as_of: Session by whose close every outcome counted was known, days since 1970-01-01.
        n: Cases with a known outcome, as they came.
        n_declustered: Those at least a horizon apart; everything below rests on them.
        hits: Cases in which the numerator was ahead.
        hit_rate: Their share; None below LEAST_FOR_SHARE cases.
        hit_rate_interval: Wilson, 95 %; None without a case.
        mean_instrument_pct: Mean return of the numerator; None below LEAST_FOR_MEAN cases, as below.
        mean_benchmark_pct: Mean return of the benchmark.
        mean_spread_pp: Mean of the spread.
        all_days_mean_spread_pp: Mean of the spread after every day of the same history.
        difference_pp: The one less the other.
        difference_interval_pp: Stationary bootstrap, 95 %.
        p_value: Two-sided, of no difference, from the same resamples.
        q_value: Over the family.
        family_size: Number of definitions × pairs × horizons looked at.
    """

    definition: str
    version: str
    pair: str
    horizon_sessions: int
    as_of: int
    n: int
    n_declustered: int
    hits: int
    hit_rate: float | None
    hit_rate_interval: tuple[float, float] | None
    mean_instrument_pct: float | None
    mean_benchmark_pct: float | None
    mean_spread_pp: float | None
    all_days_mean_spread_pp: float | None
    difference_pp: float | None
    difference_interval_pp: tuple[float, float] | None
    p_value: float | None
    q_value: float | None
    family_size: int

    @property
    def reason(self) -> str:
        """Why a figure of the row is not given."""
        if self.n_declustered < LEAST_FOR_MEAN:
            return f"too few cases ({self.n_declustered})"
        return "too few resamples hold a case"

    @property
    def wording(self) -> str:
        """The row in words that claim no more than the sample allows.

        Fewer than five cases are counted and no percentage is given; fewer than ten have no mean;
        an interval of the difference that holds zero is no edge.
        """
        if self.n_declustered == 0:
            return "no earlier case"
        told = f"numerator ahead in {self.hits} of {self.n_declustered}"
        if self.hit_rate is None or self.hit_rate_interval is None:
            return told
        low, high = (round(100 * bound) for bound in self.hit_rate_interval)
        told += f" ({round(100 * self.hit_rate)} %, 95 % interval {low} to {high} %)"
        if self.difference_interval_pp is None or self.difference_pp is None:
            return told
        low_pp, high_pp = self.difference_interval_pp
        if low_pp <= 0.0 <= high_pp:
            return f"{told}; no measurable edge over all days"
        return f"{told}; {self.difference_pp:+.2f} pp against all days ({low_pp:+.2f} to {high_pp:+.2f})"


@dataclass(frozen=True, slots=True, eq=False)
class PairOutcomes:
    """What base rates need to know of a pair.

    Args:
        name: Name of the pair.
        outcomes: Its forward returns.
        calendar: Whose sessions it follows.
    """

    name: str
    outcomes: ForwardReturns
    calendar: Calendar


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Every opening of one definition on one pair.

    Args:
        definition: Id of the definition.
        version: Its version.
        pair: Name of the pair.
        sessions: int64 (n,), ascending: days since 1970-01-01.
    """

    definition: str
    version: str
    pair: str
    sessions: NDArray[np.int64]


class _Cell:
    """One definition, pair and horizon: running sums over its cases, so that any cut is a look-up."""

    def __init__(self, cases: Cases, horizon: int, outcomes: ForwardReturns, counts: NDArray[np.float32]):
        self.cases = cases
        self.horizon = horizon
        self.outcomes = outcomes
        positions = np.searchsorted(outcomes.sessions, cases.sessions)
        self.raw = outcomes.closed[horizon, positions]
        kept = apart(positions, HORIZONS_SESSIONS[horizon])
        self.closed = outcomes.closed[horizon, kept]
        known = int(np.searchsorted(self.closed, np.iinfo(np.int32).max))
        kept = kept[:known]
        figures = np.stack(
            [
                table[horizon, kept]
                for table in (outcomes.numerator_pct, outcomes.benchmark_pct, outcomes.spread_pp)
            ]
        )
        self.sums = np.cumsum(figures, axis=1)
        self.hits = np.cumsum(figures[2] > 0.0)
        self._kept, self._spreads, self._counts = kept, figures[2], counts

    @cached_property
    def resampled(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Running sums of spread × count and of count, (cases, resamples)."""
        chosen = self._counts[self._kept]
        return np.cumsum(chosen * self._spreads[:, None].astype(np.float32), axis=0), np.cumsum(
            chosen, axis=0
        )


class BaseRates:
    """Base rates of a study as of any session.

    Args:
        pairs: The pairs.
        cases: Openings; a definition and pair without any still counts in the family.
        seed: Of the resample matrix, one per calendar, shared by all definitions.
        resamples: Number of resamples.
        mean_block: Mean length of a block, sessions.
    """

    def __init__(
        self,
        pairs: Sequence[PairOutcomes],
        cases: Sequence[Cases],
        *,
        seed: int = SEED,
        resamples: int = RESAMPLES,
        mean_block: float = MEAN_BLOCK_SESSIONS,
    ) -> None:
        self.family_size = len(cases) * len(HORIZONS_SESSIONS)
        matrices: dict[str, NDArray[np.float32]] = {}
        rows: dict[str, NDArray[np.float32]] = {}
        for pair in pairs:
            name = pair.calendar.name
            if name not in matrices:
                matrices[name] = resample_counts(
                    len(pair.calendar), seed=seed, resamples=resamples, mean_block=mean_block
                )
            own = np.searchsorted(pair.calendar.session, pair.outcomes.sessions)
            whole = len(own) == len(pair.calendar)
            rows[pair.name] = matrices[name] if whole else matrices[name][own]
        self._pairs = {pair.name: pair for pair in pairs}
        self._counts = rows
        self._cells = [
            _Cell(each, horizon, self._pairs[each.pair].outcomes, rows[each.pair])
            for each in cases
            for horizon in range(len(HORIZONS_SESSIONS))
        ]

    def tables(self, cuts: Sequence[int]) -> Iterator[list[BaseRate]]:
        """Give the whole table as of each of several sessions.

        Args:
            cuts: Days since 1970-01-01, ascending.

        Yields:
            One row per definition, pair and horizon, in the order of the cases.
        """
        means = {
            (name, horizon): _AllDays(pair.outcomes, horizon, self._counts[name])
            for name, pair in self._pairs.items()
            for horizon in range(len(HORIZONS_SESSIONS))
        }
        for cut in cuts:
            for all_days in means.values():
                all_days.advance(cut)
            p_values = np.full(len(self._cells), np.nan)
            figures = []
            for number, cell in enumerate(self._cells):
                row = self._figures(cell, cut, means[cell.cases.pair, cell.horizon])
                p_values[number] = np.nan if row.p_value is None else row.p_value
                figures.append(row)
            q_values = false_discovery(p_values, self.family_size)
            yield [
                row if np.isnan(q) else replace(row, q_value=_rounded(min(1.0, float(q))))
                for row, q in zip(figures, q_values, strict=True)
            ]

    def _figures(self, cell: _Cell, cut: int, all_days: _AllDays) -> BaseRate:
        n = int(np.searchsorted(cell.raw, cut, side="right"))
        kept = int(np.searchsorted(cell.closed, cut, side="right"))
        hits = int(cell.hits[kept - 1]) if kept else 0
        interval = wilson(hits, kept)
        legs: tuple[float | None, float | None, float | None] = (None, None, None)
        mean = difference = p_value = None
        bounds = None
        if kept >= LEAST_FOR_MEAN:
            first, second, spread = (float(total) / kept for total in cell.sums[:, kept - 1])
            legs = (_rounded(first), _rounded(second), _rounded(spread))
            mean = all_days.mean
            difference = spread - mean
            bounds, p_value = _test(cell, kept, difference, all_days)
        return BaseRate(
            definition=cell.cases.definition,
            version=cell.cases.version,
            pair=cell.cases.pair,
            horizon_sessions=HORIZONS_SESSIONS[cell.horizon],
            as_of=cut,
            n=n,
            n_declustered=kept,
            hits=hits,
            hit_rate=_rounded(hits / kept) if kept >= LEAST_FOR_SHARE else None,
            hit_rate_interval=None if interval is None else (_rounded(interval[0]), _rounded(interval[1])),
            mean_instrument_pct=legs[0],
            mean_benchmark_pct=legs[1],
            mean_spread_pp=legs[2],
            all_days_mean_spread_pp=None if mean is None else _rounded(mean),
            difference_pp=None if difference is None else _rounded(difference),
            difference_interval_pp=bounds,
            p_value=p_value,
            q_value=None,
            family_size=self.family_size,
        )


class _AllDays:
    """Mean spread after every day whose outcome is known, in the history and in each resample."""

    def __init__(self, outcomes: ForwardReturns, horizon: int, counts: NDArray[np.float32]) -> None:
        self._outcomes, self._horizon, self._counts = outcomes, horizon, counts
        self._done = 0
        self._total = 0.0
        self._sums = np.zeros((2, counts.shape[1]))

    def advance(self, cut: int) -> None:
        """Add the days that have become known by a session's close."""
        known = self._outcomes.known(self._horizon, cut)
        if known > self._done:
            spreads = self._outcomes.spread_pp[self._horizon, self._done : known]
            weights = np.stack((spreads, np.ones(len(spreads)))).astype(np.float32)
            self._sums += weights @ self._counts[self._done : known]
            self._total += float(spreads.sum())
            self._done = known

    @property
    def mean(self) -> float:
        """In the history."""
        return self._total / self._done

    @property
    def resampled(self) -> NDArray[np.float64]:
        """In each resample; NaN where it holds none of the days."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means: NDArray[np.float64] = self._sums[0] / self._sums[1]
        return means


def _test(
    cell: _Cell, kept: int, difference: float, all_days: _AllDays
) -> tuple[tuple[float, float] | None, float | None]:
    """Interval of the difference, and how often chance gives as large a one."""
    sums, counts = cell.resampled
    with np.errstate(invalid="ignore", divide="ignore"):
        differences = sums[kept - 1] / counts[kept - 1] - all_days.resampled
    # A resample may hold none of the cases; where most do not, they say nothing.
    known = differences[np.isfinite(differences)]
    if 2 * len(known) < len(differences):
        return None, None
    low, high = np.quantile(known, _BOUNDS)
    beyond = np.count_nonzero(np.abs(known - difference) >= abs(difference))
    return (_rounded(float(low)), _rounded(float(high))), _rounded((1 + int(beyond)) / (1 + len(known)))


def _rounded(figure: float) -> float:
    # Sums of products differ in the last bits from one machine to another; four decimals do not.
    return round(figure, _DECIMALS) + 0.0


def card(rows: Sequence[BaseRate]) -> dict[str, object]:
    """Give the rows of one definition and pair as an event carries them.

    Args:
        rows: One per horizon, as of one session.

    Returns:
        Plain JSON content: what holds for all horizons, and a list of them. A figure that the
        number of cases does not allow is left out, with the reason; `wording` says what may be said.
    """
    horizons: list[Mapping[str, object]] = []
    for row in rows:
        entry: dict[str, object] = {
            "horizon_sessions": row.horizon_sessions,
            "n": row.n,
            "n_declustered": row.n_declustered,
            "hits": row.hits,
        }
        for name in FIGURES:
            value = getattr(row, name)
            if value is not None:
                entry[name] = list(value) if isinstance(value, tuple) else value
        if any(getattr(row, name) is None for name in FIGURES):
            entry["left_out_because"] = row.reason
        horizons.append(entry | {"wording": row.wording})
    return {
        "as_of": date_text(rows[0].as_of),
        "entry": "next close",
        "family_size": rows[0].family_size,
        "horizons": horizons,
    }


FIGURES: Final = (
    "hit_rate",
    "hit_rate_interval",
    "mean_instrument_pct",
    "mean_benchmark_pct",
    "mean_spread_pp",
    "all_days_mean_spread_pp",
    "difference_pp",
    "difference_interval_pp",
    "p_value",
    "q_value",
)
"""Figures of a row that may be unknown, in the order they are shown."""
