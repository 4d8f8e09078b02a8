"""The passes over all lives of a frequency: one over a session in progress, one that decides for good."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.definitions.answers import CONFIRM, ENTER, FADE, INVALID, LEAVE
from core.kernels.jit import BOOL, F8, I1, I4, I8, U1, array_of, inlined, kernel
from core.model.records import EVENT, EventState

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
        ("held", "<i4"),  # final steps in a row at which `enter` was true
    ]
)

STEPS_TO_CONFIRM: Final = len(EventState)
"""Column of the tally: steps from opening to confirmation, over all that were counted."""
FLIPS: Final = STEPS_TO_CONFIRM + 1
"""Column of the tally: how often provisional answers went on and off before their final one."""

_IDLE: Final = int(EventState.IDLE)
_CANDIDATE: Final = int(EventState.CANDIDATE)
_OPENED: Final = int(EventState.OPENED)
_CONFIRMED: Final = int(EventState.CONFIRMED)
_RESOLVED: Final = int(EventState.RESOLVED)
_FADED: Final = int(EventState.FADED)
_INVALIDATED: Final = int(EventState.INVALIDATED)
_EXPIRED: Final = int(EventState.EXPIRED)
_WITHDRAWN: Final = int(EventState.WITHDRAWN)

_POINT: Final = 0
_COOL_DOWN: Final = 1
_EXPIRES: Final = 2
_DWELL: Final = 3


@inlined
def _stage(staged, filled, life, row, number, state, before, ts_event, ts_knowable, quality):
    """Write one transition; the caller has made sure that there is room."""
    event = staged[filled]
    event.ts_event = ts_event
    event.ts_knowable = ts_knowable
    event.definition = number
    event.pair = row
    event.episode = life.episode
    event.transition = life.transition
    event.state = state
    event.previous_state = before
    event.quality = quality


@kernel(
    I8,
    array_of(LIFE, 2),
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
    lives, rules, wanted, may_fall, numbers, rows, start, answers, quality, step, staged, tally
):
    """Look at a session in progress: at most one candidate per definition, pair and session.

    Most answers are false and were false at the last look. They change nothing, and are passed over
    without reading the life, which is a cache line of its own.

    Args:
        lives: LIFE (definitions, pairs).
        rules: int32 (definitions, 4): point, cool-down, expires, dwell.
        wanted: bool (definitions, pairs).
        may_fall: bool (definitions, pairs): where `last_provisional` may be true; it may be wrong only
            where it says so. Kept up to date.
        numbers: int32 (d,): definitions.
        rows: int32 (n,): pairs, one at least.
        start: Position among the d·n to go on from.
        answers: int8 (questions, definitions, pairs).
        quality: uint8 (definitions, pairs).
        step: int64 (6,): episode, session, event time and knowable time in ns, closing, counted. Of a
            session in progress only episode and event time are looked at.
        staged: EVENT (most,), filled from the front; the pass ends early where it is full.
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
            life = lives[number, row]
            if life.state == _IDLE and life.cool_down <= 0:
                if enter == 1 and life.held + 1 < rules[number, _DWELL]:
                    enter = 0
                if enter != life.last_provisional:
                    if life.last_provisional != 0 or enter == 1:
                        life.flips += 1
                    life.last_provisional = enter
                if enter == 1 and life.candidate == 0:
                    life.candidate = 1
                    life.first_true_ns = ts_event
                    life.episode = episode
                    life.transition = 0
                    _stage(
                        staged, filled, life, row, number, _CANDIDATE, _IDLE, ts_event, ts_event,
                        quality[number, row],
                    )  # fmt: skip
                    tally[number, _CANDIDATE] += 1
                    filled += 1
            falls[row] = life.last_provisional != 0
        if index == len(rows):
            place, index = place + 1, 0
    return place * len(rows) + index | (filled << 32)


@inlined
def _open(life, session):
    """Record an opening."""
    life.state = _OPENED
    life.transition = 1
    life.steps_open = 0
    life.openings += 1
    life.previous_opened = life.last_opened
    life.last_opened = session
    life.opened_now = 1


@inlined
def _next(life, answers, number, row, expires, closing):
    """What becomes of an open episode at this step, 0 when it goes on as it is."""
    unconfirmed = life.state == _OPENED
    if unconfirmed and answers[FADE, number, row] == 1:
        return _FADED
    if answers[LEAVE, number, row] == 1:
        return _RESOLVED
    if answers[INVALID, number, row] == 1:
        return _INVALIDATED
    if closing or (expires > 0 and life.steps_open >= expires):
        return _EXPIRED
    if unconfirmed and answers[CONFIRM, number, row] == 1:
        return _CONFIRMED
    return 0


@kernel(
    I8,
    array_of(LIFE, 2),
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
    lives, levels, rules, wanted, numbers, rows, start, answers, level, quality, step, staged, tally, emit
):
    """Decide a step for good: open, confirm, end, expire, withdraw.

    Args:
        lives: As for `provisional_pass`, and the rest that is named alike.
        levels: float64 (definitions, pairs): what an opening was measured against.
        rules: See there.
        wanted: See there.
        numbers: See there.
        rows: See there.
        start: See there.
        answers: See there.
        level: float64 (definitions, pairs): what an opening now would be measured against.
        quality: See there.
        step: See there.
        staged: See there.
        tally: See there.
        emit: False while history is replayed: lives move, nothing is staged.

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
        life = lives[number, row]
        point, cool_down = rules[number, _POINT] != 0, rules[number, _COOL_DOWN]
        enter = answers[ENTER, number, row]
        state = 0
        before = life.state
        life.opened_now = 0
        if not closing:  # The closing minute has been looked at once already.
            life.held = life.held + 1 if enter == 1 else 0
        if life.state == _OPENED or life.state == _CONFIRMED:
            life.steps_open += 1
            state = _next(life, answers, number, row, rules[number, _EXPIRES], closing)
            if state == _CONFIRMED:
                life.transition += 1
                life.state = _CONFIRMED
                tally[number, STEPS_TO_CONFIRM] += counted * life.steps_open
            elif state != 0:
                life.transition += 1
                life.state = _IDLE
                life.cool_down = cool_down
        elif life.cool_down > 0:
            if not closing:
                life.cool_down -= 1
        elif enter == 1 and not closing and life.held >= rules[number, _DWELL]:
            before = _CANDIDATE if life.candidate else _IDLE
            life.episode = episode
            _open(life, session)
            levels[number, row] = level[number, row]
            state = _OPENED
        if life.candidate == 1 and state != _OPENED:
            state = _WITHDRAWN
            before = _CANDIDATE
            life.transition = 1
        tally[number, FLIPS] += counted * life.flips
        life.candidate = 0
        life.flips = 0
        life.last_provisional = 0
        if state != 0 and emit:
            _stage(
                staged, filled, life, row, number, state, before, ts_event, ts_knowable,
                quality[number, row],
            )  # fmt: skip
            tally[number, state] += counted
            filled += 1
        if state == _OPENED and point:
            life.state = _IDLE
            life.cool_down = cool_down
    return place * len(rows) + index | (filled << 32)
