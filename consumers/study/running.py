"""One run of the engine over history, with a progress bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consumers.study.inputs import StudyInputs
from core.definitions.catalogue import Catalogue
from core.engine.engine import PartitionEngine
from core.events.events import Event
from core.research.base_rates import BaseRates
from core.research.study import HistoryRun
from core.research.study_rates import (
    CardsAsAsked,
    cards_as_asked,
    last_session,
    study_base_rates,
    with_base_rates,
)
from core.runtime.progress import progress

AfterSession = Callable[[HistoryRun, int], None]
"""Called after each session with the run (its engine holds that session's values) and the session."""


@dataclass(frozen=True, slots=True)
class StudyResult:
    """Result of a run over the history.

    Args:
        inputs: Inputs of the run.
        events: All events, in the engine's order.
        run: The run at the end of the history.
    """

    inputs: StudyInputs
    events: Sequence[Event]
    run: HistoryRun


def run_history(
    inputs: StudyInputs, *, until: int | None = None, after_session: AfterSession | None = None
) -> StudyResult:
    """Step the whole history.

    Args:
        inputs: Inputs of the study.
        until: The last session, days since 1970-01-01; None for all.
        after_session: Called after each session.
    """
    calendars = {inputs.calendar.name: inputs.calendar}
    run = HistoryRun(
        inputs.universe, inputs.catalogue, calendars, inputs.frames, until=until, lookups=inputs.artefacts
    )
    events: list[Event] = []
    total = len(run)
    with progress("stepping sessions") as step:
        for number, done in enumerate(run.sessions(), start=1):
            events += done.events
            if after_session is not None:
                after_session(run, done.session)
            if number % 64 == 0 or number == total:
                step(number, total)
    return StudyResult(inputs, events, run)


def engine_at(inputs: StudyInputs, session: int) -> PartitionEngine:
    """Step the history up to a session, without definitions: values do not depend on them.

    Args:
        inputs: Inputs of the study.
        session: The last session, days since 1970-01-01.

    Returns:
        The engine, which holds the values as of that session.
    """
    calendars = {inputs.calendar.name: inputs.calendar}
    run = HistoryRun(inputs.universe, Catalogue(()), calendars, inputs.frames, until=session)
    run.run_through()
    return run.engine


def rates_of(result: StudyResult) -> BaseRates:
    """Compute base rates over all openings of a result."""
    inputs = result.inputs
    return study_base_rates(result.events, inputs.catalogue, inputs.universe, inputs.frames, inputs.calendar)


def cards_of(result: StudyResult) -> CardsAsAsked:
    """Compute cards as of the end of every quarter."""
    return cards_as_asked(rates_of(result), result.inputs.calendar, last_session(result.inputs.frames))


def events_with_base_rates(
    result: StudyResult, among: Callable[[Sequence[Event]], Sequence[Event]] = list
) -> list[Event]:
    """Return the events of a result, each with the base rates known at its time.

    Args:
        result: A run over the whole history; all its openings count.
        among: Selects the events.
    """
    return with_base_rates(among(result.events), cards_of(result))
