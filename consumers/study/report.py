"""Collects the content of a study report from one run, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.study.inputs import StudyInputs
from consumers.study.report_chance import Chance, chance_of
from consumers.study.report_openings import LATELY_SESSIONS, Opening, ReportedDefinition, openings_of
from consumers.study.running import rates_of, run_history
from core.definitions.rules import find_key
from core.events.events import Event
from core.model.instruments import Pair
from core.model.records import Frequency
from core.model.timestamps import date_text
from core.research.base_rate_rows import BaseRate
from core.research.study import HistoryRun
from core.research.study_rates import daily_definitions, last_session
from core.research.value_history import PairHistory, ValueHistory

RATIO_LINE: Final = "ratio_line"
SUMMARY: Final = (
    "relative_21d_pp",
    "relative_ytd_pp",
    "relative_252d_pp",
    "drawdown_pct",
    "beta_63d",
    "volatility_ratio_63d",
)
"""Values of the last session shown at the head of a pair's section."""
_DAYS_A_YEAR: Final = 365.25


@dataclass(frozen=True, slots=True, eq=False)
class PairReport:
    """Report content of one pair.

    Args:
        pair: The pair.
        dates: Session dates to show.
        ratio_line: float64 (n,), 100 at the start of the history.
        history_start: First session of the history, whether shown or not; "" for none.
        summary: Public name → value of the last session; None if unknown.
        definitions: One per definition that opened, rarest first.
        rates: Base rates as of the end, in catalogue order, one per definition and horizon.
        has_chance: Whether chance frequencies were given.
    """

    pair: Pair
    dates: Sequence[str]
    ratio_line: NDArray[np.float64]
    history_start: str
    summary: Mapping[str, float | None]
    definitions: Sequence[ReportedDefinition]
    rates: Sequence[BaseRate]
    has_chance: bool

    @property
    def lately(self) -> list[tuple[ReportedDefinition, Opening]]:
        """The latest opening of each definition that opened within `LATELY_SESSIONS`, rarest first."""
        latest = [(each, each.openings[-1]) for each in self.definitions]
        return [(each, one) for each, one in latest if one.sessions_ago < LATELY_SESSIONS]

    @property
    def open_now(self) -> list[tuple[ReportedDefinition, Opening]]:
        """The episodes that are open at the end, rarest first."""
        return [(each, each.openings[-1]) for each in self.definitions if each.openings[-1].end is None]

    def rate(self, definition: str, horizon_sessions: int) -> BaseRate | None:
        """Return what followed a definition over a horizon."""
        for row in self.rates:
            if (row.definition, row.horizon_sessions) == (definition, horizon_sessions):
                return row
        return None


@dataclass(frozen=True, slots=True)
class StudyReport:
    """Content of a report.

    Args:
        pairs: In the requested order.
        as_of: Date of the last session.
        catalogue: Digest of the catalogue.
        family_size: Number of tests that the q-values correct for.
    """

    pairs: Sequence[PairReport]
    as_of: str
    catalogue: str
    family_size: int


def make_report(inputs: StudyInputs, definitions: frozenset[str], first: str) -> StudyReport:
    """Run the engine and collect the report content.

    Args:
        inputs: Files, pairs and definitions; the report is as of the end of the files.
        definitions: Definition ids to show; empty for all. Q-values always count all of them.
        first: First date to show, "" for any. Openings before it still count.

    Raises:
        InputError: Chance frequencies were given, and none of them can be used.
    """
    last = last_session(inputs.frames)
    chances = chance_of(inputs, last)
    names = [pair.name for pair in inputs.universe.pairs]
    keys = [find_key(name, Frequency.DAY) for name in (RATIO_LINE, *SUMMARY)]
    history = ValueHistory(keys, names, len(inputs.calendar))

    def record(run: HistoryRun, session: int) -> None:
        history.record(run.engine.evaluator, session)

    result = run_history(inputs, after_session=record)
    (table,) = rates_of(result).tables([last])
    shown = [row for row in table if not definitions or row.definition in definitions]
    events = [
        event
        for event in result.events
        if event.frequency == Frequency.DAY.label and (not definitions or event.definition in definitions)
    ]
    pairs = [
        _pair(inputs, pair, history.of(pair.name), keys, events, shown, chances, first)
        for pair in inputs.universe.pairs
    ]
    family_size = table[0].family_size if table else 0
    return StudyReport(pairs, date_text(last), inputs.catalogue.digest[:16], family_size)


def _pair(
    inputs: StudyInputs,
    pair: Pair,
    past: PairHistory,
    keys: Sequence[str],
    events: Sequence[Event],
    rates: Sequence[BaseRate],
    chances: Mapping[tuple[str, str], Chance],
    first: str,
) -> PairReport:
    dates = np.array([date_text(int(session)) for session in past.sessions], "U10")
    within = dates >= first
    years = (int(past.sessions[-1]) - int(past.sessions[0])) / _DAYS_A_YEAR if len(dates) else 0.0
    own = [event for event in events if event.pair == pair.name]
    found = []
    for definition in daily_definitions(inputs.catalogue):
        name = definition.definition_id
        openings = openings_of(
            [event for event in own if event.definition == name], definition, past.sessions
        )
        if openings:
            a_year = len(openings) / years if years else float(len(openings))
            found.append(ReportedDefinition(definition, openings, a_year, chances.get((name, pair.name))))
    return PairReport(
        pair=pair,
        dates=dates[within].tolist(),
        ratio_line=past.values[keys[0]][within],
        history_start=str(dates[0]) if len(dates) else "",
        summary={
            label: None if len(dates) == 0 or np.isnan(past.values[key][-1]) else float(past.values[key][-1])
            for label, key in zip(SUMMARY, keys[1:], strict=True)
        },
        definitions=sorted(found, key=lambda each: (len(each.openings), each.definition_id)),
        rates=[row for row in rates if row.pair == pair.name],
        has_chance=inputs.artefacts.rarities is not None,
    )
