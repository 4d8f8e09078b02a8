"""The life of an event, for every definition and pair, in arrays.

    idle ──► candidate ──► opened ──► resolved | invalidated | expired
               │              (a point event ends with its opening)
               └──► withdrawn

A daily definition may be a candidate while its session runs: sent once, at the first minute in
which it is true, and then either opened or withdrawn at the final day bar, whatever it does in
between. Transitions are numbered the same whether or not anybody watched the candidate: candidate
0, opened or withdrawn 1, and so on, so history and live give one id to one event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.jit import BOOL, F8, I1, I4, I8, U1, array_of, inlined, kernel
from core.records import EVENT, EventState

LIFE: Final = np.dtype(
    [
        ("episode", "<i8"),
        ("first_true_ns", "<i8"),  # of the candidate of the session in progress
        ("openings", "<i8"),  # in the history supplied and since
        ("last_opened", "<i4"),  # session of the latest opening, 0 for none
        ("previous_opened", "<i4"),  # session of the one before it
        ("transition", "<i4"),
        ("steps_open", "<i4"),
        ("cool_down", "<i4"),
        ("flips", "<i4"),  # how often the candidate went on and off
        ("state", "u1"),
        ("candidate", "u1"),
        ("last_provisional", "i1"),
        ("opened_now", "u1"),  # it opened at the latest final step
        ("since", "<i4"),  # session from which openings are counted; 0: from the pair's first
    ]
)

_IDLE: Final = int(EventState.IDLE)
_CANDIDATE: Final = int(EventState.CANDIDATE)
_OPENED: Final = int(EventState.OPENED)
_RESOLVED: Final = int(EventState.RESOLVED)
_INVALIDATED: Final = int(EventState.INVALIDATED)
_EXPIRED: Final = int(EventState.EXPIRED)
_WITHDRAWN: Final = int(EventState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Rule:
    """What the life cycle needs to know of a definition.

    Args:
        number: Row of the definition in the catalogue.
        point: An opening is all there is.
        cool_down: Steps after an episode.
        expires: Steps an episode may last, 0 for ever.
    """

    number: int
    point: bool
    cool_down: int
    expires: int


@inlined
def _stage(staged, filled, life, row, rule, state, before, ts_event, ts_knowable, quality):  # type: ignore[no-untyped-def]
    """Write one transition; the caller has made sure that there is room."""
    event = staged[filled]
    event.ts_event = ts_event
    event.ts_knowable = ts_knowable
    event.definition = rule
    event.pair = row
    event.episode = life.episode
    event.transition = life.transition
    event.state = state
    event.previous_state = before
    event.quality = quality


@kernel(I8, array_of(LIFE), array_of(I4), I8, array_of(I1), array_of(U1), I8, I8, I4, array_of(EVENT))
def _provisional(  # type: ignore[no-untyped-def]
    lives, rows, start, enter, quality, episode, ts_event, rule, staged
):
    filled = 0
    position = start
    while position < len(rows) and filled < len(staged):
        row = rows[position]
        position += 1
        life = lives[row]
        if enter[row] < 0 or life.state != _IDLE or life.cool_down > 0:
            continue
        if enter[row] != life.last_provisional:
            if life.last_provisional != 0 or enter[row] == 1:
                life.flips += 1
            life.last_provisional = enter[row]
        if enter[row] == 1 and life.candidate == 0:
            life.candidate = 1
            life.first_true_ns = ts_event
            life.episode = episode
            life.transition = 0
            _stage(staged, filled, life, row, rule, _CANDIDATE, _IDLE, ts_event, ts_event, quality[row])
            filled += 1
    return position | (filled << 32)


@inlined
def _open(life, session):  # type: ignore[no-untyped-def]
    """Record an opening."""
    life.state = _OPENED
    life.transition = 1
    life.steps_open = 0
    life.openings += 1
    life.previous_opened = life.last_opened
    life.last_opened = session
    life.opened_now = 1


@inlined
def _ending(life, leave, invalid, expires, closing):  # type: ignore[no-untyped-def]
    """How an open episode ends at this step, 0 when it goes on."""
    if leave == 1:
        return _RESOLVED
    if invalid == 1:
        return _INVALIDATED
    if closing or (expires > 0 and life.steps_open >= expires):
        return _EXPIRED
    return 0


@kernel(
    I8,
    array_of(LIFE),
    array_of(F8),
    array_of(I4),
    I8,
    array_of(I1),
    array_of(I1),
    array_of(I1),
    array_of(F8),
    array_of(U1),
    array_of(I8),
    array_of(EVENT),
    BOOL,
)
def _final(  # type: ignore[no-untyped-def]
    lives, levels, rows, start, enter, leave, invalid, level, quality, step, staged, emit
):
    episode, session, ts_event, ts_knowable, rule, point, cool_down, expires, closing = (
        step[0], step[1], step[2], step[3], step[4], step[5], step[6], step[7], step[8],
    )  # fmt: skip
    filled = 0
    position = start
    while position < len(rows) and filled < len(staged):
        row = rows[position]
        position += 1
        life = lives[row]
        state = 0
        before = life.state
        life.opened_now = 0
        if life.state == _OPENED:
            life.steps_open += 1
            state = _ending(life, leave[row], invalid[row], expires, closing)
            if state != 0:
                life.transition += 1
                life.state = _IDLE
                life.cool_down = cool_down
        elif life.cool_down > 0:
            if not closing:  # The closing minute has been looked at once already.
                life.cool_down -= 1
        elif enter[row] == 1 and not closing:
            before = _CANDIDATE if life.candidate else _IDLE
            life.episode = episode
            _open(life, session)
            levels[row] = level[row]
            state = _OPENED
        if life.candidate == 1 and state != _OPENED:
            state = _WITHDRAWN
            before = _CANDIDATE
            life.transition = 1
        life.candidate = 0
        life.flips = 0
        life.last_provisional = 0
        if state != 0 and emit:
            _stage(staged, filled, life, row, rule, state, before, ts_event, ts_knowable, quality[row])
            filled += 1
        if state == _OPENED and point:
            life.state = _IDLE
            life.cool_down = cool_down
    return position | (filled << 32)


class LifeCycle:
    """Lives of all definitions and pairs of a partition.

    Args:
        definitions: Number of definitions.
        pairs: Number of pairs.
        staging: Most transitions one pass hands over; a full buffer re-enters the pass.
    """

    def __init__(self, definitions: int, pairs: int, staging: int = 256) -> None:
        self.lives: NDArray[np.void] = np.zeros((definitions, pairs), LIFE)
        self.levels: NDArray[np.float64] = np.zeros((definitions, pairs))
        self.staged: NDArray[np.void] = np.zeros(staging, EVENT)
        self._step: NDArray[np.int64] = np.zeros(9, np.int64)

    def provisional(
        self,
        rule: Rule,
        rows: NDArray[np.int32],
        start: int,
        enter: NDArray[np.int8],
        quality: NDArray[np.uint8],
        *,
        episode: int,
        ts_event_ns: int,
    ) -> tuple[int, int]:
        """Look at a session in progress: at most one candidate per definition, pair and session.

        Args:
            rule: The definition.
            rows: int32 (n,): pairs.
            start: Position in `rows` to go on from.
            enter: int8 (pairs,): the detector's answer.
            quality: uint8 (pairs,).
            episode: Session of the candidate, days since 1970-01-01.
            ts_event_ns: End of the minute that was looked at.

        Returns:
            Next position in `rows`, and the number of transitions in `staged`.
        """
        packed = _provisional(
            self.lives[rule.number],
            rows,
            start,
            enter,
            quality,
            episode,
            ts_event_ns,
            rule.number,
            self.staged,
        )
        return packed & 0xFFFF_FFFF, packed >> 32

    def final(
        self,
        rule: Rule,
        rows: NDArray[np.int32],
        start: int,
        enter: NDArray[np.int8],
        leave: NDArray[np.int8],
        invalid: NDArray[np.int8],
        level: NDArray[np.float64],
        quality: NDArray[np.uint8],
        *,
        episode: int,
        session: int,
        ts_event_ns: int,
        ts_knowable_ns: int,
        closing: bool,
        emit: bool,
    ) -> tuple[int, int]:
        """Decide a step for good: open, end, expire, withdraw.

        Args:
            rule: The definition.
            rows: int32 (n,): pairs.
            start: Position in `rows` to go on from.
            enter: int8 (pairs,), as are `leave` and `invalid`: the detector's answers.
            leave: See `enter`.
            invalid: See `enter`.
            level: float64 (pairs,): invalidation level an opening fixes.
            quality: uint8 (pairs,).
            episode: Session, or Unix second, that an opening now is named after.
            session: Days since 1970-01-01.
            ts_event_ns: Event time of the step.
            ts_knowable_ns: Event time at which the step became known.
            closing: The session ends: intraday episodes do not outlive it.
            emit: False while history is replayed: lives move, nothing is handed over.

        Returns:
            Next position in `rows`, and the number of transitions in `staged`.
        """
        step = self._step
        step[0] = episode
        step[1] = session
        step[2] = ts_event_ns
        step[3] = ts_knowable_ns
        step[4] = rule.number
        step[5] = rule.point
        step[6] = rule.cool_down
        step[7] = rule.expires
        step[8] = closing
        packed = _final(
            self.lives[rule.number],
            self.levels[rule.number],
            rows,
            start,
            enter,
            leave,
            invalid,
            level,
            quality,
            step,
            self.staged,
            emit,
        )
        return packed & 0xFFFF_FFFF, packed >> 32
