"""The rules of one frequency as numeric tables, the input of both kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.definitions.rule_entry import RuleText
from core.definitions.rules import Condition, Operator

# Columns of an atom.
LEFT: Final = 0
RIGHT: Final = 1  # -1: the factor is the number
OPERATOR: Final = 2
FORM: Final = 3
LAST: Final = 4  # the last alternative of its clause
_ATOM_COLUMNS: Final = 5

VALUE: Final = 0
SIZE: Final = 1
QUALITY: Final = 2
_FORMS: Final = ("", "abs", "quality")

# Comparisons of an atom; any other operator tests a bit.
AT_LEAST: Final = int(Operator.AT_LEAST)
AT_MOST: Final = int(Operator.AT_MOST)
ABOVE: Final = int(Operator.ABOVE)
BELOW: Final = int(Operator.BELOW)
EQUAL: Final = int(Operator.EQUAL)
UNEQUAL: Final = int(Operator.UNEQUAL)

# Columns of a rule: its definition, the first and last atom of each condition, its level.
DEFINITION: Final = 0
FIRST_ENTER: Final = 1
FIRST_LEAVE: Final = 3
FIRST_CONFIRM: Final = 5
FIRST_FADE: Final = 7
FIRST_EXTEND: Final = 9
LEAVES_WHEN_FALSE: Final = 11
LEVEL_KEY: Final = 12  # -1: none
DIRECTION: Final = 13
_RULE_COLUMNS: Final = 14


class RuleTable:
    """Rules as arrays for the kernels.

    Args:
        rules: Number and rule of each definition.
        row_of: Key of an output → its row in the matrix of values.
    """

    def __init__(self, rules: Sequence[tuple[int, RuleText]], row_of: Callable[[str], int]) -> None:
        self._row_of = row_of
        atoms: list[list[int]] = []
        factors: list[float] = []
        self.rules: NDArray[np.int32] = np.zeros((len(rules), _RULE_COLUMNS), np.int32)
        self.distances: NDArray[np.float64] = np.zeros(len(rules))
        """Distance of each rule's invalidation level in percent, 0 if it has none."""
        for place, (number, rule) in enumerate(rules):
            row = self.rules[place]
            row[DEFINITION] = number
            conditions = (rule.enter, rule.leave, rule.confirm, rule.fade, rule.extend)
            firsts = (FIRST_ENTER, FIRST_LEAVE, FIRST_CONFIRM, FIRST_FADE, FIRST_EXTEND)
            for first, condition in zip(firsts, conditions, strict=True):
                row[first] = len(atoms)
                self._add(condition, atoms, factors)
                row[first + 1] = len(atoms)
            row[LEAVES_WHEN_FALSE] = rule.leave is None
            row[LEVEL_KEY] = -1
            if rule.invalidation is not None:
                row[LEVEL_KEY] = row_of(rule.invalidation.key)
                row[DIRECTION] = int(rule.invalidation.direction)
                self.distances[place] = rule.invalidation.distance_pct
        self.atoms: NDArray[np.int32] = np.array(atoms, np.int32).reshape(len(atoms), _ATOM_COLUMNS)
        self.factors: NDArray[np.float64] = np.array(factors, np.float64)
        """The number of each atom, or the factor of its right side."""

    def _add(self, condition: Condition | None, atoms: list[list[int]], factors: list[float]) -> None:
        for clause in condition or ():
            for place, atom in enumerate(clause, start=1):
                right = -1 if atom.right is None else self._row_of(atom.right)
                form = _FORMS.index(atom.form)
                atoms.append(
                    [self._row_of(atom.left), right, int(atom.operator), form, int(place == len(clause))]
                )
                factors.append(atom.factor)
