"""A row of base rates, its wording, and its form in an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from core.model.timestamps import date_text

LEAST_FOR_SHARE: Final = 5
"""With fewer cases the share is given as "k of n", without a percentage."""
LEAST_FOR_MEAN: Final = 10
"""With fewer cases there is no mean, interval or test."""
LARGEST_Q: Final = 0.05
"""A larger q-value is not a finding: with many tests, some intervals exclude zero by chance."""

_DECIMALS: Final = 4


class BaseRate(msgspec.Struct, frozen=True):
    """Returns after openings of one definition on one pair over one horizon.

    Args:
        definition: Definition id.
        version: Version of the definition.
        pair: Pair name.
        horizon_sessions: Sessions from the close after the event.
        as_of: Session by whose close every counted outcome was known, days since 1970-01-01.
        n: All cases with a known outcome.
        n_declustered: Cases at least one horizon apart, on which everything below is based.
        hits: Cases in which the numerator was ahead.
        hit_rate: Their share; None below LEAST_FOR_SHARE cases.
        hit_rate_interval: Wilson, 95 %; None without a case.
        mean_instrument_pct: Mean return of the numerator; None below LEAST_FOR_MEAN cases, as below.
        mean_benchmark_pct: Mean return of the benchmark.
        mean_spread_pp: Mean of the spread.
        all_days_mean_spread_pp: Mean of the spread after every day of the same history.
        difference_pp: Difference of the two means.
        difference_interval_pp: Stationary bootstrap, 95 %.
        p_value: Two-sided, of no difference, from the same resamples.
        q_value: Adjusted over the family.
        family_size: Number of tested definitions × pairs × horizons.
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
        """Return why a figure of the row is missing."""
        if self.n_declustered < LEAST_FOR_MEAN:
            return f"too few cases ({self.n_declustered})"
        return "too few resamples hold a case"

    @property
    def wording(self) -> str:
        """Return the row as text that claims no more than the sample allows.

        Fewer than five cases are counted and no percentage is given; fewer than ten have no mean;
        an interval of the difference that includes zero is not an edge.
        """
        if self.n_declustered == 0:
            return "no earlier case"
        text = f"numerator ahead in {self.hits} of {self.n_declustered}"
        if self.hit_rate is None or self.hit_rate_interval is None:
            return text
        low, high = (round(100 * bound) for bound in self.hit_rate_interval)
        text += f" ({round(100 * self.hit_rate)} %, 95 % interval {low} to {high} %)"
        if self.difference_interval_pp is None or self.difference_pp is None:
            return text
        low_pp, high_pp = self.difference_interval_pp
        if low_pp <= 0.0 <= high_pp:
            return f"{text}; no measurable edge over all days"
        return f"{text}; {self.difference_pp:+.2f} pp against all days ({low_pp:+.2f} to {high_pp:+.2f})"


def rounded(figure: float) -> float:
    """Round a figure to the four decimals that are shown.

    Sums of products differ between machines in the last bits; four decimals do not.

    Args:
        figure: Any value; NaN is kept.

    Example:
        >>> rounded(-0.00001)
        0.0
    """
    return round(figure, _DECIMALS) + 0.0


def card(rows: Sequence[BaseRate]) -> dict[str, object]:
    """Return the rows of one definition and pair in the form that events carry.

    Args:
        rows: One per horizon, as of one session.

    Returns:
        JSON content: the common fields, and a list of horizons. A figure that the number of cases
        does not allow is omitted, with the reason; `wording` is the text that may be quoted.
    """
    horizons: list[Mapping[str, object]] = []
    for row in rows:
        entry: dict[str, object] = {
            "horizon_sessions": row.horizon_sessions,
            "n": row.n,
            "n_declustered": row.n_declustered,
            "hits": row.hits,
        }
        known = {name: value for name in FIGURES if (value := getattr(row, name)) is not None}
        entry |= {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}
        if len(known) < len(FIGURES):
            entry["left_out_because"] = row.reason
        entry["wording"] = row.wording
        horizons.append(entry)
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
"""Figures of a row that may be unknown, in display order."""
