"""Evaluates rules for contiguous pairs, one comparison at a time over all pairs.

`core.definitions.rule_pass` evaluates one pair at a time, with branches that differ between pairs. Here each
comparison is made for every pair before the next comparison. The loops have no branches, so the compiler
vectorises them. Both give identical results.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import types

from core.definitions.answers import CONFIRM, ENTER, EXTEND, FADE, INVALID, LEAVE
from core.definitions.comparison import rounded, usable, worse
from core.definitions.rule_table import (
    ABOVE,
    AT_LEAST,
    AT_MOST,
    BELOW,
    DEFINITION,
    DIRECTION,
    EQUAL,
    FIRST_ENTER,
    FORM,
    LAST,
    LEAVES_WHEN_FALSE,
    LEFT,
    LEVEL_KEY,
    OPERATOR,
    QUALITY,
    RIGHT,
    SIZE,
    UNEQUAL,
)
from core.kernels.jit import BOOL, F8, I1, I4, I8, U1, array_of, inlined, kernel

ROWS_AT_ONCE: Final = 512
"""Pairs evaluated together: few enough that values shared by rules stay in the cache."""

_QUESTIONS: Final = (ENTER, LEAVE, CONFIRM, FADE, EXTEND)
"""Questions with a condition, in the order of a rule's columns."""
_PLACE_OF_LEAVE: Final = _QUESTIONS.index(LEAVE)


@inlined
def _beyond_pct(value, mark):
    """As in `core.definitions.rule_pass`, but with a selection instead of a branch."""
    zero = mark == 0.0
    distance = 100.0 * (value - mark) / (1.0 if zero else abs(mark))
    return rounded(value if zero else distance)


@inlined
def _note_unknown(unknown, quality):
    for k in range(len(unknown)):
        unknown[k] |= not usable(quality[k])


@inlined
def _worsen(reason, quality):
    for k in range(len(reason)):
        reason[k] = worse(reason[k], quality[k])


@inlined
def _compare(operator, figures, target, clause):
    """Compare the figures of all pairs with the target, and OR the result into the clause."""
    if operator == AT_LEAST:
        for k in range(len(clause)):
            clause[k] |= figures[k] >= target
    elif operator == AT_MOST:
        for k in range(len(clause)):
            clause[k] |= figures[k] <= target
    elif operator == ABOVE:
        for k in range(len(clause)):
            clause[k] |= figures[k] > target
    elif operator == BELOW:
        for k in range(len(clause)):
            clause[k] |= figures[k] < target
    elif operator == EQUAL:
        for k in range(len(clause)):
            clause[k] |= figures[k] == target
    elif operator == UNEQUAL:
        for k in range(len(clause)):
            clause[k] |= figures[k] != target
    else:
        bits = np.int64(target)
        for k in range(len(clause)):
            if figures[k] == figures[k]:  # NaN has no integer
                clause[k] |= (np.int64(figures[k]) & bits) != 0


@inlined
def _measure(values, quality, atom, factor, low, high, figures, unknown):
    """Write the left side of an atom and its unknown values, and return the target."""
    left, right, form = np.uint64(atom[LEFT]), atom[RIGHT], atom[FORM]
    value, value_quality = values[left, low:high], quality[left, low:high]
    if form == QUALITY:
        for k in range(len(figures)):
            figures[k] = float(value_quality[k])
        return factor
    _note_unknown(unknown, value_quality)
    if form == SIZE:
        for k in range(len(figures)):
            figures[k] = abs(value[k])
    else:
        for k in range(len(figures)):
            figures[k] = value[k]
    if right < 0:
        for k in range(len(figures)):
            figures[k] = rounded(figures[k])
        return factor
    _note_unknown(unknown, quality[np.uint64(right), low:high])
    other = values[np.uint64(right), low:high]
    for k in range(len(figures)):
        figures[k] = _beyond_pct(figures[k], factor * other[k])
    return 0.0


@inlined
def _hold(values, quality, atoms, factors, first, last, low, high, answer, figures, clause, unknown):
    """Evaluate one condition: 1, 0, or -1 if any value is unknown or `unknown` was already set."""
    for k in range(len(answer)):
        answer[k] = 1
        clause[k] = 0
    for number in range(first, last):
        atom = atoms[number]
        target = _measure(values, quality, atom, factors[number], low, high, figures, unknown)
        _compare(atom[OPERATOR], figures, target, clause)
        if atom[LAST] == 1:
            for k in range(len(answer)):
                answer[k] &= clause[k]
                clause[k] = 0
    for k in range(len(answer)):
        answer[k] = -1 if unknown[k] else answer[k]


