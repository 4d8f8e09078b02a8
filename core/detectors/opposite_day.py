"""Same-day opposite move: one leg rises by at least so much while the other falls.

Simple returns since both legs' previous official close. `direction` 1: the numerator rises and
the benchmark falls; -1: the numerator falls and the benchmark rises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.detectors.base import Detector, Parameter, Parameters, Verdict, rounded, usable, worse
from core.kernels.jit import F8, I1, I4, I8, U1, array_of, kernel
from core.model.records import Frequency


@kernel(
    I8,
    array_of(F8),
    array_of(U1),
    array_of(F8),
    array_of(U1),
    array_of(I4),
    F8,
    F8,
    array_of(I1),
    array_of(I1),
    array_of(I1),
    array_of(F8),
    array_of(U1),
)
def _pass(  # type: ignore[no-untyped-def]
    numerator, numerator_quality, benchmark, benchmark_quality, rows, direction, least,
    enter, leave, invalid, level, quality,
):  # fmt: skip
    true = 0
    for row in rows:
        reason = worse(numerator_quality[row], benchmark_quality[row])
        quality[row] = reason
        leave[row] = 0
        invalid[row] = 0
        level[row] = 0.0
        if not usable(reason):
            enter[row] = -1
            continue
        up = rounded(direction * numerator[row]) >= least
        down = rounded(direction * benchmark[row]) < 0.0
        enter[row] = 1 if up and down else 0
        true += enter[row]
    return true


class OppositeDay(Detector):
    """The numerator moves by at least `instrument_return_pct`, the benchmark the other way."""

    kind = "opposite_day"
    family = "divergence"
    semantics = 1
    point = True
    parameters = (
        Parameter("direction", 1.0, -1.0, 1.0, "1: numerator up, benchmark down; -1: the reverse", (-1, 1)),
        Parameter("instrument_return_pct", 3.0, 0.01, 100.0, "least move of the numerator, in percent"),
    )

    @staticmethod
    def supports(frequency: Frequency) -> bool:
        """Daily only."""
        return frequency == Frequency.DAY

    @staticmethod
    def input_keys(frequency: Frequency, parameters: Parameters) -> tuple[str, ...]:
        """Both legs' returns of the session."""
        return ("instrument_return_pct:1d", "benchmark_return_pct:1d")

    @staticmethod
    def payload_keys(frequency: Frequency, parameters: Parameters) -> dict[str, str]:
        """Both returns and the spread in points."""
        return {
            "instrument_return_pct": "instrument_return_pct:1d",
            "benchmark_return_pct": "benchmark_return_pct:1d",
            "spread_pp": "relative_strength_pp:1d",
        }

    @staticmethod
    def threshold(parameters: Parameters) -> dict[str, float]:
        """The least move, signed."""
        return {"instrument_return_pct": parameters["direction"] * parameters["instrument_return_pct"]}

    def evaluate(self, rows: NDArray[np.int32], levels: NDArray[np.float64], verdict: Verdict) -> None:
        """True where both legs moved as asked."""
        (numerator, numerator_quality), (benchmark, benchmark_quality) = self.columns
        _pass(
            numerator,
            numerator_quality,
            benchmark,
            benchmark_quality,
            rows,
            self.numbers["direction"],
            self.numbers["instrument_return_pct"],
            verdict.enter,
            verdict.leave,
            verdict.invalid,
            verdict.level,
            verdict.quality,
        )
