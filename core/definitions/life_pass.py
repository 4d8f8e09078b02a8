"""Kernels that advance all episodes of a frequency: provisional during a session, or final."""

from __future__ import annotations

from typing import Final

from core.definitions.answers import CONFIRM, ENTER, EXTEND, FADE, INVALID, LEAVE
from core.definitions.episode import EPISODE
from core.kernels.jit import BOOL, F8, I1, I4, I8, U1, array_of, inlined, kernel
from core.model.records import EVENT, EventState

STEPS_TO_CONFIRM: Final = len(EventState)
"""Column of the tally: total steps from opening to confirmation."""
FLIPS: Final = STEPS_TO_CONFIRM + 1
"""Column of the tally: changes of provisional answers before the final one."""

_IDLE: Final = int(EventState.IDLE)
_CANDIDATE: Final = int(EventState.CANDIDATE)
_OPENED: Final = int(EventState.OPENED)
_CONFIRMED: Final = int(EventState.CONFIRMED)
_RESOLVED: Final = int(EventState.RESOLVED)
_FADED: Final = int(EventState.FADED)
_INVALIDATED: Final = int(EventState.INVALIDATED)
_EXPIRED: Final = int(EventState.EXPIRED)
_WITHDRAWN: Final = int(EventState.WITHDRAWN)
_EXTENDED: Final = int(EventState.EXTENDED)

_POINT: Final = 0
_COOL_DOWN: Final = 1
_EXPIRES: Final = 2
_DWELL: Final = 3
_EXTENDS: Final = 4


@inlined
def _stage(staged, filled, current, row, number, state, before, ts_event, ts_knowable, quality):
    """Write one transition; the caller ensures that there is room."""
    event = staged[filled]
    event.ts_event = ts_event
    event.ts_knowable = ts_knowable
    event.definition = number
    event.pair = row
    event.episode = current.episode
    event.transition = current.transition
    event.state = state
    event.previous_state = before
    event.quality = quality


@kernel(
    I8,
    array_of(EPISODE, 2),
    array_of(I4, 2),
    array_of(BOOL, 2),
    array_of(BOOL, 2),
    array_of(I4),
    array_of(I4),
    I8,
    array_of(I1, 3),
    array_of(U1, 2),
    array_of(I8),
    array_of(EVENT),
    array_of(I8, 2),
)
def provisional_pass(
    episodes, rules, wanted, may_fall, numbers, rows, start, answers, quality, step, staged, tally
):
    """Evaluate a session in progress: at most one candidate per definition, pair and session.

    Most answers are false and were false before. They change nothing and are skipped without reading the
    episode, which would load another cache line.

    Args:
        episodes: EPISODE (definitions, pairs).
        rules: int32 (definitions, 5): point, cool-down, expires, dwell, whether it has `extend`.
        wanted: bool (definitions, pairs).
        may_fall: bool (definitions, pairs): whether `last_provisional` may be true; may be true without
            need, but never false by mistake. Updated.
        numbers: int32 (d,): definitions.
        rows: int32 (n,): pairs, at least one.
        start: Position among the d·n at which to continue.
        answers: int8 (questions, definitions, pairs).
        quality: uint8 (definitions, pairs).
        step: int64 (6,): episode, session, event time and knowable time in ns, closing, counted. This
            pass uses only episode and event time.
        staged: EVENT (most,), filled from the front; the pass ends early when it is full.
        tally: int64 (definitions, states + 2).

    Returns:
        Next position, plus (transitions staged) << 32.
    """
    episode, ts_event = step[0], step[2]
    filled = 0
    place, index = start // len(rows), start % len(rows)
    while place < len(numbers) and filled < len(staged):
        number = numbers[place]
        enters, falls, wants = answers[ENTER, number], may_fall[number], wanted[number]
        while index < len(rows) and filled < len(staged):
            row = rows[index]
            index += 1
            enter = enters[row]
            if enter < 0 or (enter == 0 and not falls[row]) or not wants[row]:
                continue
            current = episodes[number, row]
            if current.state == _IDLE and current.cool_down <= 0:
                if enter == 1 and current.held + 1 < rules[number, _DWELL]:
                    enter = 0
                if enter != current.last_provisional:
                    if current.last_provisional != 0 or enter == 1:
                        current.flips += 1
                    current.last_provisional = enter
                if enter == 1 and current.candidate == 0:
                    current.candidate = 1
                    current.first_true_ns = ts_event
                    current.episode = episode
                    current.transition = 0
                    _stage(
                        staged, filled, current, row, number, _CANDIDATE, _IDLE, ts_event, ts_event,
                        quality[number, row],
                    )  # fmt: skip
                    tally[number, _CANDIDATE] += 1
                    filled += 1
            falls[row] = current.last_provisional != 0
        if index == len(rows):
            place, index = place + 1, 0
    return place * len(rows) + index | (filled << 32)


