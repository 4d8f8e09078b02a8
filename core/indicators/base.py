"""Base classes of indicator families: named outputs, state arrays and one evaluation.

A family computes some values for every pair at one frequency. Its state arrays are part of the
snapshot; values, qualities and counts are rewritten by every evaluation. With `commit=False` an
evaluation is a peek: the state does not change, and the values are those that a commit would give.

A family consists of its outputs and a kernel. The kernel's decorator declares its arrays (see
`core.indicators.passes`); this module allocates them and calls the kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from core.indicators.passes import DERIVED_FOR, NEVER_DERIVED, Pass
from core.model.records import Frequency, Quality
from core.model.scale import PairScales
from core.partition.pair_days import PairDays

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_UNITS: Final = ("pct", "percent", "pp", "bp", "sd", "log", "sessions")


def _value_name(name: str, window: str) -> str:
    stem, _, unit = name.rpartition("_")
    parts = (stem, window, unit) if unit in _UNITS and stem else (name, window)
    return "_".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Output:
    """One value a family computes for every pair.

    Args:
        name: What it is, with its unit: `relative_strength_percent`.
        window: Label of its window, empty where it has none.
        value_name: Public name in `study values`; by default the name, its window before its unit.
        is_session: The value is a session, in days since 1970-01-01, and is shown as a date.
    """

    name: str
    window: str
    value_name: str = ""
    is_session: bool = False

    def __post_init__(self) -> None:
        if not self.value_name:
            object.__setattr__(self, "value_name", _value_name(self.name, self.window))

    @property
    def key(self) -> str:
        """Key in catalogues and payloads.

        Example:
            >>> Output("beta", "63d").key, Output("ratio", "").key
            ('beta:63d', 'ratio')
            >>> Output("beta", "63d").value_name, Output("volatility_pct", "21d").value_name
            ('beta_63d', 'volatility_21d_pct')
        """
        return f"{self.name}:{self.window}" if self.window else self.name


@dataclass(slots=True, eq=False)
class RingStep:
    """Input of a family at 1s or 1m: closed prices on the grid, newest at `now`.

    Args:
        rows: int32 (n,): pairs to evaluate, contiguous.
        prices: int64 (slots, instruments): ring of prices or minus a Quality.
        now: Absolute number of the second or minute that has just closed.
        since_open: Whole seconds or minutes of the session that closed before `now`.
        numerators: int32 (pairs,).
        benchmarks: int32 (pairs,).
        volumes: int64 (2, pairs): both legs' volume of the session by the end of the minute, in the leg's
            units, or minus a Quality; updated at the end of each minute only.
        scales: Scales of the legs' units.
    """

    rows: NDArray[np.int32]
    prices: NDArray[np.int64]
    now: int
    since_open: int
    numerators: NDArray[np.int32]
    benchmarks: NDArray[np.int32]
    volumes: NDArray[np.int64]
    scales: PairScales


@dataclass(slots=True, eq=False)
class DayStep:
    """Input of a daily family: the session in progress or just final, and the days before it.

    Args:
        rows: int32 (n,): pairs to evaluate.
        prices: int64 (2, pairs): both legs' price of the session so far, or minus a Quality.
        volumes: int64 (2, pairs): both legs' volume of the session so far, in the leg's units, or minus a
            Quality.
        traded: uint8 (2, pairs): 1 where that volume is summed from trades received live, 0 where published.
        series: float64 (roles, pairs): value of the session, NaN where there is none, by
            `core.model.universe_file.SERIES_CLASSES`: a rate in percent, a flow in currency. Only the daily
            history supplies them; a session in progress has none.
        bases: int64 (windows, 2, pairs): starting close of each of DAY_WINDOWS, 0 where unknown.
        days: The finished days.
        session: Days since 1970-01-01 of the session in progress.
        week_ends: uint8 (pairs,): 1 where it is the last session of its week.
        scales: Scales of the legs' units. Needed for values in currency or shares and for ratios of the
            legs, not for returns.
        year: The session's calendar year, derived from `session`.
    """

    rows: NDArray[np.int32]
    prices: NDArray[np.int64]
    volumes: NDArray[np.int64]
    traded: NDArray[np.uint8]
    series: NDArray[np.float64]
    bases: NDArray[np.int64]
    days: PairDays
    session: int
    week_ends: NDArray[np.uint8]
    scales: PairScales
    year: int = field(init=False)

    def __post_init__(self) -> None:
        self.year = date.fromordinal(_EPOCH_ORDINAL + self.session).year


class IndicatorFamily:
    """Base of every family; the registry makes one per partition and family.

    After an evaluation, `values` is a number exactly where `quality` is OK, or says which volume it is,
    otherwise NaN, and `quality` is the reason. `observations` is the number of prices or returns used.

    Args:
        pairs: Number of pairs of the partition.
    """

    name: ClassVar[str]
    frequency: ClassVar[Frequency]
    outputs: ClassVar[tuple[Output, ...]]
    evaluation: ClassVar[Pass]
    """The kernel, decorated with `day_pass` or `ring_pass`."""
    observed: ClassVar[int] = 0
    """Observations of every value, for a family whose kernel does not count them."""
    semantics: ClassVar[int] = 1
    """Incremented when a fix changes the meaning of stored state; older snapshots are then not restored."""

    of_the_step_alone: ClassVar[bool] = False
    """Every evaluation computes every output from the step alone, so that a snapshot of a release without
    the family can be restored."""

    def __init__(self, pairs: int) -> None:
        count = len(self.outputs)
        self.values: NDArray[np.float64] = np.full((count, pairs), np.nan)
        self.quality: NDArray[np.uint8] = np.full((count, pairs), int(Quality.NOT_READY), np.uint8)
        self.observations: NDArray[np.int32] = np.full((count, pairs), self.observed, np.int32)
        self.arrays: dict[str, NDArray[Any]] = self.evaluation.allocate(pairs)
        """The family's own arrays, by name; only changed in place."""
        self._kernel = self.evaluation.kernel
        self._of_step = self.evaluation.of_step
        self._bind()

    def _bind(self) -> None:
        """Build the argument tuples of a call, followed by `commit` if the kernel takes it."""
        outputs = {"values": self.values, "quality": self.quality, "observations": self.observations}
        known = self.arrays | outputs
        own = tuple(known[name] for name in self.evaluation.names)
        commits = self.evaluation.commits
        self._peeking: tuple[Any, ...] = (*own, False) if commits else own
        self._committing: tuple[Any, ...] = (*own, True) if commits else own

    def place_outputs(self, values: NDArray[np.float64], quality: NDArray[np.uint8]) -> None:
        """Store values and qualities in rows of the matrix shared by all families.

        Args:
            values: float64 (outputs, pairs), C-contiguous.
            quality: uint8 (outputs, pairs), C-contiguous.
        """
        self.values, self.quality = values, quality
        self._bind()

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The arrays that must survive a restart, by name; only changed in place."""
        return {name: array for name, array in self.arrays.items() if self.evaluation.is_state(name)}

    def start_session(self, step: DayStep) -> None:
        """Prepare values that are fixed during a session; derived from `step.days`, not state."""
        return

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Restate stored prices or volumes of leg `side` after a split; returns are unaffected."""
        return

    def restart(self, rows: NDArray[np.int32]) -> None:
        """Discard the state of the session that ended; intraday windows restart at the open."""
        return


class RingFamily(IndicatorFamily):
    """A family evaluated on the grid of seconds or minutes."""

    def evaluate(self, step: RingStep, *, commit: bool) -> None:
        """Compute all outputs for `step.rows`; with `commit`, also advance the state."""
        self._kernel(*self._of_step(step), *(self._committing if commit else self._peeking))


class DayFamily(IndicatorFamily):
    """A daily family: peeked every minute, committed once at the final day bar.

    State arrays have pairs on axis 1, so that one pair's day can be undone.
    """

    frequency = Frequency.DAY

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Discard values derived from finished days that have since been restated or restored."""
        if DERIVED_FOR in self.arrays:
            self.arrays[DERIVED_FOR][rows] = NEVER_DERIVED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Compute all outputs for `step.rows`; with `commit`, also advance the state."""
        self._kernel(*self._of_step(step), *(self._committing if commit else self._peeking))
