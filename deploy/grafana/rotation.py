"""Rotation: small against large. For a desk; needs no manual."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.board import Board
from deploy.grafana.event_tables import how_often, open_events
from deploy.grafana.marks import days, openings
from deploy.grafana.panels import curves, ladder, value
from deploy.grafana.promql import ONE_PAIR as ITS_PAIR
from deploy.grafana.promql import by_pair, by_window, of_pair, series
from deploy.grafana.queries import Query, now
from deploy.grafana.scales import (
    AHEAD,
    BEHIND,
    COUNT,
    DEVIATIONS,
    MOMENT,
    NUMBER,
    PERCENT,
    PLAIN,
    RANK,
    RANK_OF_A_YEAR,
    SIDE,
    TREND,
    UNUSUAL,
)
from deploy.grafana.tables import TO_INSTRUMENT, TableColumn, merged
from deploy.grafana.variables import ONE_PAIR, programs

STRENGTH: Final = "rotascope_relative_strength_percent"
ZSCORE: Final = "rotascope_relative_return_zscore"
SESSIONS: Final = {
    "1d": "today",
    "5d": "5 sessions",
    "21d": "21 sessions",
    "63d": "63 sessions",
    "252d": "252 sessions",
    "week": "this week",
    "month": "this month",
    "year": "this year",
}
INTRADAY: Final = {"1m": "1 minute", "5m": "5 minutes", "15m": "15 minutes", "1h": "1 hour"}
_LONG: Final = 'window=~"1d|5d|21d|63d|252d"'


def board() -> Board:
    """Return the dashboard."""
    return Board(
        name="rotation",
        title="Rotation",
        description="Is the first leg of a pair ahead of the second, by how much, and how unusual is that? "
        "For small caps against large caps choose RUT/SPX or IWM/SPY.",
        variables=(*programs(shown=False), ONE_PAIR),
        rows=(
            ("$pair now", _now()),
            ("The strength line of $pair", _line()),
            ("How strong, and how unusual", _strength()),
            ("Events", (open_events(), how_often(), _ranks())),
            ("All pairs", (_all_pairs(),)),
        ),
        annotations=(openings(ITS_PAIR), days()),
        start="now-24h",
    )


def _now() -> tuple[builders.Panel, ...]:
    one_day = 'window="1d"'
    recorded = series("rotascope_producer_source_info", 'mode="recorded"')
    source = f"max({recorded}) or (0 * max({series('rotascope_producer_source_info')}))"
    is_open = series("rotascope_event_open", ITS_PAIR, 'state=~"opened|confirmed"')
    as_of = series("rotascope_value_timestamp_seconds", ITS_PAIR)
    return (
        value(
            "Lead or lag today",
            "Change of the strength line (first leg divided by second) since yesterday's close. Blue: the "
            "first leg is ahead. Orange: it is behind.",
            now(of_pair(STRENGTH, one_day)),
            unit=PERCENT,
            steps=SIDE,
            decimals=2,
            width=3,
        ),
        value(
            "First leg today",
            "Change of the first leg's price since yesterday's close.",
            now(_leg("numerator", one_day), "{{numerator}}"),
            unit=PERCENT,
            steps=SIDE,
            decimals=2,
            width=3,
            named=True,
        ),
        value(
            "Second leg today",
            "Change of the second leg's price since yesterday's close.",
            now(_leg("benchmark", one_day), "{{benchmark}}"),
            unit=PERCENT,
            steps=SIDE,
            decimals=2,
            width=3,
            named=True,
        ),
        value(
            "How unusual today",
            "Today's lead or lag in units of what is usual for this pair. Coloured beyond 2: about one "
            "session in twenty. Beyond 3 is rare.",
            now(of_pair(ZSCORE, one_day)),
            unit=DEVIATIONS,
            steps=UNUSUAL,
            decimals=1,
            width=3,
        ),
        value(
            "Rank in a year",
            "Where the lead or lag of the last 21 sessions stands among those of the last 252: 100 is the "
            "strongest. Coloured in the lowest and the highest tenth.",
            now(of_pair("rotascope_relative_strength_percentile", 'window="21d"')),
            unit=RANK,
            steps=RANK_OF_A_YEAR,
            decimals=0,
            width=3,
        ),
        value(
            "Events open",
            "Events on this pair that have opened and not ended. Zero is usual for rare ones; the table "
            "below says which.",
            now(f"count(max by (definition) ({is_open})) or vector(0)"),
            unit=COUNT,
            decimals=0,
            steps=((None, PLAIN), (1.0, AHEAD)),
            width=3,
        ),
        value(
            "Figures as of",
            "Market time of the figures. When it does not move while the market is open, look at Pipeline "
            "and Feeds.",
            now(f"1000 * max({as_of})"),
            unit=MOMENT,
        ),
        value(
            "Source",
            "Live: from the vendor as it happens. Recorded: a replay of earlier days.",
            now(source),
            unit=NUMBER,
            texts={"0": ("live", AHEAD), "1": ("recorded", BEHIND)},
            width=2,
        ),
    )


def _leg(which: str, window: str) -> str:
    return f"max by ({which}) ({series(f'rotascope_{which}_return_percent', ITS_PAIR, window)})"


def _line() -> tuple[builders.Panel, ...]:
    return (
        curves(
            "Strength line: first leg divided by second",
            "Rising: the first leg gains on the second, whatever the market does. Marks are events that "
            "opened.",
            [
                Query(of_pair("rotascope_ratio"), "now"),
                Query(of_pair("rotascope_session_ratio"), "at the close"),
            ],
            unit=NUMBER,
            decimals=4,
            width=16,
            height=9,
        ),
        curves(
            "Both legs today",
            "Change of each leg's price since yesterday's close. The distance between the curves is the "
            "lead or lag.",
            [
                Query(_leg("numerator", 'window="1d"'), "{{numerator}}"),
                Query(_leg("benchmark", 'window="1d"'), "{{benchmark}}"),
            ],
            unit=PERCENT,
            decimals=2,
            width=8,
            height=9,
        ),
    )


def _strength() -> tuple[builders.Panel, ...]:
    windows = [
        now(of_pair(STRENGTH, f'window="{window}"'), name) for window, name in (INTRADAY | SESSIONS).items()
    ]
    return (
        ladder(
            "Lead or lag by window",
            "How far the first leg is ahead (blue) or behind (orange) over each window. Windows of sessions "
            "end with the latest one; week, month and year began with the calendar's.",
            windows,
            unit=PERCENT,
            steps=SIDE,
            decimals=2,
            height=11,
        ),
        curves(
            "Lead or lag over time",
            "The same over time, for windows of sessions. Above zero the first leg is ahead.",
            [Query(by_window(STRENGTH, _LONG), "{{window}}")],
            unit=PERCENT,
            decimals=2,
            height=11,
            width=8,
            steps=((None, PLAIN), (0.0, PLAIN)),
        ),
        curves(
            "How unusual over time",
            "Lead or lag in units of what is usual for this pair and window. The dashed lines are at 2 "
            "and 3 either way: about one session in twenty, and a rare one.",
            [Query(by_window(ZSCORE), "{{window}}")],
            unit=DEVIATIONS,
            decimals=1,
            height=11,
            width=8,
            steps=((None, BEHIND), (-3.0, BEHIND), (-2.0, PLAIN), (2.0, AHEAD), (3.0, AHEAD)),
        ),
    )


def _ranks() -> builders.Panel:
    return curves(
        "How rare: rank among the pair's own last 252 sessions",
        "0 is the weakest and 100 the strongest of a year. The dashed lines are at the lowest and the "
        "highest tenth.",
        [
            Query(by_window("rotascope_relative_strength_percentile"), "over {{window}}"),
            Query(of_pair("rotascope_strength_percentile"), "strength score"),
        ],
        unit=RANK,
        decimals=0,
        steps=RANK_OF_A_YEAR,
        least=0.0,
        height=9,
    )


def _all_pairs() -> builders.Panel:
    is_open = series("rotascope_event_open", 'state=~"opened|confirmed"')
    return merged(
        "All pairs: lead or lag, strongest of 21 sessions first",
        "One row a pair. Click a pair for all its figures. Where there are more pairs than the exporter may "
        "show, these are the listed ones and the strongest and weakest of the day.",
        [
            TableColumn("Pair", "pair", width=130, link=(TO_INSTRUMENT, "This pair in detail")),
            *(
                TableColumn(
                    SESSIONS[window].capitalize(),
                    expression=by_pair(STRENGTH, f'window="{window}"'),
                    unit=PERCENT,
                    steps=SIDE,
                    decimals=2,
                )
                for window in ("1d", "5d", "21d", "252d")
            ),
            TableColumn(
                "z today",
                expression=by_pair(ZSCORE, 'window="1d"'),
                unit=DEVIATIONS,
                steps=UNUSUAL,
                decimals=1,
            ),
            TableColumn(
                "z 21 sessions",
                expression=by_pair(ZSCORE, 'window="21d"'),
                unit=DEVIATIONS,
                steps=UNUSUAL,
                decimals=1,
            ),
            TableColumn(
                "Rank in a year",
                expression=by_pair("rotascope_relative_strength_percentile", 'window="21d"'),
                steps=RANK_OF_A_YEAR,
                decimals=0,
            ),
            TableColumn(
                "Trend of first leg", expression=by_pair("rotascope_numerator_trend_regime"), texts=TREND
            ),
            TableColumn(
                "Events open",
                expression=f"count by (pair) (max by (pair, definition) ({is_open}))",
                decimals=0,
            ),
        ],
        sorted_by="21 sessions",
    )
