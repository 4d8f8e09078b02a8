"""Base rates: returns after earlier events of a definition, with their uncertainty.

A table is always as of a session, and uses only outcomes closed by then. Each row is one definition,
pair and horizon: all cases and those far enough apart to count, how often the numerator was ahead,
the means of both legs and of the spread, and the difference from all days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model.sessions import Calendar
from core.research.base_rate_rows import LEAST_FOR_MEAN, LEAST_FOR_SHARE, BaseRate, rounded
from core.research.bootstrap import MEAN_BLOCK_SESSIONS, RESAMPLES, resample_counts
from core.research.forward_returns import HORIZONS_SESSIONS, ForwardReturns, apart
from core.research.intervals import false_discovery, wilson
from core.research.resampled import AllDays, against_chance, differences_to_all_days

SEED: Final = 20240711


@dataclass(frozen=True, slots=True, eq=False)
class PairOutcomes:
    """Data of a pair for base rates.

    Args:
        name: Pair name.
        outcomes: Its forward returns.
        calendar: Calendar of its sessions.
    """

    name: str
    outcomes: ForwardReturns
    calendar: Calendar


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Every opening of one definition on one pair.

    Args:
        definition: Definition id.
        version: Version of the definition.
        pair: Pair name.
        sessions: int64 (n,), ascending: days since 1970-01-01.
    """

    definition: str
    version: str
    pair: str
    sessions: NDArray[np.int64]


class RateTables:
    """Tables as of several sessions, stored as columns; rows are built on request.

    Args:
        cases: The cases; each has one row per horizon.
        cuts: int64 (m,): the as-of sessions, days since 1970-01-01.
        family_size: Number of tested definitions × pairs × horizons.
    """

    def __init__(self, cases: Sequence[Cases], cuts: NDArray[np.int64], family_size: int) -> None:
        shape = (len(cases) * len(HORIZONS_SESSIONS), len(cuts))
        self.cases = cases
        self.cuts = cuts
        self.family_size = family_size
        self.n: NDArray[np.int64] = np.zeros(shape, np.int64)
        self.kept: NDArray[np.int64] = np.zeros(shape, np.int64)
        self.hits: NDArray[np.int64] = np.zeros(shape, np.int64)
        # Stored together, so that one access gives all figures of a row.
        self._figures: NDArray[np.float64] = np.full((*shape, 9), np.nan)
        by_name = np.moveaxis(self._figures, -1, 0)
        self.means = by_name[:3]
        """Of the numerator, the benchmark and the spread; NaN below LEAST_FOR_MEAN cases, as below."""
        self.all_days, self.differences = by_name[3:5]
        self.bounds = self._figures[..., 5:7]
        self.p_values, self.q_values = by_name[7:]

    def rows(self, case: int, cut: int) -> list[BaseRate]:
        """Return the rows of one definition and pair as of one session, one per horizon."""
        first = case * len(HORIZONS_SESSIONS)
        return [
            self._row(self.cases[case], horizon, first + row, cut)
            for row, horizon in enumerate(HORIZONS_SESSIONS)
        ]

    def _row(self, cases: Cases, horizon: int, cell: int, cut: int) -> BaseRate:
        kept, hits = self.kept.item(cell, cut), self.hits.item(cell, cut)
        interval = wilson(hits, kept)
        figures = [
            None if figure != figure else rounded(figure) for figure in self._figures[cell, cut].tolist()
        ]
        instrument, benchmark, spread, all_days, difference, low, high, p_value, q_value = figures
        return BaseRate(
            definition=cases.definition,
            version=cases.version,
            pair=cases.pair,
            horizon_sessions=horizon,
            as_of=self.cuts.item(cut),
            n=self.n.item(cell, cut),
            n_declustered=kept,
            hits=hits,
            hit_rate=rounded(hits / kept) if kept >= LEAST_FOR_SHARE else None,
            hit_rate_interval=None if interval is None else (rounded(interval[0]), rounded(interval[1])),
            mean_instrument_pct=instrument,
            mean_benchmark_pct=benchmark,
            mean_spread_pp=spread,
            all_days_mean_spread_pp=all_days,
            difference_pp=difference,
            difference_interval_pp=None if low is None or high is None else (low, high),
            p_value=p_value,
            q_value=q_value,
            family_size=self.family_size,
        )


