"""Events: what is open, how episodes went, how often definitions open."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.board import Board
from deploy.grafana.event_tables import how_often, in_state, open_events, state_number
from deploy.grafana.marks import days
from deploy.grafana.panels import counts, curves, time_line, value
from deploy.grafana.promql import PAIRS as CHOSEN_PAIRS
from deploy.grafana.promql import increase, series
from deploy.grafana.queries import Query, now
from deploy.grafana.scales import (
    AHEAD,
    COUNT,
    EPISODE,
    LOOK,
    MOMENT,
    NUMBER,
    PLAIN,
    SHARE,
    Steps,
)
from deploy.grafana.tables import TO_DEFINITION, TableColumn, merged
from deploy.grafana.variables import DEFINITIONS, PAIRS, programs

_DEFINITION: Final = 'definition=~"$definition"'
_TRANSITIONS: Final = "rotascope_event_transitions_total"
_SOME: Final[Steps] = ((None, PLAIN), (1.0, AHEAD))


def board() -> Board:
    """Return the dashboard."""
    return Board(
        name="events",
        title="Events",
        description="What is open, how it came about, how it usually ends, and how often it happens.",
        variables=(*programs(shown=False), PAIRS, DEFINITIONS),
        rows=(
            ("Open now", (*_counts(), open_events(CHOSEN_PAIRS, _DEFINITION))),
            ("Over time", _over_time()),
            ("How episodes go, in the time shown", _life_cycles()),
            ("Definitions", (_definitions(),)),
        ),
        annotations=(days(),),
        start="now-7d",
    )


def _counts() -> tuple[builders.Panel, ...]:
    counted = [
        value(
            f"{text.capitalize()} now",
            meaning,
            now(
                f"count(max by (pair, definition) ({in_state(text, CHOSEN_PAIRS, _DEFINITION)})) or vector(0)"
            ),
            unit=COUNT,
            decimals=0,
            steps=_SOME,
        )
        for text, meaning in (
            ("candidate", "True so far today; may go away before the close."),
            ("opened", "Held at the close of a session (or of a minute, for events within the day)."),
            ("confirmed", "Lasted as long as the definition asks."),
        )
    ]
    opened = increase(_TRANSITIONS, "", _DEFINITION, 'state="opened"')
    flips = increase("rotascope_event_provisional_flips_total", "", _DEFINITION)
    last = series("rotascope_event_last_transition_timestamp_seconds", _DEFINITION)
    return (
        *counted,
        value(
            "Opened in the time shown",
            "Openings of the chosen definitions on all pairs.",
            now(opened),
            unit=COUNT,
            decimals=0,
            steps=_SOME,
        ),
        value(
            "Flips for each opening",
            "How often a provisional answer changed before the close, for each event that opened. Above 5 "
            "the answers of the day are worth little before its close.",
            now(f"{flips} / ({opened} > 0)"),
            unit=NUMBER,
            decimals=1,
            steps=((None, PLAIN), (5.0, LOOK)),
            missing="none opened",
        ),
        value(
            "Last change",
            "Market time at which the latest change of state became known.",
            now(f"1000 * max({last} > 0)"),
            unit=MOMENT,
            missing="none yet",
        ),
    )


def _over_time() -> tuple[builders.Panel, ...]:
    by_state = increase(_TRANSITIONS, "state", _DEFINITION, over="$__rate_interval")
    is_open = series("rotascope_event_open", CHOSEN_PAIRS, _DEFINITION)
    return (
        time_line(
            "States over time",
            "A row for each pair and definition, while it is a candidate, opened or confirmed. Choose "
            "a pair or a definition above to see fewer.",
            [
                Query(
                    state_number(CHOSEN_PAIRS, _DEFINITION, by="pair, definition"), "{{pair}} {{definition}}"
                )
            ],
            texts=EPISODE,
            height=14,
        ),
        curves(
            "Open events",
            "How many are open, by state.",
            [Query(f"count by (state) (max by (pair, definition, state) ({is_open}))", "{{state}}")],
            unit=COUNT,
            decimals=0,
            least=0.0,
            stacked=True,
        ),
        counts(
            "Changes of state",
            "How many events were sent, by the state that was entered. Points are the ids of single events.",
            [Query(f"{by_state} > 0", "{{state}}", exemplars=True)],
        ),
    )


def _life_cycles() -> tuple[builders.Panel, ...]:
    def entered(state: str) -> str:
        return increase(_TRANSITIONS, "definition", _DEFINITION, f'state="{state}"')

    opened = f"({entered('opened')} > 0.5)"
    confirmed = f"({entered('confirmed')} > 0.5)"
    flips = increase("rotascope_event_provisional_flips_total", "definition", _DEFINITION)
    steps = increase("rotascope_event_steps_to_confirm_total", "definition", _DEFINITION)
    names = {
        "candidate": "Candidates",
        "withdrawn": "Withdrawn",
        "opened": "Opened",
        "extended": "Extended",
        "confirmed": "Confirmed",
        "faded": "Faded",
        "resolved": "Resolved",
        "invalidated": "Invalidated",
        "expired": "Expired",
        "revised": "Revised",
    }
    return (
        merged(
            "Changes of state by definition",
            "How many events of each kind were sent in the time shown. Withdrawn: a candidate that did "
            "not hold at the close. Faded: an opened event whose condition went away. Revised: a late "
            "correction changed the answer.",
            [
                TableColumn(
                    "Definition", "definition", width=220, link=(TO_DEFINITION, "Only this definition")
                ),
                *(
                    TableColumn(name, expression=f"{entered(state)} > 0.5", decimals=0, width=105)
                    for state, name in names.items()
                ),
            ],
            sorted_by="Opened",
            width=24,
            height=12,
        ),
        merged(
            "How reliable: flips, confirmation, fading",
            "For each definition that opened in the time shown. Flips: changes of the provisional answer "
            "for each opening. Confirmed and faded: share of the openings that ended so. Steps: how long "
            "a confirmation took, in evaluations.",
            [
                TableColumn(
                    "Definition", "definition", width=220, link=(TO_DEFINITION, "Only this definition")
                ),
                TableColumn(
                    "Flips per opening",
                    width=130,
                    expression=f"{flips} / {opened}",
                    decimals=1,
                    steps=((None, PLAIN), (5.0, LOOK)),
                ),
                TableColumn(
                    "Confirmed",
                    unit=SHARE,
                    width=100,
                    expression=f"clamp_max({entered('confirmed')} / {opened}, 1)",
                    decimals=0,
                ),
                TableColumn(
                    "Faded",
                    unit=SHARE,
                    width=100,
                    expression=f"clamp_max({entered('faded')} / {opened}, 1)",
                    decimals=0,
                ),
                TableColumn("Steps to confirm", expression=f"{steps} / {confirmed}", decimals=1, width=130),
            ],
            sorted_by="Flips per opening",
            width=12,
            height=9,
            missing="nothing opened",
        ),
        how_often(_DEFINITION),
    )


def _definitions() -> builders.Panel:
    labels = "definition, title, family, frequency"
    return merged(
        "Definitions in force",
        "What Rotascope looks for, in words. The last opening is in market time, of the workers now.",
        [
            TableColumn("Definition", "definition", width=230, link=(TO_DEFINITION, "Only this definition")),
            TableColumn("What it is", "title"),
            TableColumn("Family", "family", width=140),
            TableColumn("Evaluated every", "frequency", width=130),
            TableColumn(
                "In force",
                expression=f"max by ({labels}) ({series('rotascope_definition_info', _DEFINITION)})",
                texts={"1": ("yes", PLAIN)},
                width=90,
            ),
            TableColumn(
                "Last opening",
                expression="1000 * max by (definition) ("
                + series("rotascope_event_last_transition_timestamp_seconds", _DEFINITION, 'state="opened"')
                + " > 0) * on (definition) group_right () "
                + f"max by ({labels}) ({series('rotascope_definition_info', _DEFINITION)})",
                unit=MOMENT,
                width=180,
            ),
        ],
        sorted_by="Definition",
        descending=False,
        height=12,
    )
