"""Rows of the metrics table: values of pairs, and events."""

from __future__ import annotations

from typing import Final

from core.model.metric import Component, Metric, MetricKind

_C, _G = MetricKind.COUNTER, MetricKind.GAUGE
_E, _W = Component.ENGINE, Component.WORKER
_PAIR: Final = ("pair", "numerator", "benchmark")
_WINDOW: Final = (*_PAIR, "window")

# fmt: off
VALUE_ROWS: Final[tuple[Metric, ...]] = (
    Metric("rotascope_ratio", _G, "", _PAIR,
           "Strength line: price of the numerator over price of the benchmark, of the latest second.", _E),
    Metric("rotascope_session_ratio", _G, "", _PAIR,
           "The same at the close of the session; while it lasts, at the end of the latest minute.", _E),
    Metric("rotascope_relative_strength_percent", _G, "percent", _WINDOW,
           "Change of the strength line over the window; 1.5 means 1.5 %.", _E),
    Metric("rotascope_numerator_return_percent", _G, "percent", _WINDOW,
           "Change of the numerator's price over the window.", _E),
    Metric("rotascope_benchmark_return_percent", _G, "percent", _WINDOW,
           "Change of the benchmark's price over the window.", _E),
    Metric("rotascope_relative_return_zscore", _G, "", _WINDOW,
           "Relative return over the window in units of its own lagged standard deviation.", _E),
    Metric("rotascope_beta", _G, "", _WINDOW,
           "Rolling beta of the numerator's returns on the benchmark's.", _E),
    Metric("rotascope_correlation", _G, "", _WINDOW,
           "Rolling correlation of the returns of numerator and benchmark.", _E),
    Metric("rotascope_numerator_rsi", _G, "", _WINDOW,
           "Relative strength index of the numerator's closes, 0 to 100.", _E),
    Metric("rotascope_ratio_rsi", _G, "", _WINDOW,
           "Relative strength index of the strength line, 0 to 100.", _E),
    Metric("rotascope_numerator_average_distance_percent", _G, "percent", _WINDOW,
           "Distance of the numerator's price from its moving average over the window.", _E),
    Metric("rotascope_ratio_average_distance_percent", _G, "percent", _WINDOW,
           "Distance of the strength line from its moving average over the window (Mansfield).", _E),
    Metric("rotascope_numerator_drawdown_percent", _G, "percent", _PAIR,
           "Distance of the numerator's price from its record close; 0 or negative.", _E),
    Metric("rotascope_benchmark_drawdown_percent", _G, "percent", _PAIR,
           "Distance of the benchmark's price from its record close; 0 or negative.", _E),
    Metric("rotascope_recovery_gap_percent", _G, "percent", _PAIR,
           "Rise that the numerator needs to reach its record close again.", _E),
    Metric("rotascope_catch_up_gap_percent", _G, "percent", _PAIR,
           "Rise that the numerator needs for what the benchmark gained since the numerator's record.", _E),
    Metric("rotascope_relative_volume", _G, "", _WINDOW,
           "Volume of the numerator's session over the mean of the window's earlier sessions.", _E),
    Metric("rotascope_relative_volume_by_time", _G, "", _WINDOW,
           "Volume of the numerator's session so far over the mean at the same time of day.", _E),
    Metric("rotascope_strength_percentile", _G, "", _PAIR,
           "Rank of the pair's strength score among its own of 252 sessions, 1 to 99.", _E),
    Metric("rotascope_relative_strength_percentile", _G, "", _WINDOW,
           "Rank of the strength line's change over the window among 252 earlier ones, 0 to 100.", _E),
    Metric("rotascope_numerator_trend_regime", _G, "", _PAIR,
           "Trend of the numerator: 1 up, 0 neither, -1 down.", _E),
    Metric("rotascope_benchmark_trend_regime", _G, "", _PAIR,
           "Trend of the benchmark: 1 up, 0 neither, -1 down.", _E),
    Metric("rotascope_numerator_volatility_regime", _G, "", _PAIR,
           "Volatility of the numerator against its own of 252 sessions: 1 high, 0 usual, -1 low.", _E),
    Metric("rotascope_numerator_volatility_percent", _G, "percent", _WINDOW,
           "Realised volatility of the numerator's returns, annualised.", _E),
    Metric("rotascope_benchmark_volatility_percent", _G, "percent", _WINDOW,
           "Realised volatility of the benchmark's returns, annualised.", _E),
    Metric("rotascope_numerator_rate_beta", _G, "", _WINDOW,
           "Return of the numerator, in basis points, for one basis point more of the yield.", _E),
    Metric("rotascope_benchmark_rate_beta", _G, "", _WINDOW,
           "Return of the benchmark, in basis points, for one basis point more of the yield.", _E),
    Metric("rotascope_relative_rate_beta", _G, "", _WINDOW,
           "Relative return, in basis points, for one basis point more of the yield.", _E),
    Metric("rotascope_value_timestamp_seconds", _G, "seconds", (*_PAIR, "frequency"),
           "Event time of the pair's values that are evaluated every 1s, 1m or 1d.", _E),
    Metric("rotascope_unknown_values", _G, "", ("reason",),
           "Values of exported pairs that are unknown and so not exported, by reason.", _E),
)

EVENT_ROWS: Final[tuple[Metric, ...]] = (
    Metric("rotascope_event_open", _G, "", (*_PAIR, "definition", "title", "state"),
           "1 for each episode that is a candidate, opened or confirmed; absent otherwise.", _E),
    Metric("rotascope_event_begin_timestamp_seconds", _G, "seconds", (*_PAIR, "definition"),
           "Event time at which that episode became a candidate or was opened.", _E),
    Metric("rotascope_event_transitions_total", _C, "", ("definition", "state"),
           "Transitions handed to publication, by state entered; the exemplar is the event's id.", _W),
    Metric("rotascope_event_last_transition_timestamp_seconds", _G, "seconds", ("definition", "state"),
           "Event time at which the last such transition of this process became knowable.", _W),
    Metric("rotascope_event_last_opening_timestamp_seconds", _G, "seconds", ("pair", "definition"),
           "Event time at which the pair's last opening handed to publication by this process became "
           "knowable; absent before the first.", _W),
    Metric("rotascope_event_steps_to_confirm_total", _C, "", ("definition",),
           "Steps from opening to confirmation; divide by confirmed transitions for the mean.", _E),
    Metric("rotascope_event_provisional_flips_total", _C, "", ("definition",),
           "Changes of provisional answers before the final one.", _E),
    Metric("rotascope_definition_info", _G, "", ("definition", "title", "family", "frequency"),
           "Always 1; the labels describe the definitions in force.", _E),
)
# fmt: on