@inlined
def _open(current, session):
    """Record an opening."""
    current.state = _OPENED
    current.transition = 1
    current.steps_open = 0
    current.openings += 1
    current.previous_opened = current.last_opened
    current.last_opened = session
    current.opened_now = 1


@inlined
def _record_true(current, session):
    """Record a session on which the definition was true; at 1m, several steps of a session count once."""
    if current.last_true != session:
        current.previous_true = current.last_true
        current.last_true = session
        current.sessions_true += 1


@inlined
def _next(current, answers, number, row, expires, closing):
    """The next state of an open episode at this step, 0 if it does not change."""
    unconfirmed = current.state == _OPENED
    if unconfirmed and answers[FADE, number, row] == 1:
        return _FADED
    if answers[LEAVE, number, row] == 1:
        return _RESOLVED
    if answers[INVALID, number, row] == 1:
        return _INVALIDATED
    if closing or (expires > 0 and current.steps_open >= expires):
        return _EXPIRED
    if unconfirmed and answers[CONFIRM, number, row] == 1:
        return _CONFIRMED
    return 0


@kernel(
    I8,
    array_of(EPISODE, 2),
    array_of(F8, 2),
    array_of(I4, 2),
    array_of(BOOL, 2),
    array_of(I4),
    array_of(I4),
    I8,
    array_of(I1, 3),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I8),
    array_of(EVENT),
    array_of(I8, 2),
    BOOL,
)
def final_pass(
    episodes, levels, rules, wanted, numbers, rows, start, answers, level, quality, step, staged, tally, emit
):
    """Apply a final step: open, confirm, extend, end, expire, withdraw.

    Args:
        episodes: As for `provisional_pass`, like all other arguments of the same name.
        levels: float64 (definitions, pairs): invalidation levels of open episodes.
        rules: See there.
        wanted: See there.
        numbers: See there.
        rows: See there.
        start: See there.
        answers: See there.
        level: float64 (definitions, pairs): invalidation level that an opening now would set.
        quality: See there.
        step: See there.
        staged: See there.
        tally: See there.
        emit: False while history is replayed: episodes advance, but nothing is staged.

    Returns:
        Next position, plus (transitions staged) << 32.
    """
    episode, session, ts_event, ts_knowable = step[0], step[1], step[2], step[3]
    closing, counted = step[4] != 0, step[5]
    filled = 0
    place, index = start // len(rows), start % len(rows)
    while place < len(numbers) and filled < len(staged):
        number, row = numbers[place], rows[index]
        index += 1
        if index == len(rows):
            place, index = place + 1, 0
        if not wanted[number, row]:
            continue
        current = episodes[number, row]
        point, cool_down = rules[number, _POINT] != 0, rules[number, _COOL_DOWN]
        enter = answers[ENTER, number, row]
        state = 0
        before = current.state
        current.opened_now = 0
        current.extended_now = 0
        extends = rules[number, _EXTENDS] != 0
        if not closing:  # The closing minute was evaluated before.
            if enter >= 0 and current.decided_since == 0:
                current.decided_since = session
            current.held = current.held + 1 if enter == 1 else 0
            occurs = current.held >= rules[number, _DWELL]
            if extends:
                occurs = answers[EXTEND, number, row] == 1
            if occurs:
                _record_true(current, session)
        if current.state == _OPENED or current.state == _CONFIRMED:
            current.steps_open += 1
            state = _next(current, answers, number, row, rules[number, _EXPIRES], closing)
            if state == _CONFIRMED:
                current.transition += 1
                current.state = _CONFIRMED
                tally[number, STEPS_TO_CONFIRM] += counted * current.steps_open
            elif state != 0:
                current.transition += 1
                current.state = _IDLE
                current.cool_down = cool_down
            elif extends and current.not_extended == 0 and answers[EXTEND, number, row] == 1:
                state = _EXTENDED
                current.transition += 1
                current.extended_now = 1
        elif current.cool_down > 0:
            if not closing:
                current.cool_down -= 1
        elif enter == 1 and not closing and current.held >= rules[number, _DWELL]:
            before = _CANDIDATE if current.candidate else _IDLE
            current.episode = episode
            _open(current, session)
            levels[number, row] = level[number, row]
            state = _OPENED
        if current.candidate == 1 and state != _OPENED:
            state = _WITHDRAWN
            before = _CANDIDATE
            current.transition = 1
        tally[number, FLIPS] += counted * current.flips
        current.candidate = 0
        current.flips = 0
        current.last_provisional = 0
        if state != 0 and emit:
            _stage(
                staged, filled, current, row, number, state, before, ts_event, ts_knowable,
                quality[number, row],
            )  # fmt: skip
            tally[number, state] += counted
            filled += 1
        if state == _OPENED and point:
            current.state = _IDLE
            current.cool_down = cool_down
        if current.state == _IDLE:
            current.not_extended = 0
    return place * len(rows) + index | (filled << 32)
