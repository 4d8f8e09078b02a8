"""Evidence for claims: one run of the engine over the supplied files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from consumers.claims.members import MEMBERS_EXAMPLE, read_members
from consumers.study.inputs import BARS_EXAMPLE, SERIES_EXAMPLE, StudyInputs, read_inputs
from consumers.study.running import StudyResult, rates_of, run_history
from core.definitions.catalogue import parse_catalogue
from core.model.sessions import Calendar, build_calendar, day_to_date
from core.research.base_rate_rows import BaseRate
from core.research.claim_members import MemberVolumes
from core.research.claim_verdicts import ClaimFinding, judge
from core.research.claims import (
    ChangeClaim,
    Claim,
    DaysClaim,
    EventsClaim,
    FollowedClaim,
    MembersClaim,
    PairClaim,
)
from core.research.study import HistoryRun
from core.research.study_rates import OPENED, last_session
from core.research.value_history import PairHistory, ValueHistory
from core.runtime.daily_options import FileOptions
from core.runtime.files import CALENDAR_OVERRIDES, CATALOGUE, parsed, read_text
from core.runtime.named_files import named_files

_WITHIN: Final = timedelta(days=31)
"""Longer than any market is closed."""


class EngineRun(NamedTuple):
    """One run of the engine, with what it recorded.

    Args:
        result: Result of the run.
        values: Values recorded during the run.
        sessions: int64 (n,): the calendar's sessions over the history, and the one after it.
    """

    result: StudyResult
    values: ValueHistory
    sessions: NDArray[np.int64]


class FilesEvidence:
    """Values, events, base rates and members' volumes of the supplied files.

    Args:
        symbols: Symbols of the daily files.
        members: Name → volumes of an index's members.
        run: The run over the pairs of the claims; None if no pair has both files.
    """

    def __init__(
        self, symbols: Sequence[str], members: Mapping[str, MemberVolumes], run: EngineRun | None
    ) -> None:
        self._symbols = symbols
        self._members = members
        self._run = run
        self._pairs = {pair.name for pair in run.result.inputs.universe.pairs} if run else set()

    def missing(self, pair: str) -> str | None:
        """Return why a pair cannot be evaluated; None if it can."""
        if pair not in self._pairs:
            return "no bars for " + " and ".join(leg for leg in pair.split("/") if leg not in self._symbols)
        return None if len(self.history(pair).sessions) else f"{pair} has no session with two closes"

    def history(self, pair: str) -> PairHistory:
        """Return the values of a pair."""
        return self._engine.values.of(pair)

    def openings(self, definition: str, pair: str) -> Sequence[int]:
        """Return the sessions on which a definition opened on a pair, ascending."""
        return [
            event.episode
            for event in self._engine.result.events
            if event.definition == definition and event.pair == pair and event.state == OPENED
        ]

    def base_rate(self, definition: str, pair: str, horizon_sessions: int) -> BaseRate | None:
        """Return what followed these openings, as of the end of the history."""
        return self._rates.get((definition, pair, horizon_sessions))

    def calendar_sessions(self) -> NDArray[np.int64]:
        """Return the calendar's sessions over the history and the one after it."""
        return self._engine.sessions

    def members(self, name: str) -> MemberVolumes | None:
        """Return the volumes of an index's members; None if no file of that name was supplied."""
        return self._members.get(name)

    @property
    def _engine(self) -> EngineRun:
        if self._run is None:
            raise LookupError("a pair that is missing has no history")
        return self._run

    @cached_property
    def _rates(self) -> Mapping[tuple[str, str, int], BaseRate]:
        result = self._engine.result
        (table,) = rates_of(result).tables([last_session(result.inputs.frames)])
        return {(row.definition, row.pair, row.horizon_sessions): row for row in table}


def findings_of(
    claims: Sequence[Claim],
    bars: Sequence[str],
    series: Sequence[str],
    catalogue_file: Path | None,
    calendar: str,
    options: FileOptions | None = None,
    *,
    members: Sequence[str] = (),
) -> list[ClaimFinding]:
    """Evaluate claims in one run over the supplied files.

    Args:
        claims: Result of `parse_claims`.
        bars: `SYMBOL=FILE[:COLUMN]`.
        series: `NAME=FILE[:COLUMN]`.
        catalogue_file: Catalogue file; None takes Rotascope's own.
        calendar: Name of the trading calendar.
        options: How to read the files; None for the defaults.
        members: `NAME=FILE` of the volumes of an index's members.

    Raises:
        ConfigurationError: A flag is invalid, or a claim names a definition that the catalogue lacks.
        HistoryError: A file that cannot be used.
    """
    catalogue = parsed(catalogue_file, CATALOGUE, parse_catalogue)
    for claim in claims:
        if isinstance(claim, EventsClaim | FollowedClaim):
            catalogue.get(claim.definition)
    options = options or FileOptions()
    symbols = list(named_files(bars, "--bars", BARS_EXAMPLE))
    files = named_files(members, "--members", MEMBERS_EXAMPLE)
    others = [*symbols, *named_files(series, "--series", SERIES_EXAMPLE)]
    about = {claim.members for claim in claims if isinstance(claim, MembersClaim)}
    used = [file for file in files.values() if file.name in about]
    volumes = read_members(used, calendar, options, besides=[*others, *files])
    named = dict.fromkeys(claim.pair for claim in claims if isinstance(claim, PairClaim))
    pairs = [pair for pair in named if all(leg in symbols for leg in pair.split("/"))]
    run = None
    if pairs:
        inputs = read_inputs(
            bars, series, pairs, catalogue_file, calendar, options=options, besides=list(files)
        )
        run = _run(claims, inputs)
    evidence = FilesEvidence(symbols, volumes, run)
    return [judge(claim, evidence) for claim in claims]


def _run(claims: Sequence[Claim], inputs: StudyInputs) -> EngineRun:
    keys = dict.fromkeys(
        key for claim in claims if isinstance(claim, DaysClaim | ChangeClaim) for key in claim.keys
    )
    names = [pair.name for pair in inputs.universe.pairs]
    values = ValueHistory(list(keys), names, len(inputs.calendar))

    def record(run: HistoryRun, session: int) -> None:
        values.record(run.engine.evaluator, session)

    return EngineRun(run_history(inputs, after_session=record), values, _sessions(inputs.calendar))


def _sessions(calendar: Calendar) -> NDArray[np.int64]:
    """Return a calendar's sessions and the next one, which tells whether its last week is complete."""
    last = day_to_date(calendar.session[-1])
    after = build_calendar(
        calendar.name, last, last + _WITHIN, overrides=read_text(None, CALENDAR_OVERRIDES), growing=True
    )
    return np.concatenate([calendar.session, after.session[1:2]]).astype(np.int64)
