"""Evaluates all rules of a frequency in one pass over the matrix of values.

Contiguous pairs are evaluated by `core.definitions.rule_rows`, all others by the kernel here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numba import types
from numpy.typing import NDArray

from core.definitions.answers import CONFIRM, ENTER, EXTEND, FADE, INVALID, LEAVE, Answers
from core.definitions.comparison import rounded, usable, worse
from core.definitions.rule_entry import RuleText
from core.definitions.rule_rows import ROWS_AT_ONCE, pass_over_rows
from core.definitions.rule_table import (
    ABOVE,
    AT_LEAST,
    AT_MOST,
    BELOW,
    DEFINITION,
    DIRECTION,
    EQUAL,
    FIRST_CONFIRM,
    FIRST_ENTER,
    FIRST_EXTEND,
    FIRST_FADE,
    FIRST_LEAVE,
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
    RuleTable,
)
from core.kernels.jit import BOOL, F8, I1, I4, U1, array_of, inlined, kernel

FEWEST_ROWS: Final = 3
"""Fewer pairs than this are faster to evaluate one at a time."""


@inlined
def _compare(operator, value, target):
    if operator == AT_LEAST:
        return value >= target
    if operator == AT_MOST:
        return value <= target
    if operator == ABOVE:
        return value > target
    if operator == BELOW:
        return value < target
    if operator == EQUAL:
        return value == target
    if operator == UNEQUAL:
        return value != target
    return (np.int64(value) & np.int64(target)) != 0


@inlined
def _beyond_pct(value, mark):
    """Distance of two values in percent of the second, so that the same rounding suits ratios and prices."""
    if mark == 0.0:
        return rounded(value)
    return rounded(100.0 * (value - mark) / abs(mark))


@inlined
def _atom_holds(values, quality, atoms, factors, number, row):
    """1, 0, or -1 if a value is unknown."""
    left, right, operator = atoms[number, LEFT], atoms[number, RIGHT], atoms[number, OPERATOR]
    if atoms[number, FORM] == QUALITY:
        return 1 if _compare(operator, float(quality[left, row]), factors[number]) else 0
    if not usable(quality[left, row]):
        return -1
    value = values[left, row]
    if atoms[number, FORM] == SIZE:
        value = abs(value)
    if right < 0:
        return 1 if _compare(operator, rounded(value), factors[number]) else 0
    if not usable(quality[right, row]):
        return -1
    gap_pct = _beyond_pct(value, factors[number] * values[right, row])
    return 1 if _compare(operator, gap_pct, 0.0) else 0


@inlined
def _holds(values, quality, atoms, factors, first, last, row):
    """1 if every clause has an atom that holds, 0 if one has none, -1 if any value is unknown."""
    whole, clause = 1, 0
    for number in range(first, last):
        answer = _atom_holds(values, quality, atoms, factors, number, row)
        if answer < 0:
            return -1
        clause = max(clause, answer)
        if atoms[number, LAST] == 1:
            whole = min(whole, clause)
            clause = 0
    return whole


@inlined
def _reason(quality, atoms, first, last, row):
    """Combined quality of all inputs of an opening."""
    reason = np.uint8(0)
    for number in range(first, last):
        reason = worse(reason, quality[atoms[number, LEFT], row])
        if atoms[number, RIGHT] >= 0:
            reason = worse(reason, quality[atoms[number, RIGHT], row])
    return reason


@kernel(
    types.void,
    array_of(F8, 2),
    array_of(U1, 2),
    array_of(I4),
    array_of(I4, 2),
    array_of(F8),
    array_of(I4, 2),
    array_of(F8),
    array_of(F8, 2),
    array_of(I1, 3),
    array_of(F8, 2),
    array_of(U1, 2),
    BOOL,
)
def pass_over_cells(
    values, quality, rows, atoms, factors, rules, distances, levels, results, level, reasons, provisional
):
    """Evaluate every rule for some pairs, one pair at a time.

    Args:
        values: As for `core.definitions.rule_rows.pass_over_rows`, like all other arguments of the same name.
        quality: See there.
        rows: int32 (n,): the pairs, not necessarily contiguous.
        atoms: See there.
        factors: See there.
        rules: See there.
        distances: See there.
        levels: See there.
        results: See there.
        level: See there.
        reasons: See there.
        provisional: See there.
    """
    for index in range(len(rules)):
        rule = rules[index]
        number, first, last = rule[DEFINITION], rule[FIRST_ENTER], rule[FIRST_ENTER + 1]
        level_key = rule[LEVEL_KEY]
        for row in rows:
            enter = _holds(values, quality, atoms, factors, first, last, row)
            reason = _reason(quality, atoms, first, last, row)
            if level_key >= 0:
                reason = worse(reason, quality[level_key, row])
                if not usable(quality[level_key, row]):
                    enter = -1
            results[ENTER, number, row] = enter
            reasons[number, row] = reason
            if provisional:
                continue
            leave, invalid, confirm, fade, extend = 0, 0, 0, 0, 0
            if rule[LEAVES_WHEN_FALSE] == 1:
                leave = 1 - enter if enter >= 0 else -1
            elif rule[FIRST_LEAVE] < rule[FIRST_LEAVE + 1]:
                leave = _holds(values, quality, atoms, factors, rule[FIRST_LEAVE], rule[FIRST_LEAVE + 1], row)
            if rule[FIRST_CONFIRM] < rule[FIRST_CONFIRM + 1]:
                confirm = _holds(
                    values, quality, atoms, factors, rule[FIRST_CONFIRM], rule[FIRST_CONFIRM + 1], row
                )
            if rule[FIRST_FADE] < rule[FIRST_FADE + 1]:
                fade = _holds(values, quality, atoms, factors, rule[FIRST_FADE], rule[FIRST_FADE + 1], row)
            if rule[FIRST_EXTEND] < rule[FIRST_EXTEND + 1]:
                extend = _holds(
                    values, quality, atoms, factors, rule[FIRST_EXTEND], rule[FIRST_EXTEND + 1], row
                )
            level[number, row] = 0.0
            if level_key >= 0:
                value = values[level_key, row]
                direction = float(rule[DIRECTION])
                if not usable(quality[level_key, row]):
                    invalid = -1
                else:
                    level[number, row] = value * (1.0 - direction * distances[index] / 100.0)
                    mark = levels[number, row]
                    invalid = 1 if mark > 0.0 and direction * _beyond_pct(value, mark) < 0.0 else 0
            results[LEAVE, number, row] = leave
            results[INVALID, number, row] = invalid
            results[CONFIRM, number, row] = confirm
            results[FADE, number, row] = fade
            results[EXTEND, number, row] = extend


class RulePass:
    """The rules of one frequency.

    Args:
        rules: Number and rule of each definition.
        row_of: Key of an output → its row in the matrix of values.
        rows_at_once: Number of contiguous pairs evaluated together; does not affect results.
    """

    def __init__(
        self,
        rules: Sequence[tuple[int, RuleText]],
        row_of: Callable[[str], int],
        *,
        rows_at_once: int = ROWS_AT_ONCE,
    ) -> None:
        self._table = RuleTable(rules, row_of)
        self._figures: NDArray[np.float64] = np.zeros(rows_at_once)
        self._flags: NDArray[np.int8] = np.zeros((2, rows_at_once), np.int8)

    def ask(
        self,
        values: NDArray[np.float64],
        quality: NDArray[np.uint8],
        rows: NDArray[np.int32],
        levels: NDArray[np.float64],
        answers: Answers,
        *,
        provisional: bool,
    ) -> None:
        """Write the answers of every rule for `rows`.

        The pairs of a block are contiguous; those whose session ends at the same time may not be.

        Args:
            values: float64 (outputs, pairs).
            quality: uint8 (outputs, pairs).
            rows: int32 (n,), ascending.
            levels: float64 (definitions, pairs): invalidation levels of open episodes.
            answers: Written, for the definitions of the rules.
            provisional: Evaluate only whether an episode would open.
        """
        table, count = self._table, len(rows)
        if count >= FEWEST_ROWS and rows.item(-1) - rows.item(0) == count - 1:
            pass_over_rows(
                values,
                quality,
                rows.item(0),
                rows.item(-1) + 1,
                table.atoms,
                table.factors,
                table.rules,
                table.distances,
                levels,
                answers.results,
                answers.level,
                answers.quality,
                self._figures,
                self._flags,
                provisional,
            )
            return
        pass_over_cells(
            values,
            quality,
            rows,
            table.atoms,
            table.factors,
            table.rules,
            table.distances,
            levels,
            answers.results,
            answers.level,
            answers.quality,
            provisional,
        )
