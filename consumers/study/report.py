"""Collects the content of a study report from one run, as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from consumers.study.inputs import StudyInputs
from consumers.study.running import rates_of, run_history
from core.definitions.rules import find_key
from core.events.events import Event
from core.model.records import Frequency
from core.model.timestamps import date_text
from core.research.base_rate_rows import BaseRate
from core.research.study import HistoryRun
from core.research.study_rates import OPENED, last_session
from core.research.value_history import ValueHistory

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


@dataclass(frozen=True, slots=True)
class Opening:
    """One opening of a definition.

    Args:
        date: Of the session.
        values: The event's values.
        before: Date of the previous opening within the history; None for the first.
    """

    date: str
    values: Mapping[str, float | str | None]
    before: str | None


@dataclass(frozen=True, slots=True)
class Rarity:
    """How often a definition opened on a pair.

    Args:
        definition: Its id.
        openings: All openings, oldest first.
        a_year: Openings per year of history.
    """

    definition: str
    openings: Sequence[Opening]
    a_year: float

    @property
    def gap_years(self) -> float | None:
        """Years between the last two openings."""
        if len(self.openings) < 2:
            return None
        days = np.diff(np.array([one.date for one in self.openings[-2:]], "datetime64[D]"))
        return float(days[0].astype(int)) / _DAYS_A_YEAR


@dataclass(frozen=True, slots=True, eq=False)
class PairReport:
    """Report content of one pair.

    Args:
        pair: Its name.
        dates: Session dates.
        ratio_line: float64 (n,), 100 at the start of the history.
        summary: Public name → value of the last session; None if unknown.
        rarities: One per definition that opened, rarest first.
        rates: Base rates as of the end, in catalogue order, one per definition and horizon.
    """

    pair: str
    dates: Sequence[str]
    ratio_line: NDArray[np.float64]
    summary: Mapping[str, float | None]
    rarities: Sequence[Rarity]
    rates: Sequence[BaseRate]


@dataclass(frozen=True, slots=True)
class Report:
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


def make_report(inputs: StudyInputs, definitions: frozenset[str], first: str, last: str) -> Report:
    """Run the engine and collect the report content.

    Args:
        inputs: Files, pairs and definitions.
        definitions: Definition ids to show; empty for all. Q-values always count all of them.
        first: First date to show, "" for any.
        last: Last date to show.
    """
    names = [pair.name for pair in inputs.universe.pairs]
    keys = [find_key(name, Frequency.DAY) for name in (RATIO_LINE, *SUMMARY)]
    history = ValueHistory(keys, names, len(inputs.calendar))

    def record(run: HistoryRun, session: int) -> None:
        history.record(run.engine.evaluator, session)

    result = run_history(inputs, after_session=record)
    (table,) = rates_of(result).tables([last_session(inputs.frames)])
    shown = [row for row in table if not definitions or row.definition in definitions]
    events = [
        event
        for event in result.events
        if event.state == OPENED
        and event.frequency == Frequency.DAY.label
        and (not definitions or event.definition in definitions)
    ]
    pairs = [_pair(name, history, keys, events, shown, first, last) for name in names]
    as_of = date_text(last_session(inputs.frames))
    return Report(pairs, as_of, inputs.catalogue.digest[:16], table[0].family_size if table else 0)


def _pair(
    name: str,
    history: ValueHistory,
    keys: Sequence[str],
    events: Sequence[Event],
    rates: Sequence[BaseRate],
    first: str,
    last: str,
) -> PairReport:
    past = history.of(name)
    dates = np.array([date_text(int(session)) for session in past.sessions])
    within = (dates >= first) & (dates <= last)
    line = past.values[keys[0]]
    own = [event for event in events if event.pair == name]
    years = (int(past.sessions[-1]) - int(past.sessions[0])) / _DAYS_A_YEAR if len(dates) else 0.0
    rarities = [
        _rarity(definition, [event for event in own if event.definition == definition], years)
        for definition in Counter(event.definition for event in own)
    ]
    return PairReport(
        pair=name,
        dates=dates[within].tolist(),
        ratio_line=line[within],
        summary={
            label: None if len(dates) == 0 or np.isnan(past.values[key][-1]) else float(past.values[key][-1])
            for label, key in zip(SUMMARY, keys[1:], strict=True)
        },
        rarities=sorted(rarities, key=lambda rarity: (len(rarity.openings), rarity.definition)),
        rates=[row for row in rates if row.pair == name],
    )


def _rarity(definition: str, events: Sequence[Event], years: float) -> Rarity:
    dates = [date_text(event.episode) for event in events]
    openings = [
        Opening(date, event.values, before)
        for date, event, before in zip(dates, events, [None, *dates[:-1]], strict=True)
    ]
    return Rarity(definition, openings, len(openings) / years if years else float(len(openings)))
