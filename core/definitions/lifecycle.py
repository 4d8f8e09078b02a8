"""Life cycle of episodes, for every definition and pair, in arrays.

    idle ──► candidate ──► opened ──► confirmed ──► resolved | invalidated | expired
               │              └─────► resolved | faded | invalidated | expired
               └──► withdrawn        (a point event ends with its opening)

An opened or confirmed episode may be extended: the transition says that it happened once more, and the
episode stays as it is.

A daily definition may become a candidate during a session. This is published once, at the first minute at
which it is true; at the final day bar it is opened or withdrawn, regardless of changes in between.
Transitions have the same numbers with and without a published candidate: candidate 0, opened or withdrawn
1, and so on, so that history and live give an event the same id.

One pass advances all definitions of a frequency and all pairs, by at most one transition per step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.definitions.answers import Answers
from core.definitions.episode import EPISODE
from core.definitions.life_pass import FLIPS, final_pass, provisional_pass
from core.model.records import EVENT


@dataclass(frozen=True, slots=True)
class Rule:
    """Parameters of the life cycle of a definition's episodes.

    Args:
        number: Row of the definition in the catalogue.
        point: Whether an episode ends with its opening.
        cool_down: Steps after an episode before the next may open.
        expires: Maximum steps of an episode, 0 for no limit.
        dwell: Consecutive steps at which the definition must be true to open an episode.
        extends: Whether the definition has `extend`, which then also says when it was true.
    """

    number: int
    point: bool
    cool_down: int
    expires: int
    dwell: int = 1
    extends: bool = False


class LifeCycle:
    """Episodes of all definitions and pairs of a partition.

    Args:
        rules: One per definition, in the catalogue's order.
        wanted: bool (definitions, pairs): whether a definition applies to a pair.
        staging: Maximum transitions per pass; when the buffer is full, the pass is called again.
    """

    def __init__(self, rules: Sequence[Rule], wanted: NDArray[np.bool_], staging: int = 256) -> None:
        self.episodes: NDArray[np.void] = np.zeros(wanted.shape, EPISODE)
        self.levels: NDArray[np.float64] = np.zeros(wanted.shape)
        self.tally: NDArray[np.int64] = np.zeros((len(wanted), FLIPS + 1), np.int64)
        """Published live transitions by definition and state; then STEPS_TO_CONFIRM and FLIPS."""
        self.staged: NDArray[np.void] = np.zeros(staging, EVENT)
        self._wanted = wanted
        # Derived, not state: initially every last answer counts as possibly true. Only the provisional pass
        # sets it to true, and episodes are restored before the first one.
        self._may_fall: NDArray[np.bool_] = wanted.copy()
        self._rules: NDArray[np.int32] = np.array(
            [[r.point, r.cool_down, r.expires, r.dwell, r.extends] for r in rules], np.int32
        ).reshape(len(rules), 5)
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
        """Evaluate a session in progress: at most one candidate per definition, pair and session.

        Args:
            numbers: int32 (d,): definitions.
            rows: int32 (n,): pairs, at least one.
            start: Position among the d·n at which to continue.
            answers: Results of the definitions; only `enter` and `quality` are used.
            episode: Session of the candidate, days since 1970-01-01.
            ts_event_ns: End of the evaluated minute.

        Returns:
            Next position, and the number of transitions in `staged`.
        """
        step = self._step
        step[0] = episode
        step[2] = ts_event_ns
        packed = provisional_pass(
            self.episodes,
            self._rules,
            self._wanted,
            self._may_fall,
            numbers,
            rows,
            start,
            answers.results,
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
        """Apply a final step: open, confirm, extend, end, expire, withdraw.

        Args:
            numbers: int32 (d,): definitions.
            rows: int32 (n,): pairs, at least one.
            start: Position among the d·n at which to continue.
            answers: Results of the definitions.
            episode: Session, or Unix second, that identifies an episode opened now.
            session: Days since 1970-01-01.
            ts_event_ns: Event time of the step.
            ts_knowable_ns: Event time at which the step became known.
            closing: The session ends, and intraday episodes with it.
            emit: False while history is replayed: episodes advance, but nothing is staged.
            counted: Whether the tally counts the transitions; published history is not counted.

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
            self.episodes,
            self.levels,
            self._rules,
            self._wanted,
            numbers,
            rows,
            start,
            answers.results,
            answers.level,
            answers.quality,
            step,
            self.staged,
            self.tally,
            emit,
        )
        return packed & 0xFFFF_FFFF, packed >> 32