@inlined
def _judge_level(value, quality, direction, distance_pct, mark, level, invalid):
    """Write the level that an opening now would set, and whether the current level is crossed."""
    factor = 1.0 - direction * distance_pct / 100.0
    for k in range(len(value)):
        known = usable(quality[k])
        level[k] = value[k] * factor if known else 0.0
        broken = (mark[k] > 0.0) & (direction * _beyond_pct(value[k], mark[k]) < 0.0)
        invalid[k] = broken if known else -1


@kernel(
    types.void,
    array_of(F8, 2),
    array_of(U1, 2),
    I8,
    I8,
    array_of(I4, 2),
    array_of(F8),
    array_of(I4, 2),
    array_of(F8),
    array_of(F8, 2),
    array_of(I1, 3),
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(F8),
    array_of(I1, 2),
    BOOL,
)
def pass_over_rows(
    values,
    quality,
    begin,
    end,
    atoms,
    factors,
    rules,
    distances,
    levels,
    results,
    level,
    reasons,
    figure_buffer,
    flag_buffer,
    provisional,
):
    """Evaluate every rule for the pairs from `begin` up to but excluding `end`.

    Args:
        values: float64 (outputs, pairs).
        quality: uint8 (outputs, pairs).
        begin: First pair.
        end: The pair after the last one.
        atoms: From `RuleTable`, like the next three.
        factors: See there.
        rules: See there.
        distances: See there.
        levels: float64 (definitions, pairs): invalidation levels of open episodes.
        results: Written; see `Answers`, also for the next two.
        level: Written.
        reasons: Written.
        figure_buffer: float64 (n,): scratch; n pairs are evaluated at once.
        flag_buffer: int8 (2, n): scratch.
        provisional: Evaluate only whether an episode would open.
    """
    high = begin
    while high < end:
        low, high = high, min(end, high + len(figure_buffer))
        figures = figure_buffer[: high - low]
        clause, unknown = flag_buffer[0, : high - low], flag_buffer[1, : high - low]
        for index in range(len(rules)):
            rule = rules[index]
            number, level_key = np.uint64(rule[DEFINITION]), rule[LEVEL_KEY]
            enter, reason = results[ENTER, number, low:high], reasons[number, low:high]
            for k in range(len(reason)):
                reason[k] = 0
            for atom in atoms[rule[FIRST_ENTER] : rule[FIRST_ENTER + 1]]:
                _worsen(reason, quality[np.uint64(atom[LEFT]), low:high])
                if atom[RIGHT] >= 0:
                    _worsen(reason, quality[np.uint64(atom[RIGHT]), low:high])
            for place in range(1 if provisional else len(_QUESTIONS)):
                answer = results[_QUESTIONS[place], number, low:high]
                first, last = rule[FIRST_ENTER + 2 * place], rule[FIRST_ENTER + 2 * place + 1]
                if place == _PLACE_OF_LEAVE and rule[LEAVES_WHEN_FALSE] == 1:
                    for k in range(len(answer)):
                        answer[k] = 1 - enter[k] if enter[k] >= 0 else -1
                    continue
                if place > 0 and first == last:
                    for k in range(len(answer)):
                        answer[k] = 0
                    continue
                for k in range(len(unknown)):
                    unknown[k] = 0
                if place == 0 and level_key >= 0:
                    _worsen(reason, quality[np.uint64(level_key), low:high])
                    _note_unknown(unknown, quality[np.uint64(level_key), low:high])
                _hold(
                    values, quality, atoms, factors, first, last, low, high, answer, figures, clause, unknown
                )
            if provisional:
                continue
            invalid, fixed = results[INVALID, number, low:high], level[number, low:high]
            if level_key >= 0:
                _judge_level(
                    values[np.uint64(level_key), low:high],
                    quality[np.uint64(level_key), low:high],
                    float(rule[DIRECTION]),
                    distances[index],
                    levels[number, low:high],
                    fixed,
                    invalid,
                )
            else:
                for k in range(len(invalid)):
                    invalid[k] = 0
                    fixed[k] = 0.0
