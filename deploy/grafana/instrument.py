"""Instrument: every figure of one pair."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.board import Board
from deploy.grafana.event_tables import open_events
from deploy.grafana.marks import openings
from deploy.grafana.panels import curves, ladder, value
from deploy.grafana.promql import ONE_PAIR as ITS_PAIR
from deploy.grafana.promql import by_window, of_pair, series
from deploy.grafana.queries import Query, now
from deploy.grafana.rotation import STRENGTH, ZSCORE
from deploy.grafana.scales import (
    AHEAD,
    BASIS_POINTS,
    BEHIND,
    DEVIATIONS,
    MOMENT,
    NONE,
    NUMBER,
    PERCENT,
    PLAIN,
    RANK,
    RANK_OF_A_YEAR,
    RSI,
    SIDE,
    TIMES,
    TREND,
    VOLATILITY,
    Steps,
)
from deploy.grafana.variables import ONE_PAIR, programs

_TWO_AND_THREE: Steps = ((None, BEHIND), (-3.0, BEHIND), (-2.0, PLAIN), (2.0, AHEAD), (3.0, AHEAD))
_ZERO: Steps = ((None, PLAIN), (0.0, PLAIN))
_ONE: Steps = ((None, PLAIN), (1.0, PLAIN))


def board() -> Board:
    """Return the dashboard."""
    return Board(
        name="instrument",
        title="Instrument",
        description="Every figure of one pair: strength, trend, distance from averages and records, risk, "
        "volume.",
        variables=(*programs(shown=False), ONE_PAIR),
        rows=(
            ("$pair now", _now()),
            ("Open events", (open_events(ITS_PAIR, pair_column=False, height=7),)),
            ("Strength", _strength()),
            ("Price", _price()),
            ("Risk", _risk()),
            ("Volume and yields", _volume_and_yields()),
        ),
        annotations=(openings(ITS_PAIR),),
        start="now-24h",
    )


def _now() -> tuple[builders.Panel, ...]:
    return (
        value(
            "Strength today",
            "Change of the strength line since yesterday's close.",
            now(of_pair(STRENGTH, 'window="1d"')),
            unit=PERCENT,
            steps=SIDE,
            decimals=2,
            width=4,
        ),
        value(
            "Strength line now",
            "First leg divided by second, now.",
            now(of_pair("rotascope_ratio")),
            unit=NUMBER,
            decimals=4,
            width=3,
        ),
        value(
            "Trend of first leg",
            "Up, down or neither, by its averages.",
            now(of_pair("rotascope_numerator_trend_regime")),
            unit=NUMBER,
            texts=TREND,
            width=3,
        ),
        value(
            "Trend of second leg",
            "Up, down or neither, by its averages.",
            now(of_pair("rotascope_benchmark_trend_regime")),
            unit=NUMBER,
            texts=TREND,
            width=3,
        ),
        value(
            "Volatility",
            "Of the first leg against its own of a year: high, usual or low.",
            now(of_pair("rotascope_numerator_volatility_regime")),
            unit=NUMBER,
            texts=VOLATILITY,
            width=3,
        ),
        value(
            "Strength rank",
            "1 is the weakest, 99 the strongest of the pair's last 252 sessions.",
            now(of_pair("rotascope_strength_percentile")),
            unit=RANK,
            steps=RANK_OF_A_YEAR,
            decimals=0,
            width=3,
        ),
        ladder(
            "Figures as of",
            "Market time of the figures: of the second, of the minute, of the session.",
            [
                now(
                    f"1000 * max by (frequency) ({series('rotascope_value_timestamp_seconds', ITS_PAIR)})",
                    "{{frequency}}",
                )
            ],
            unit=MOMENT,
            width=5,
            height=4,
            steps=NONE,
            decimals=0,
        ),
    )


def _strength() -> tuple[builders.Panel, ...]:
    return (
        curves(
            "Strength line",
            "First leg divided by second. Marks are events that opened.",
            [
                Query(of_pair("rotascope_ratio"), "now"),
                Query(of_pair("rotascope_session_ratio"), "at the close"),
            ],
            unit=NUMBER,
            decimals=4,
        ),
        curves(
            "Lead or lag within the day",
            "Change of the strength line over the last minutes and the last hour.",
            [Query(by_window(STRENGTH, 'window=~"1m|5m|15m|1h"'), "{{window}}")],
            unit=PERCENT,
            decimals=3,
            steps=_ZERO,
        ),
        curves(
            "Lead or lag over sessions",
            "Change of the strength line over windows of sessions.",
            [Query(by_window(STRENGTH, 'window=~"1d|5d|21d|63d|252d|week|month|year"'), "{{window}}")],
            unit=PERCENT,
            decimals=2,
            steps=_ZERO,
        ),
        curves(
            "How unusual",
            "Lead or lag in units of what is usual for this pair; dashed at 2 and 3 either way.",
            [Query(by_window(ZSCORE), "{{window}}")],
            unit=DEVIATIONS,
            decimals=1,
            steps=_TWO_AND_THREE,
        ),
        curves(
            "Rank in a year",
            "0 is the weakest and 100 the strongest of the last 252 sessions; dashed at "
            "the lowest and highest tenth.",
            [Query(by_window("rotascope_relative_strength_percentile"), "{{window}}")],
            unit=RANK,
            decimals=0,
            steps=RANK_OF_A_YEAR,
            least=0.0,
        ),
        curves(
            "Strength line against its 200-session average",
            "Above zero the first leg has gained over the long run (Mansfield).",
            [Query(by_window("rotascope_ratio_average_distance_percent"), "{{window}}")],
            unit=PERCENT,
            decimals=2,
            steps=_ZERO,
        ),
    )


def _price() -> tuple[builders.Panel, ...]:
    return (
        curves(
            "Returns of the first leg",
            "Change of its price over windows of sessions.",
            [Query(by_window("rotascope_numerator_return_percent"), "{{window}}")],
            unit=PERCENT,
            decimals=2,
            steps=_ZERO,
        ),
        curves(
            "Returns of the second leg",
            "Change of its price over windows of sessions.",
            [Query(by_window("rotascope_benchmark_return_percent"), "{{window}}")],
            unit=PERCENT,
            decimals=2,
            steps=_ZERO,
        ),
        curves(
            "First leg against its averages",
            "Distance of its price from its 50- and 200-session averages.",
            [Query(by_window("rotascope_numerator_average_distance_percent"), "{{window}}")],
            unit=PERCENT,
            decimals=2,
            steps=_ZERO,
        ),
        curves(
            "Below the record",
            "Distance of each leg's price from its record close. At zero it is at the record.",
            [
                Query(of_pair("rotascope_numerator_drawdown_percent"), "first leg"),
                Query(of_pair("rotascope_benchmark_drawdown_percent"), "second leg"),
            ],
            unit=PERCENT,
            decimals=2,
        ),
        curves(
            "Rise the first leg still needs",
            "To its own record, and to catch up with what the second leg gained since that record.",
            [
                Query(of_pair("rotascope_recovery_gap_percent"), "to its record"),
                Query(of_pair("rotascope_catch_up_gap_percent"), "to catch up"),
            ],
            unit=PERCENT,
            decimals=2,
        ),
        curves(
            "RSI over 14 sessions",
            "Of the first leg's price and of the strength line; dashed at the customary 30 and 70.",
            [
                Query(of_pair("rotascope_numerator_rsi"), "first leg"),
                Query(of_pair("rotascope_ratio_rsi"), "strength line"),
            ],
            unit=RANK,
            decimals=0,
            steps=RSI,
            least=0.0,
        ),
    )


def _risk() -> tuple[builders.Panel, ...]:
    return (
        curves(
            "Beta",
            "How much the first leg moves for one percent of the second. Dashed at 1: as much.",
            [Query(by_window("rotascope_beta"), "{{window}}")],
            unit=NUMBER,
            decimals=2,
            width=8,
            steps=_ONE,
        ),
        curves(
            "Correlation",
            "How closely the legs move together: 1 always, 0 not at all.",
            [Query(by_window("rotascope_correlation"), "{{window}}")],
            unit=NUMBER,
            decimals=2,
            width=8,
        ),
        curves(
            "Volatility a year",
            "Realised, of daily returns, annualised.",
            [
                Query(by_window("rotascope_numerator_volatility_percent"), "first leg {{window}}"),
                Query(by_window("rotascope_benchmark_volatility_percent"), "second leg {{window}}"),
            ],
            unit=PERCENT,
            decimals=1,
            width=8,
            least=0.0,
        ),
    )


def _volume_and_yields() -> tuple[builders.Panel, ...]:
    return (
        curves(
            "Volume against its average",
            "Volume of the first leg over the average of earlier sessions, for whole sessions and at the "
            "same time of day. Dashed at 1: as usual. Indices have none.",
            [
                Query(by_window("rotascope_relative_volume"), "session, {{window}}"),
                Query(by_window("rotascope_relative_volume_by_time"), "so far today, {{window}}"),
            ],
            unit=TIMES,
            decimals=2,
            steps=_ONE,
            least=0.0,
        ),
        curves(
            "Return for one basis point more of the yield",
            "Of each leg and of the pair. Needs a series of yields in the universe.",
            [
                Query(by_window("rotascope_numerator_rate_beta"), "first leg"),
                Query(by_window("rotascope_benchmark_rate_beta"), "second leg"),
                Query(by_window("rotascope_relative_rate_beta"), "pair"),
            ],
            unit=BASIS_POINTS,
            decimals=2,
            steps=_ZERO,
        ),
    )
