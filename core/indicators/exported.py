"""Which outputs are exported as metrics, and under which name and window."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from core.indicators import FAMILIES


class ExportedValue(NamedTuple):
    """An output as a metric.

    Args:
        metric: Name of a row of `core.model.metrics`.
        window: Value of its label `window`; empty for a row without that label.
    """

    metric: str
    window: str


_OF_EVERY_WINDOW: Final = MappingProxyType(
    {
        "relative_strength_percent": "rotascope_relative_strength_percent",
        "instrument_return_pct": "rotascope_numerator_return_percent",
        "benchmark_return_pct": "rotascope_benchmark_return_percent",
        "relative_return_zscore": "rotascope_relative_return_zscore",
        "beta": "rotascope_beta",
        "correlation": "rotascope_correlation",
        "mansfield_pct": "rotascope_ratio_average_distance_percent",
        "relative_volume": "rotascope_relative_volume",
        "relative_volume_tod": "rotascope_relative_volume_by_time",
        "relative_percentile": "rotascope_relative_strength_percentile",
        "realised_volatility_pct": "rotascope_numerator_volatility_percent",
        "benchmark_realised_volatility_pct": "rotascope_benchmark_volatility_percent",
    }
)
"""Outputs by name, whatever their window."""

_OF_ONE_KEY: Final = MappingProxyType(
    {
        "ratio": ExportedValue("rotascope_ratio", ""),
        "ratio:1d": ExportedValue("rotascope_session_ratio", ""),
        "rsi:14": ExportedValue("rotascope_numerator_rsi", "14d"),
        "ratio_rsi:14": ExportedValue("rotascope_ratio_rsi", "14d"),
        "ma50_distance_pct": ExportedValue("rotascope_numerator_average_distance_percent", "50d"),
        "ma200_distance_pct": ExportedValue("rotascope_numerator_average_distance_percent", "200d"),
        "drawdown_pct": ExportedValue("rotascope_numerator_drawdown_percent", ""),
        "benchmark_drawdown_pct": ExportedValue("rotascope_benchmark_drawdown_percent", ""),
        "recovery_gap_pct": ExportedValue("rotascope_recovery_gap_percent", ""),
        "catch_up_gap_pct": ExportedValue("rotascope_catch_up_gap_percent", ""),
        "strength_percentile": ExportedValue("rotascope_strength_percentile", ""),
        "trend_regime": ExportedValue("rotascope_numerator_trend_regime", ""),
        "benchmark_trend_regime": ExportedValue("rotascope_benchmark_trend_regime", ""),
        "volatility_regime": ExportedValue("rotascope_numerator_volatility_regime", ""),
        "rate_beta_63d_bp": ExportedValue("rotascope_numerator_rate_beta", "63d"),
        "benchmark_rate_beta_63d_bp": ExportedValue("rotascope_benchmark_rate_beta", "63d"),
        "spread_rate_beta_63d_bp": ExportedValue("rotascope_relative_rate_beta", "63d"),
    }
)
"""Outputs whose name holds their window, or of which one window is exported under that name."""


def _exported() -> dict[str, ExportedValue]:
    found = {}
    for family in FAMILIES:
        for output in family.outputs:
            if output.key in _OF_ONE_KEY:
                found[output.key] = _OF_ONE_KEY[output.key]
            elif output.name in _OF_EVERY_WINDOW:
                found[output.key] = ExportedValue(_OF_EVERY_WINDOW[output.name], output.window)
    return found


EXPORTED: Final[Mapping[str, ExportedValue]] = MappingProxyType(_exported())
"""Output key → its metric, in the order of the families' outputs."""
