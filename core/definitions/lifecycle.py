"""The life of an event, for every definition and pair, in arrays.

    idle ──► candidate ──► opened ──► confirmed ──► resolved | invalidated | expired
               │              └─────► resolved | faded | invalidated | expired
               └──► withdrawn        (a point event ends with its opening)

A daily definition may be a candidate while its session runs: sent once, at the first minute in
which it is true, and then either opened or withdrawn at the final day bar, whatever it does in
between. Transitions are numbered the same whether or not anybody watched the candidate: candidate
0, opened or withdrawn 1, and so on, so history and live give one id to one event.

One pass looks at all definitions of a frequency and all pairs; a step gives a life one transition
at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.definitions.answers import Answers
from core.definitions.life_pass import FLIPS, LIFE, final_pass, provisional_pass
from core.model.records import EVENT


@dataclass(frozen=True, slots=True)
class Rule:
    """What the life cycle needs to know of a definition.

    Args:
        number: Row of the definition in the catalogue.
        point: An opening is all there is.
        cool_down: Steps after an episode.
        expires: Steps an episode may last, 0 for ever.
        dwell: Steps in a row at which it must be true to open.
    """

    number: int
    point: bool
    cool_down: int
    expires: int
    dwell: int = 1


class LifeCycle:
    """Lives of all definitions and pairs of a partition.

    Args:
        rules: One a definition, in the catalogue's order.
        wanted: bool (definitions, pairs): which pairs a definition is for.
        staging: Most transitions one pass hands over; a full buffer re-enters the pass.
    """

    def __init__(self, rules: Sequence[Rule], wanted: NDArray[np.bool_], staging: int = 256) -> None:
        self.lives: NDArray[np.void] = np.zeros(wanted.shape, LIFE)
        self.levels: NDArray[np.float64] = np.zeros(wanted.shape)
        self.tally: NDArray[np.int64] = np.zeros((len(wanted), FLIPS + 1), np.int64)
        """Live transitions told, by definition and state; then STEPS_TO_CONFIRM and FLIPS."""
        self.staged: NDArray[np.void] = np.zeros(staging, EVENT)
        self._wanted = wanted
        # Derived, no state: at first every life counts as one whose last answer was true. No pass but the
        # provisional one makes an answer true, and lives are restored before the first of those.
        self._may_fall: NDArray[np.bool_] = wanted.copy()
        self._rules: NDArray[np.int32] = np.array(
            [[r.point, r.cool_down, r.expires, r.dwell] for r in rules], np.int32
        ).reshape(len(rules), 4)
        self._step: NDArray[np.int64] = np.zeros(6, np.int64)

    def provisional(
        self,
        numbers: NDArray[np.int32],
        rows: NDArray[np.int32],
        start: int,
        answers: Answers,
        *,
        episode: int,
        ts_event_ns: int,
    ) -> tuple[int, int]:
        """Look at a session in progress: at most one candidate per definition, pair and session.

        Args:
            numbers: int32 (d,): definitions.
            rows: int32 (n,): pairs, one at least.
            start: Position among the d·n to go on from.
            answers: What the definitions say; only `enter` and `quality` are looked at.
            episode: Session of the candidate, days since 1970-01-01.
            ts_event_ns: End of the minute that was looked at.

        Returns:
            Next position, and the number of transitions in `staged`.
        """
        step = self._step
        step[0] = episode
        step[2] = ts_event_ns
        packed = provisional_pass(
            self.lives,
            self._rules,
            self._wanted,
            self._may_fall,
            numbers,
            rows,
            start,
            answers.said,
            answers.quality,
            step,
            self.staged,
            self.tally,
        )
        return packed & 0xFFFF_FFFF, packed >> 32

    def final(
        self,
        numbers: NDArray[np.int32],
        rows: NDArray[np.int32],
        start: int,
        answers: Answers,
        *,
        episode: int,
        session: int,
        ts_event_ns: int,
        ts_knowable_ns: int,
        closing: bool,
        emit: bool,
        counted: bool,
    ) -> tuple[int, int]:
        """Decide a step for good: open, confirm, end, expire, withdraw.

        Args:
            numbers: int32 (d,): definitions.
            rows: int32 (n,): pairs, one at least.
            start: Position among the d·n to go on from.
            answers: What the definitions say.
            episode: Session, or Unix second, that an opening now is named after.
            session: Days since 1970-01-01.
            ts_event_ns: Event time of the step.
            ts_knowable_ns: Event time at which the step became known.
            closing: The session ends: intraday episodes do not outlive it.
            emit: False while history is replayed: lives move, nothing is handed over.
            counted: The tally counts what is handed over; history that speaks is not counted.

        Returns:
            Next position, and the number of transitions in `staged`.
        """
        step = self._step
        step[0] = episode
        step[1] = session
        step[2] = ts_event_ns
        step[3] = ts_knowable_ns
        step[4] = closing
        step[5] = counted
        packed = final_pass(
            self.lives,
            self.levels,
            self._rules,
            self._wanted,
            numbers,
            rows,
            start,
            answers.said,
            answers.level,
            answers.quality,
            step,
            self.staged,
            self.tally,
            emit,
        )
        return packed & 0xFFFF_FFFF, packed >> 32
