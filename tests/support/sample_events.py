"""Events as an engine would make them, for the tests of what carries them."""

from __future__ import annotations

from typing import Any, Final

from core.events.events import Event, event_id

SESSION_2024_07_11 = 19915
SENTENCE = "Small caps rose 3.57 % while large caps fell 0.88 %"
CLOSE_2024_07_11_NS = 1_720_728_000_000_000_000


def opposite_day(**changes: Any) -> Event:
    """The opened event of RUT against SPX on 2024-07-11, with some fields changed."""
    fields: dict[str, Any] = {
        "definition": "opposite_day_up",
        "version": "5f0c3e1ab2d49c77",
        "title": "Up 3 % or more while the benchmark falls",
        "summary": SENTENCE + ": first since 2008-10-10, 2 times since 1990",
        "family": "divergence",
        "pair": "RUT/SPX",
        "frequency": "1d",
        "state": "opened",
        "previous_state": "candidate",
        "episode": SESSION_2024_07_11,
        "transition": 1,
        "ts_event_ns": CLOSE_2024_07_11_NS,
        "ts_knowable_ns": CLOSE_2024_07_11_NS,
        "event_time": "2024-07-11",
        "values": {
            "instrument_return_pct": 3.571837264512345,
            "benchmark_return_pct": -0.8759912345678901,
            "spread_pp": 4.4478284990802351,
        },
        "threshold": {"instrument_return_pct": 3.0},
        "legs": {
            "numerator": {"previous_close": 2051.76, "price": 2125.04, "return_pct": 3.571837264512345},
            "benchmark": {"previous_close": 5633.91, "price": 5584.54, "return_pct": -0.8759912345678901},
        },
        "first_since": {
            "last_true": "2008-10-10",
            "previous_opening": "2008-10-10",
            "history_start": "1990-01-02",
            "series": "close",
            "operator": ">=",
            "openings": 1,
            "sessions_true": 1,
        },
        "openings_per_year": 0.02897,
        "reasons": {},
        "quality": "ok",
        "provenance": {"catalogue": "c0ffee", "universe": "beef", "baseline": "bars.1d@0"},
    }
    fields |= changes
    identity = ("definition", "version", "pair", "frequency", "episode", "transition")
    fields.setdefault("event_id", event_id(*(fields[name] for name in identity)))
    return Event(**fields)


NO_EARLIER_CASE: Final = {
    "last_true": None,
    "previous_opening": None,
    "history_start": "1990-01-02",
    "series": "close",
    "operator": ">=",
    "openings": 0,
    "sessions_true": 0,
}
"""A `first_since` of a history in which there was nothing of the kind."""


def candidate(**changes: Any) -> Event:
    """The same day's candidate at 14:31 UTC, before the close was known."""
    at_ns = CLOSE_2024_07_11_NS - 19_740_000_000_000
    return opposite_day(
        **{
            "state": "candidate",
            "previous_state": "idle",
            "transition": 0,
            "ts_event_ns": at_ns,
            "ts_knowable_ns": at_ns,
            "event_time": "2024-07-11T14:31:00Z",
            "summary": f"so far today: {SENTENCE}",
        }
        | changes
    )


def strength(**changes: Any) -> Event:
    """An intraday relative-strength event with one value that is not known."""
    at_ns = CLOSE_2024_07_11_NS - 3_600_000_000_000
    return opposite_day(
        **{
            "definition": "spread_z_15m",
            "title": "Lead or lag of 4 standard deviations or more in 15 minutes",
            "summary": "IWM gained 0.42 % on SPY in 15 minutes, 4.3 standard deviations",
            "family": "relative-strength",
            "pair": "IWM/SPY",
            "frequency": "1m",
            "episode": at_ns // 1_000_000_000,
            "ts_event_ns": at_ns,
            "ts_knowable_ns": at_ns + 1_000_000_000,
            "event_time": "2024-07-11T19:00:00Z",
            "values": {"spread_zscore": 4.25, "spread_pp": float("nan")},
            "threshold": {"spread_zscore": 4.0},
            "first_since": None,
            "openings_per_year": None,
            "reasons": {"spread_pp": "gap", "openings_per_year": "no history"},
        }
        | changes
    )
