"""What an indicator family is: outputs with names, state in arrays, and one evaluation.

A family computes some values for every pair at one frequency. Its state is a few arrays that
belong to the snapshot; values, qualities and counts are rewritten by every evaluation. With
`commit=False` an evaluation is a peek: every state byte stays as it was, and the values are those
that a commit would give.

A family is its outputs and a kernel. The kernel's arrays are declared where it stands (see
`core.indicators.passes`); allocation, state and calls follow from that here.
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
        metric: Name of the Prometheus metric that shows it, None where none does.
        value_name: Public name in `study values`; by default the name, its window before its unit.
        is_session: The value is a session, days since 1970-01-01: a date to whoever reads it.
    """

    name: str
    window: str
    metric: str | None = None
    value_name: str = ""
    is_session: bool = False

    def __post_init__(self) -> None:
        if not self.value_name:
            object.__setattr__(self, "value_name", _value_name(self.name, self.window))

    @property
    def key(self) -> str:
        """How catalogues and payloads refer to it.

        Example:
            >>> Output("beta", "63d").key, Output("ratio", "").key
            ('beta:63d', 'ratio')
            >>> Output("beta", "63d").value_name, Output("volatility_pct", "21d").value_name
            ('beta_63d', 'volatility_21d_pct')
        """
        return f"{self.name}:{self.window}" if self.window else self.name


@dataclass(slots=True, eq=False)
class RingStep:
    """What a family at 1s or 1m sees: closed prices on the grid, newest at `now`.

    Args:
        rows: int32 (n,): pairs to evaluate, contiguous.
        prices: int64 (slots, instruments): ring of prices or minus a Quality.
        now: Absolute second or minute just closed.
        since_open: Whole seconds or minutes of the session that were closed before `now`.
        numerators: int32 (pairs,).
        benchmarks: int32 (pairs,).
        volumes: int64 (2, pairs): both legs' volume of the session by the end of the minute, in the leg's
            units, or minus a Quality; between the ends of minutes it stays as it was.
        scales: What the legs' units are.
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
    """What a daily family sees: the session in progress or just final, and the days before it.

    Args:
        rows: int32 (n,): pairs to evaluate.
        prices: int64 (2, pairs): both legs' price of the session so far, or minus a Quality.
        volumes: int64 (2, pairs): both legs' volume of the session so far, in the leg's units, or minus a
            Quality.
        series: float64 (roles, pairs): value of the session, NaN where there is none, by
            `core.model.universe_file.SERIES_CLASSES`: a rate in percent, a flow in currency. They come with
            the history only: a session in progress has none.
        bases: int64 (windows, 2, pairs): closes each of DAY_WINDOWS starts from, 0 where unknown.
        days: The finished days.
        session: Days since 1970-01-01 of the session in progress.
        week_ends: uint8 (pairs,): 1 where it is the last session of its week.
        scales: What the legs' units are. Returns need none; what is told in currency or shares, and a
            ratio of two legs, does.
        year: The session's calendar year; it follows from `session`.
    """

    rows: NDArray[np.int32]
    prices: NDArray[np.int64]
    volumes: NDArray[np.int64]
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

    After an evaluation, `values` holds a number exactly where `quality` is OK, else NaN and the
    reason; `observations` says how many prices or returns the number rests on.

    Args:
        pairs: Number of pairs of the partition.
    """

    name: ClassVar[str]
    frequency: ClassVar[Frequency]
    outputs: ClassVar[tuple[Output, ...]]
    evaluation: ClassVar[Pass]
    """The kernel, as `day_pass` or `ring_pass` declares it."""
    observed: ClassVar[int] = 0
    """Observations of every value of a family whose kernel does not count them."""
    semantics: ClassVar[int] = 1
    """Raised when a fix changes what stored state means: a snapshot of before is not taken over."""

    of_the_step_alone: ClassVar[bool] = False
    """Every evaluation writes every output from the step alone: a snapshot of a release that lacked the
    family does without it."""

    def __init__(self, pairs: int) -> None:
        count = len(self.outputs)
        self.values: NDArray[np.float64] = np.full((count, pairs), np.nan)
        self.quality: NDArray[np.uint8] = np.full((count, pairs), int(Quality.NOT_READY), np.uint8)
        self.observations: NDArray[np.int32] = np.full((count, pairs), self.observed, np.int32)
        self.arrays: dict[str, NDArray[Any]] = self.evaluation.allocate(pairs)
        """The family's own arrays, by name; changed in place only."""
        self._kernel = self.evaluation.kernel
        self._of_step = self.evaluation.of_step
        self._bind()

    def _bind(self) -> None:
        """Line the arrays up for a call, with `commit` behind them where the kernel asks for it."""
        outputs = {"values": self.values, "quality": self.quality, "observations": self.observations}
        known = self.arrays | outputs
        own = tuple(known[name] for name in self.evaluation.names)
        commits = self.evaluation.commits
        self._peeking: tuple[Any, ...] = (*own, False) if commits else own
        self._committing: tuple[Any, ...] = (*own, True) if commits else own

    def place_outputs(self, values: NDArray[np.float64], quality: NDArray[np.uint8]) -> None:
        """Let values and qualities lie in the rows of a matrix that holds all families'.

        Args:
            values: float64 (outputs, pairs), C-contiguous.
            quality: uint8 (outputs, pairs), C-contiguous.
        """
        self.values, self.quality = values, quality
        self._bind()

    def state(self) -> dict[str, NDArray[np.float64]]:
        """The arrays that must survive a restart, by name; changed in place only."""
        return {name: array for name, array in self.arrays.items() if self.evaluation.is_state(name)}

    def start_session(self, step: DayStep) -> None:
        """Prepare what stays fixed during a session; derived from `step.days`, never state."""
        return

    def adjust(self, rows: NDArray[np.int32], side: int, factor: float) -> None:
        """Restate what is stored in prices or volumes of leg `side` after a split; returns need nothing."""
        return

    def restart(self, rows: NDArray[np.int32]) -> None:
        """Forget what belongs to the session that ended; intraday windows start anew at the open."""
        return


class RingFamily(IndicatorFamily):
    """A family on the grid of seconds or minutes."""

    def evaluate(self, step: RingStep, *, commit: bool) -> None:
        """Compute all outputs for `step.rows`; with `commit`, also advance the state."""
        self._kernel(*self._of_step(step), *(self._committing if commit else self._peeking))


class DayFamily(IndicatorFamily):
    """A family on sessions: peeked every minute, committed once at the final day bar.

    State arrays have pairs on axis 1, so that one pair's day can be taken back.
    """

    frequency = Frequency.DAY

    def forget(self, rows: NDArray[np.int32]) -> None:
        """Drop what was derived from finished days that have been restated or restored since."""
        if DERIVED_FOR in self.arrays:
            self.arrays[DERIVED_FOR][rows] = NEVER_DERIVED

    def evaluate(self, step: DayStep, *, commit: bool) -> None:
        """Compute all outputs for `step.rows`; with `commit`, also advance the state."""
        self._kernel(*self._of_step(step), *(self._committing if commit else self._peeking))
