"""Relative return far from its usual size: opens beyond `enter`, ends inside `exit`."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.detectors.base import Detector, Parameter, Parameters, Verdict, rounded, usable
from core.kernels.jit import F8, I1, I4, I8, U1, array_of, kernel
from core.model.errors import CatalogueError
from core.model.records import Frequency

_WINDOWS: Final = {1: "1d", 5: "5d", 21: "21d"}


@kernel(
    I8,
    array_of(F8),
    array_of(U1),
    array_of(I4),
    F8,
    F8,
    F8,
    array_of(I1),
    array_of(I1),
    array_of(I1),
    array_of(F8),
    array_of(U1),
)
def _pass(  # type: ignore[no-untyped-def]
    z, z_quality, rows, direction, enter_at, exit_at, enter, leave, invalid, level, quality
):
    true = 0
    for row in rows:
        quality[row] = z_quality[row]
        invalid[row] = 0
        level[row] = 0.0
        if not usable(z_quality[row]):
            enter[row] = -1
            leave[row] = -1
            continue
        size = rounded(abs(z[row]) if direction == 0.0 else direction * z[row])
        enter[row] = 1 if size >= enter_at else 0
        leave[row] = 1 if size <= exit_at else 0
        true += enter[row]
    return true


class SpreadZ(Detector):
    """The z-score of the relative return is at least `enter_z` in size."""

    kind = "spread_z"
    family = "relative-strength"
    semantics = 1
    point = False
    operator = "abs >="
    series = "relative return"
    parameters = (
        Parameter("horizon_sessions", 1.0, 1.0, 21.0, "daily definitions only", tuple(_WINDOWS)),
        Parameter(
            "direction", 0.0, -1.0, 1.0, "0: both; 1: numerator ahead; -1: benchmark ahead", (-1, 0, 1)
        ),
        Parameter("enter_z", 3.0, 0.1, 100.0, "opens at this size"),
        Parameter("exit_z", 1.0, 0.0, 100.0, "ends at this size"),
    )

    @staticmethod
    def supports(frequency: Frequency) -> bool:
        """Daily, and every minute over the last 15 minutes."""
        return frequency in (Frequency.DAY, Frequency.MINUTE)

    @staticmethod
    def input_keys(frequency: Frequency, parameters: Parameters) -> tuple[str, ...]:
        """The z-score of the horizon."""
        return (f"relative_return_zscore:{_window(frequency, parameters)}",)

    @staticmethod
    def payload_keys(frequency: Frequency, parameters: Parameters) -> dict[str, str]:
        """The z-score and the relative return behind it."""
        window = _window(frequency, parameters)
        keys = {"zscore": f"relative_return_zscore:{window}"}
        if frequency == Frequency.DAY:
            keys |= {
                "relative_return_pct": f"relative_strength_percent:{window}",
                "spread_pp": f"relative_strength_pp:{window}",
                "instrument_return_pct": f"instrument_return_pct:{window}",
                "benchmark_return_pct": f"benchmark_return_pct:{window}",
            }
        else:
            keys |= {
                "relative_return_pct": f"relative_strength_percent:{window}",
                "spread_pp": f"relative_strength_pp:{window}",
            }
        return keys

    @staticmethod
    def threshold(parameters: Parameters) -> dict[str, float]:
        """Sizes at which it opens and ends."""
        return {"zscore": parameters["enter_z"], "zscore_exit": parameters["exit_z"]}

    @staticmethod
    def check(parameters: Parameters) -> None:
        """An episode that ends where it opens would open and end at every step."""
        if parameters["exit_z"] >= parameters["enter_z"]:
            raise CatalogueError(
                f"exit_z {parameters['exit_z']:g} is not below enter_z {parameters['enter_z']:g}",
                operator_action="set exit_z below enter_z",
            )

    def evaluate(self, rows: NDArray[np.int32], levels: NDArray[np.float64], verdict: Verdict) -> None:
        """True beyond `enter_z`; leaves inside `exit_z`."""
        ((z, z_quality),) = self.columns
        _pass(
            z,
            z_quality,
            rows,
            self.numbers["direction"],
            self.numbers["enter_z"],
            self.numbers["exit_z"],
            verdict.enter,
            verdict.leave,
            verdict.invalid,
            verdict.level,
            verdict.quality,
        )


def _window(frequency: Frequency, parameters: Parameters) -> str:
    if frequency == Frequency.MINUTE:
        return "15m"
    return _WINDOWS[int(parameters["horizon_sessions"])]
