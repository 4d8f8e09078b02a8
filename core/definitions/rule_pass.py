"""All rules of a frequency, asked in one pass over one matrix of values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.definitions.answers import CONFIRM, ENTER, FADE, INVALID, LEAVE, Answers
from core.definitions.rule_entry import RuleText
from core.definitions.rules import Condition, Operator
from core.detectors.base import rounded, usable, worse
from core.kernels.jit import BOOL, F8, I1, I4, I8, U1, array_of, inlined, kernel

# Columns of an atom.
_LEFT: Final = 0
_RIGHT: Final = 1  # -1: the factor is the number
_OPERATOR: Final = 2
_FORM: Final = 3
_LAST: Final = 4  # the last alternative of its clause

_VALUE: Final = 0
_SIZE: Final = 1
_QUALITY: Final = 2
_FORMS: Final = ("", "abs", "quality")

# Columns of a rule: its definition, the first and last atom of each condition, its level.
_DEFINITION: Final = 0
_FIRST_ENTER: Final = 1
_FIRST_LEAVE: Final = 3
_FIRST_CONFIRM: Final = 5
_FIRST_FADE: Final = 7
_LEAVES_WHEN_FALSE: Final = 9
_LEVEL_KEY: Final = 10  # -1: none
_DIRECTION: Final = 11
_RULE_COLUMNS: Final = 12

_ENTER: Final = ENTER
_LEAVE: Final = LEAVE
_INVALID: Final = INVALID
_CONFIRM: Final = CONFIRM
_FADE: Final = FADE

_AT_LEAST: Final = int(Operator.AT_LEAST)
_AT_MOST: Final = int(Operator.AT_MOST)
_ABOVE: Final = int(Operator.ABOVE)
_BELOW: Final = int(Operator.BELOW)
_EQUAL: Final = int(Operator.EQUAL)
_UNEQUAL: Final = int(Operator.UNEQUAL)


@inlined
def _compare(operator, value, target):  # type: ignore[no-untyped-def]
    if operator == _AT_LEAST:
        return value >= target
    if operator == _AT_MOST:
        return value <= target
    if operator == _ABOVE:
        return value > target
    if operator == _BELOW:
        return value < target
    if operator == _EQUAL:
        return value == target
    if operator == _UNEQUAL:
        return value != target
    return (np.int64(value) & np.int64(target)) != 0


@inlined
def _beyond_pct(value, mark):  # type: ignore[no-untyped-def]
    """Distance of two values in percent of the second, so that one rounding fits a ratio and a price."""
    if mark == 0.0:
        return rounded(value)
    return rounded(100.0 * (value - mark) / abs(mark))


@inlined
def _atom_holds(values, quality, atoms, factors, number, row):  # type: ignore[no-untyped-def]
    """1, 0, or -1 where a value is not known."""
    left, right, operator = atoms[number, _LEFT], atoms[number, _RIGHT], atoms[number, _OPERATOR]
    if atoms[number, _FORM] == _QUALITY:
        return 1 if _compare(operator, float(quality[left, row]), factors[number]) else 0
    if not usable(quality[left, row]):
        return -1
    value = values[left, row]
    if atoms[number, _FORM] == _SIZE:
        value = abs(value)
    if right < 0:
        return 1 if _compare(operator, rounded(value), factors[number]) else 0
    if not usable(quality[right, row]):
        return -1
    gap_pct = _beyond_pct(value, factors[number] * values[right, row])
    return 1 if _compare(operator, gap_pct, 0.0) else 0


@inlined
def _holds(values, quality, atoms, factors, first, last, row):  # type: ignore[no-untyped-def]
    """1 where every clause has an atom that holds, 0 where one has none, -1 where anything is unknown."""
    whole, clause = 1, 0
    for number in range(first, last):
        answer = _atom_holds(values, quality, atoms, factors, number, row)
        if answer < 0:
            return -1
        clause = max(clause, answer)
        if atoms[number, _LAST] == 1:
            whole = min(whole, clause)
            clause = 0
    return whole


@inlined
def _reason(quality, atoms, first, last, row):  # type: ignore[no-untyped-def]
    """The quality of everything that an opening rests on."""
    reason = np.uint8(0)
    for number in range(first, last):
        reason = worse(reason, quality[atoms[number, _LEFT], row])
        if atoms[number, _RIGHT] >= 0:
            reason = worse(reason, quality[atoms[number, _RIGHT], row])
    return reason


@kernel(
    I8,
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
def _pass(  # type: ignore[no-untyped-def]
    values, quality, rows, atoms, factors, rules, distances, levels, said, level, reasons, provisional
):
    true = 0
    for index in range(len(rules)):
        rule = rules[index]
        number, first, last = rule[_DEFINITION], rule[_FIRST_ENTER], rule[_FIRST_ENTER + 1]
        level_key = rule[_LEVEL_KEY]
        for row in rows:
            enter = _holds(values, quality, atoms, factors, first, last, row)
            reason = _reason(quality, atoms, first, last, row)
            if level_key >= 0:
                reason = worse(reason, quality[level_key, row])
                if not usable(quality[level_key, row]):
                    enter = -1
            said[_ENTER, number, row] = enter
            reasons[number, row] = reason
            true += enter == 1
            if provisional:
                continue
            leave, invalid, confirm, fade = 0, 0, 0, 0
            if rule[_LEAVES_WHEN_FALSE] == 1:
                leave = 1 - enter if enter >= 0 else -1
            elif rule[_FIRST_LEAVE] < rule[_FIRST_LEAVE + 1]:
                leave = _holds(
                    values, quality, atoms, factors, rule[_FIRST_LEAVE], rule[_FIRST_LEAVE + 1], row
                )
            if rule[_FIRST_CONFIRM] < rule[_FIRST_CONFIRM + 1]:
                confirm = _holds(
                    values, quality, atoms, factors, rule[_FIRST_CONFIRM], rule[_FIRST_CONFIRM + 1], row
                )
            if rule[_FIRST_FADE] < rule[_FIRST_FADE + 1]:
                fade = _holds(values, quality, atoms, factors, rule[_FIRST_FADE], rule[_FIRST_FADE + 1], row)
            level[number, row] = 0.0
            if level_key >= 0:
                value = values[level_key, row]
                direction = float(rule[_DIRECTION])
                if not usable(quality[level_key, row]):
                    invalid = -1
                else:
                    level[number, row] = value * (1.0 - direction * distances[index] / 100.0)
                    mark = levels[number, row]
                    invalid = 1 if mark > 0.0 and direction * _beyond_pct(value, mark) < 0.0 else 0
            said[_LEAVE, number, row] = leave
            said[_INVALID, number, row] = invalid
            said[_CONFIRM, number, row] = confirm
            said[_FADE, number, row] = fade
    return true


class RulePass:
    """The rules of one frequency, as tables of numbers.

    Args:
        rules: Number of the definition, and what it says.
        row_of: Key of an output → its row in the matrix of values.
    """

    def __init__(self, rules: Sequence[tuple[int, RuleText]], row_of: Callable[[str], int]) -> None:
        self._row_of = row_of
        atoms: list[list[int]] = []
        factors: list[float] = []
        table: NDArray[np.int32] = np.zeros((len(rules), _RULE_COLUMNS), np.int32)
        self._distances: NDArray[np.float64] = np.zeros(len(rules))
        for place, (number, rule) in enumerate(rules):
            row = table[place]
            row[_DEFINITION] = number
            conditions = (rule.enter, rule.leave, rule.confirm, rule.fade)
            firsts = (_FIRST_ENTER, _FIRST_LEAVE, _FIRST_CONFIRM, _FIRST_FADE)
            for first, condition in zip(firsts, conditions, strict=True):
                row[first] = len(atoms)
                self._add(condition, atoms, factors)
                row[first + 1] = len(atoms)
            row[_LEAVES_WHEN_FALSE] = rule.leave is None
            row[_LEVEL_KEY] = -1
            if rule.invalidation is not None:
                row[_LEVEL_KEY] = row_of(rule.invalidation.key)
                row[_DIRECTION] = int(rule.invalidation.direction)
                self._distances[place] = rule.invalidation.distance_pct
        self._atoms: NDArray[np.int32] = np.array(atoms, np.int32).reshape(len(atoms), 5)
        self._factors: NDArray[np.float64] = np.array(factors, np.float64)
        self._rules = table

    def _add(self, condition: Condition | None, atoms: list[list[int]], factors: list[float]) -> None:
        for clause in condition or ():
            for place, atom in enumerate(clause, start=1):
                right = -1 if atom.right is None else self._row_of(atom.right)
                form = _FORMS.index(atom.form)
                atoms.append(
                    [self._row_of(atom.left), right, int(atom.operator), form, int(place == len(clause))]
                )
                factors.append(atom.factor)

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

        Args:
            values: float64 (outputs, pairs).
            quality: uint8 (outputs, pairs).
            rows: int32 (n,).
            levels: float64 (definitions, pairs): invalidation levels of open episodes.
            answers: Written, for the rules' own definitions.
            provisional: Only whether an episode would open is asked.
        """
        _pass(
            values,
            quality,
            rows,
            self._atoms,
            self._factors,
            self._rules,
            self._distances,
            levels,
            answers.said,
            answers.level,
            answers.quality,
            provisional,
        )
