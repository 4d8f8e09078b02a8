"""A new extreme that the other series does not confirm.

Dow's inter-market form: one leg closes at an n-session high while the other stays more than
`delta_pct` below its own. It is resolved when the other follows, invalidated when the leader
falls back through a level fixed at the opening. The strength line at a high before the price is
the same question with the ratio as leader and the numerator as follower.

Prices and ratios are compared as distances in percent, so that one rounding fits a ratio of 1e-9
and a price of 1e5.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.detectors.base import Column, Detector, Parameter, Parameters, Verdict, rounded, usable, worse
from core.indicators.extremes import WINDOWS
from core.kernels.jit import F8, I1, I4, I8, U1, array_of, inlined, kernel
from core.model.records import Frequency


@inlined
def _beyond_pct(value, mark, direction):  # type: ignore[no-untyped-def]
    """How far a value lies beyond a mark, in percent of the mark; negative where it falls short."""
    return rounded(direction * 100.0 * (value - mark) / mark)


@kernel(
    I8,
    array_of(F8),
    array_of(F8),
    array_of(F8),
    array_of(F8),
    array_of(U1),
    array_of(U1),
    array_of(U1),
    array_of(U1),
    array_of(I4),
    F8,
    F8,
    F8,
    array_of(F8),
    array_of(I1),
    array_of(I1),
    array_of(I1),
    array_of(F8),
    array_of(U1),
)
def _pass(  # type: ignore[no-untyped-def]
    leader, leader_extreme, follower, follower_extreme, quality_1, quality_2, quality_3, quality_4, rows,
    direction, delta_pct, invalidation_pct, levels, enter, leave, invalid, level, quality,
):  # fmt: skip
    true = 0
    for row in rows:
        reason = worse(worse(quality_1[row], quality_2[row]), worse(quality_3[row], quality_4[row]))
        quality[row] = reason
        if not usable(reason):
            enter[row] = -1
            leave[row] = -1
            invalid[row] = -1
            level[row] = 0.0
            continue
        leads = _beyond_pct(leader[row], leader_extreme[row], direction)
        follows = _beyond_pct(follower[row], follower_extreme[row], direction)
        enter[row] = 1 if leads > 0.0 and follows < -delta_pct else 0
        leave[row] = 1 if follows > 0.0 else 0
        open_level = levels[row] > 0.0
        invalid[row] = 1 if open_level and _beyond_pct(leader[row], levels[row], direction) < 0.0 else 0
        level[row] = leader[row] * (1.0 - direction * invalidation_pct / 100.0)
        true += enter[row]
    return true


class _LeaderAndFollower(Detector):
    """Shared evaluation: inputs are leader, its extreme, follower, its extreme."""

    def __init__(self, frequency: Frequency, parameters: Parameters, column: Callable[[str], Column]) -> None:
        super().__init__(frequency, parameters, column)
        self._values = tuple(values for values, _ in self.columns)
        self._qualities = tuple(quality for _, quality in self.columns)

    @staticmethod
    def supports(frequency: Frequency) -> bool:
        """Daily only."""
        return frequency == Frequency.DAY

    def evaluate(self, rows: NDArray[np.int32], levels: NDArray[np.float64], verdict: Verdict) -> None:
        """True where the leader is at a new extreme and the follower is not near its own."""
        _pass(
            *self._values,
            *self._qualities,
            rows,
            self.numbers.get("direction", 1.0),
            self.numbers.get("delta_pct", 0.0),
            self.numbers["invalidation_pct"],
            levels,
            verdict.enter,
            verdict.leave,
            verdict.invalid,
            verdict.level,
            verdict.quality,
        )


class NonConfirmation(_LeaderAndFollower):
    """One leg at a new n-session extreme that the other leg does not confirm."""

    kind = "nonconfirmation"
    family = "divergence"
    semantics = 1
    point = False
    operator = ">"
    parameters = (
        Parameter("direction", 1.0, -1.0, 1.0, "1: highs; -1: lows", (-1, 1)),
        Parameter("leader", 1.0, 1.0, 2.0, "1: the numerator leads; 2: the benchmark leads", (1, 2)),
        Parameter("window_sessions", 252.0, 63.0, 252.0, "length of the window", WINDOWS),
        Parameter("delta_pct", 0.5, 0.0, 50.0, "how far the follower must be from its extreme"),
        Parameter("invalidation_pct", 2.0, 0.0, 50.0, "how far the leader may fall back"),
    )

    @staticmethod
    def input_keys(frequency: Frequency, parameters: Parameters) -> tuple[str, ...]:
        """Leader, its extreme, follower, its extreme."""
        side = "high" if parameters["direction"] > 0 else "low"
        window = _window(parameters)
        legs = ("numerator", "benchmark") if parameters["leader"] == 1.0 else ("benchmark", "numerator")
        keys = [(f"{leg}_price", f"{leg}_{side}:{window}") for leg in legs]
        return (*keys[0], *keys[1])

    @staticmethod
    def payload_keys(frequency: Frequency, parameters: Parameters) -> dict[str, str]:
        """Both prices, both extremes, both returns of the session."""
        side = "high" if parameters["direction"] > 0 else "low"
        window = _window(parameters)
        return {
            "numerator_close": "numerator_price",
            f"numerator_previous_{side}": f"numerator_{side}:{window}",
            "benchmark_close": "benchmark_price",
            f"benchmark_previous_{side}": f"benchmark_{side}:{window}",
            "instrument_return_pct": "instrument_return_pct:1d",
            "benchmark_return_pct": "benchmark_return_pct:1d",
        }

    def level_factor(self, side: int, factor: float) -> float:
        """The level is a price of the leading leg."""
        return factor if side == int(self.numbers["leader"]) - 1 else 1.0

    @staticmethod
    def threshold(parameters: Parameters) -> dict[str, float]:
        """Window, distance and invalidation."""
        return {
            "window_sessions": parameters["window_sessions"],
            "delta_pct": parameters["delta_pct"],
            "invalidation_pct": parameters["invalidation_pct"],
        }


class StrengthHigh(_LeaderAndFollower):
    """The strength line at an n-session high while the numerator's price is not."""

    kind = "strength_high"
    family = "relative-strength"
    semantics = 1
    point = False
    operator = ">"
    series = "ratio of closes"
    parameters = (
        Parameter("window_sessions", 252.0, 63.0, 252.0, "length of the window", WINDOWS),
        Parameter("invalidation_pct", 2.0, 0.0, 50.0, "how far the strength line may fall back"),
    )

    @staticmethod
    def input_keys(frequency: Frequency, parameters: Parameters) -> tuple[str, ...]:
        """Ratio, its high, the numerator's price, its high."""
        window = _window(parameters)
        return ("ratio:1d", f"ratio_high:{window}", "numerator_price", f"numerator_high:{window}")

    @staticmethod
    def payload_keys(frequency: Frequency, parameters: Parameters) -> dict[str, str]:
        """Ratio and price with their previous highs, both returns of the session."""
        window = _window(parameters)
        return {
            "ratio": "ratio:1d",
            "ratio_previous_high": f"ratio_high:{window}",
            "numerator_close": "numerator_price",
            "numerator_previous_high": f"numerator_high:{window}",
            "instrument_return_pct": "instrument_return_pct:1d",
            "benchmark_return_pct": "benchmark_return_pct:1d",
        }

    def level_factor(self, side: int, factor: float) -> float:
        """The level is a ratio."""
        return factor if side == 0 else 1.0 / factor

    @staticmethod
    def threshold(parameters: Parameters) -> dict[str, float]:
        """Window and invalidation."""
        return {
            "window_sessions": parameters["window_sessions"],
            "invalidation_pct": parameters["invalidation_pct"],
        }


def _window(parameters: Parameters) -> str:
    return f"{int(parameters['window_sessions'])}d"
