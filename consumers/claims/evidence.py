"""Evidence for claims: one run of the engine over the supplied files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from consumers.study.inputs import BARS_EXAMPLE, StudyInputs, read_inputs
from consumers.study.running import StudyResult, rates_of, run_history
from core.definitions.catalogue import parse_catalogue
from core.research.base_rate_rows import BaseRate
from core.research.claim_verdicts import ClaimFinding, data_gap, judge, stated
from core.research.claims import ChangeClaim, Claim, DaysClaim, EventsClaim, FollowedClaim, StatedClaim
from core.research.study import HistoryRun
from core.research.study_rates import OPENED, last_session
from core.research.value_history import PairHistory, ValueHistory
from core.runtime.daily_options import FileOptions
from core.runtime.files import CATALOGUE, parsed
from core.runtime.named_files import named_files


class EngineEvidence:
    """Values, events and base rates of one run.

    Args:
        result: Result of the run.
        history: Values recorded during the run.
    """

    def __init__(self, result: StudyResult, history: ValueHistory) -> None:
        self._result = result
        self._history = history
        self._pairs = {pair.name for pair in result.inputs.universe.pairs}

    def missing(self, pair: str) -> str | None:
        """Return why a pair cannot be evaluated; None if it can."""
        if pair not in self._pairs:
            return no_bars(pair, self._result.inputs.frames)
        return None if len(self.history(pair).sessions) else f"{pair} has no session with two closes"

    def history(self, pair: str) -> PairHistory:
        """Return the values of a pair."""
        return self._history.of(pair)

    def openings(self, definition: str, pair: str) -> Sequence[int]:
        """Return the sessions on which a definition opened on a pair, ascending."""
        return [
            event.episode
            for event in self._result.events
            if event.definition == definition and event.pair == pair and event.state == OPENED
        ]

    def base_rate(self, definition: str, pair: str, horizon_sessions: int) -> BaseRate | None:
        """Return what followed these openings, as of the end of the history."""
        return self._rates.get((definition, pair, horizon_sessions))

    @cached_property
    def _rates(self) -> Mapping[tuple[str, str, int], BaseRate]:
        (table,) = rates_of(self._result).tables([last_session(self._result.inputs.frames)])
        return {(row.definition, row.pair, row.horizon_sessions): row for row in table}


def no_bars(pair: str, symbols: Mapping[str, object] | Sequence[str]) -> str:
    """Name the legs of a pair that were not supplied."""
    return "no bars for " + " and ".join(leg for leg in pair.split("/") if leg not in symbols)


def findings_of(
    claims: Sequence[Claim],
    bars: Sequence[str],
    series: Sequence[str],
    catalogue_file: Path | None,
    calendar: str,
    options: FileOptions | None = None,
) -> list[ClaimFinding]:
    """Evaluate claims in one run over the supplied files.

    Args:
        claims: Result of `parse_claims`.
        bars: `SYMBOL=FILE[:COLUMN]`.
        series: `NAME=FILE[:COLUMN]`.
        catalogue_file: Catalogue file; None takes Rotascope's own.
        calendar: Name of the trading calendar.
        options: How to read the files; None for the defaults.

    Raises:
        ConfigurationError: A flag is invalid, or a claim names a definition that the catalogue lacks.
        HistoryError: A file that cannot be used.
    """
    catalogue = parsed(catalogue_file, CATALOGUE, parse_catalogue)
    for claim in claims:
        if isinstance(claim, EventsClaim | FollowedClaim):
            catalogue.get(claim.definition)
    symbols = list(named_files(bars, "--bars", BARS_EXAMPLE))
    named = dict.fromkeys(claim.pair for claim in claims if not isinstance(claim, StatedClaim))
    pairs = [pair for pair in named if all(leg in symbols for leg in pair.split("/"))]
    if not pairs:
        return [
            stated(claim) if isinstance(claim, StatedClaim) else data_gap(claim, no_bars(claim.pair, symbols))
            for claim in claims
        ]
    evidence = _run(claims, read_inputs(bars, series, pairs, catalogue_file, calendar, options=options))
    return [judge(claim, evidence) for claim in claims]


def _run(claims: Sequence[Claim], inputs: StudyInputs) -> EngineEvidence:
    keys = dict.fromkeys(
        key for claim in claims if isinstance(claim, DaysClaim | ChangeClaim) for key in claim.keys
    )
    names = [pair.name for pair in inputs.universe.pairs]
    history = ValueHistory(list(keys), names, len(inputs.calendar))

    def record(run: HistoryRun, session: int) -> None:
        history.record(run.engine.evaluator, session)

    return EngineEvidence(run_history(inputs, after_session=record), history)
