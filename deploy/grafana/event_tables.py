"""What is open, as a table and as a number: shared by several dashboards."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.promql import by_pair, series
from deploy.grafana.scales import DEVIATIONS, EPISODE, MOMENT, PERCENT, RANK, RANK_OF_A_YEAR, SIDE, UNUSUAL
from deploy.grafana.tables import TO_DEFINITION, TO_EVENTS, TO_INSTRUMENT, TableColumn, merged

_KEPT: Final = "max by (pair, definition, title)"
SECONDS_A_YEAR: Final = 31_557_600


def in_state(state: str, *matchers: str) -> str:
    """Return the selector of open episodes in a state."""
    return series("rotascope_event_open", *matchers, f'state="{state}"')


def state_number(*matchers: str, by: str = "pair, definition, title") -> str:
    """Return the state of open episodes as a number: 1 candidate, 2 opened, 3 confirmed."""
    parts = [f"{number} * {in_state(text, *matchers)}" for number, (text, _) in EPISODE.items()]
    return f"max by ({by}) ({' or '.join(parts)})"


def elapsed_years() -> str:
    """Return the years of market time in the stretch shown; in a replay they pass faster."""
    clock = series("rotascope_partition_clock_timestamp_seconds")
    return (
        f"((max(max_over_time({clock}[$__range])) - min(min_over_time({clock}[$__range])))"
        f" / {SECONDS_A_YEAR} > 0)"
    )


def open_events(*matchers: str, pair_column: bool = True, height: int = 10) -> builders.Panel:
    """Return the table of open events with the figures of their pairs.

    Args:
        matchers: Which to show.
        pair_column: Whether to name the pair; not where it is chosen at the head.
        height: In rows of 30 pixels.
    """
    is_open = f"{_KEPT} ({series('rotascope_event_open', *matchers)})"
    kept = f" * on (pair) group_right () ({is_open})"
    began = f"1000 * max by (pair, definition) ({series('rotascope_event_begin_timestamp_seconds')})"

    def figure(name: str, *more: str) -> str:
        return by_pair(name, *more) + kept

    pair = TableColumn("Pair", "pair", width=120, link=(TO_INSTRUMENT, "This pair in detail"))
    return merged(
        "What is open now" if pair_column else "What is open now on this pair",
        "Each row is an event that has begun and not ended. Candidate: true so far, may still go away before "
        "the close. Opened: held at the close. Confirmed: it lasted. The figures are those of the pair now. "
        "Click a pair for all its figures, a definition for its history. An event of one single day (an "
        "opposite move) ends as it opens and is here only while it is a candidate.",
        [
            pair,
            TableColumn("What it is", "title", link=(TO_EVENTS, "This event's history")),
            TableColumn(
                "Since",
                expression=f"{began} * on (pair, definition) group_right () ({is_open})",
                unit=MOMENT,
                width=170,
            ),
            TableColumn("State", expression=state_number(*matchers), texts=EPISODE, width=100),
            TableColumn(
                "Lead or lag today",
                expression=figure("rotascope_relative_strength_percent", 'window="1d"'),
                unit=PERCENT,
                steps=SIDE,
                decimals=2,
                width=160,
            ),
            TableColumn(
                "Of 21 sessions",
                expression=figure("rotascope_relative_strength_percent", 'window="21d"'),
                unit=PERCENT,
                steps=SIDE,
                decimals=2,
                width=150,
            ),
            TableColumn(
                "z today",
                expression=figure("rotascope_relative_return_zscore", 'window="1d"'),
                unit=DEVIATIONS,
                steps=UNUSUAL,
                decimals=1,
                width=90,
            ),
            TableColumn(
                "Rank in a year",
                expression=figure("rotascope_relative_strength_percentile", 'window="21d"'),
                unit=RANK,
                steps=RANK_OF_A_YEAR,
                decimals=0,
                width=120,
            ),
            TableColumn("Definition", "definition", width=190, link=(TO_EVENTS, "This event's history")),
        ],
        sorted_by="Since",
        height=height,
        missing="no event is open",
    )


def how_often(*matchers: str, width: int = 12, height: int = 9) -> builders.Panel:
    """Return how often each definition opened in the stretch shown, and what that is a year."""
    opened = series("rotascope_event_transitions_total", 'state="opened"', *matchers)
    count = f"sum by (definition) (increase({opened}[$__range])) > 0.5"
    return merged(
        "How rare: openings in the time shown",
        "How often each definition opened on all pairs together in the time shown, and what that makes a "
        "year of market time. Choose a long stretch: of a few days, a rate a year says little. How rare an "
        "opening was in the whole history of its pair stands in the event itself.",
        [
            TableColumn("Definition", "definition", link=(TO_DEFINITION, "Its history")),
            TableColumn("Openings", expression=count, decimals=0, width=110),
            TableColumn("A year", expression=f"({count}) / scalar({elapsed_years()})", decimals=0, width=110),
        ],
        sorted_by="Openings",
        descending=False,
        width=width,
        height=height,
        missing="nothing opened",
    )