class BaseRates:
    """Base rates of a study as of any session.

    Args:
        pairs: The pairs.
        cases: Openings; a definition and pair without openings still counts in the family.
        seed: Seed of the resample matrix, one per calendar, shared by all definitions.
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
        self.cases = cases
        self._pairs = {pair.name: pair for pair in pairs}
        self._counts = {
            calendar.name: resample_counts(
                len(calendar), seed=seed, resamples=resamples, mean_block=mean_block
            )
            for calendar in {pair.calendar.name: pair.calendar for pair in pairs}.values()
        }

    def columns(self, cuts: Sequence[int]) -> RateTables:
        """Return the tables as of several sessions, as columns.

        Args:
            cuts: Days since 1970-01-01, ascending.
        """
        tables = RateTables(self.cases, np.array(cuts, np.int64), self.family_size)
        if not len(cuts):
            return tables
        by_pair: dict[str, list[int]] = {}
        for number, each in enumerate(self.cases):
            by_pair.setdefault(each.pair, []).append(number)
        for name, numbers in by_pair.items():
            pair = self._pairs[name]
            counts = self._counts[pair.calendar.name]
            rows = np.searchsorted(pair.calendar.session, pair.outcomes.sessions)
            positions = [
                np.searchsorted(pair.outcomes.sessions, self.cases[case].sessions) for case in numbers
            ]
            for horizon in range(len(HORIZONS_SESSIONS)):
                all_days = AllDays(pair.outcomes, horizon, counts, rows, tables.cuts)
                for case, own in zip(numbers, positions, strict=True):
                    cell = case * len(HORIZONS_SESSIONS) + horizon
                    _fill(tables, cell, horizon, own, pair.outcomes, rows, counts, all_days)
        for cut in range(len(tables.cuts)):
            q_values = false_discovery(tables.p_values[:, cut], self.family_size)
            tables.q_values[:, cut] = np.minimum(q_values, 1.0)
        return tables

    def tables(self, cuts: Sequence[int]) -> Iterator[list[BaseRate]]:
        """Yield the table as of each of several sessions.

        Args:
            cuts: Days since 1970-01-01, ascending.

        Yields:
            Rows, one per definition, pair and horizon, in the order of the cases.
        """
        tables = self.columns(cuts)
        for cut in range(len(cuts)):
            yield [row for case in range(len(self.cases)) for row in tables.rows(case, cut)]


def _fill(
    tables: RateTables,
    cell: int,
    horizon: int,
    positions: NDArray[np.int64],
    outcomes: ForwardReturns,
    rows: NDArray[np.int64],
    counts: NDArray[np.float32],
    all_days: AllDays,
) -> None:
    """Fill one definition, pair and horizon; running sums over its cases make every cut a lookup."""
    cuts = tables.cuts
    tables.n[cell] = np.searchsorted(outcomes.closed[horizon, positions], cuts, side="right")
    chosen = apart(positions, HORIZONS_SESSIONS[horizon])
    kept = np.searchsorted(outcomes.closed[horizon, chosen], cuts, side="right")
    tables.kept[cell] = kept
    if not kept[-1]:
        return
    chosen = chosen[: kept[-1]]
    legs = (outcomes.numerator_pct, outcomes.benchmark_pct, outcomes.spread_pp)
    figures = np.stack([leg[horizon, chosen] for leg in legs])
    tables.hits[cell] = np.concatenate(([0], np.cumsum(figures[2] > 0.0)))[kept]
    first = int(np.searchsorted(kept, LEAST_FOR_MEAN))
    if first == len(cuts):
        return
    counted = kept[first:]
    tables.means[:, cell, first:] = np.cumsum(figures, axis=1)[:, counted - 1] / counted
    tables.all_days[cell, first:] = all_days.means[first:]
    differences = tables.means[2, cell, first:] - all_days.means[first:]
    tables.differences[cell, first:] = differences
    resampled = differences_to_all_days(
        counts, rows[chosen], figures[2], counted.astype(np.int64), all_days.resampled[first:]
    )
    tables.bounds[cell, first:], p_values = against_chance(resampled, differences)
    # Rounded before ranking, so that q-values are based on the displayed p-values.
    tables.p_values[cell, first:] = [rounded(p_value) for p_value in p_values.tolist()]
