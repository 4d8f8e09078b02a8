"""Records the engine's values session by session, for claims and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.definitions.rules import Atom, Condition, Operator
from core.engine.evaluation import PairEvaluator
from core.kernels.codes import USABLE
from core.model.records import Frequency
from core.model.sessions import day_to_date


@dataclass(frozen=True, slots=True)
class PairHistory:
    """One pair's values on all sessions on which both legs had a close.

    Args:
        sessions: int64 (n,): days since 1970-01-01, ascending.
        values: Key → float64 (n,), NaN if unknown.
        quality: Key → uint8 (n,): `Quality` codes, the reason why a value is unknown.
    """

    sessions: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]
    quality: Mapping[str, NDArray[np.uint8]]

    def row_of(self, session: int) -> int | None:
        """Return the row of a session, or None."""
        row = int(np.searchsorted(self.sessions, session))
        return row if row < len(self.sessions) and self.sessions[row] == session else None

    def known(self, condition: Condition) -> NDArray[np.bool_]:
        """Return the sessions on which a condition can be decided, bool (n,)."""
        return self._decide(condition)[0]

    def holds(self, condition: Condition) -> NDArray[np.bool_]:
        """Return the sessions on which a condition holds, bool (n,)."""
        return self._decide(condition)[1]

    def _decide(self, condition: Condition) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        # Three-valued logic as in the engine: true or unknown is true; a remaining unknown makes the list
        # unknown.
        known = np.ones(len(self.sessions), np.bool_)
        holds = np.ones(len(self.sessions), np.bool_)
        for clause in condition:
            parts = [self._compare(atom) for atom in clause]
            true = np.any([decided & holds for decided, holds in parts], axis=0)
            known &= true | np.all([decided for decided, _ in parts], axis=0)
            holds &= true
        return known, holds & known

    def _compare(self, atom: Atom) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        quality = self.quality[atom.left]
        if atom.form == "quality":
            return np.ones(len(quality), np.bool_), _held(quality, atom.operator, np.float64(atom.factor))
        left = self.values[atom.left]
        known = np.isin(quality, USABLE)
        right = np.full(len(left), atom.factor)
        if atom.right is not None:
            known = known & np.isin(self.quality[atom.right], USABLE)
            right = self.values[atom.right] * atom.factor
        return known, _held(_rounded(np.abs(left) if atom.form else left), atom.operator, _rounded(right))


def _held(
    left: NDArray[np.float64] | NDArray[np.uint8], operator: Operator, right: NDArray[np.float64] | np.float64
) -> NDArray[np.bool_]:
    match operator:
        case Operator.AT_LEAST:
            return np.asarray(left >= right)
        case Operator.AT_MOST:
            return np.asarray(left <= right)
        case Operator.ABOVE:
            return np.asarray(left > right)
        case Operator.BELOW:
            return np.asarray(left < right)
        case Operator.EQUAL:
            return np.asarray(left == right)
        case Operator.UNEQUAL:
            return np.asarray(left != right)
        case Operator.HAS:
            bits = np.nan_to_num(left).astype(np.int64) & np.nan_to_num(right).astype(np.int64)
            return np.asarray(bits != 0)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # As thresholds of the engine see a value (core/definitions/comparison.py).
    return np.floor(values * 1e10 + 0.5) / 1e10


class ValueHistory:
    """Records values while the engine processes history.

    Args:
        keys: Output keys.
        pairs: Names of the engine's pairs, in its order.
        sessions: Maximum number of sessions.
    """

    def __init__(self, keys: Sequence[str], pairs: Sequence[str], sessions: int) -> None:
        self._keys = list(keys)
        self._pairs = list(pairs)
        self._values: NDArray[np.float64] = np.full((len(keys), sessions, len(pairs)), np.nan)
        self._quality: NDArray[np.uint8] = np.zeros((len(keys), sessions, len(pairs)), np.uint8)
        self._moved: NDArray[np.bool_] = np.zeros((sessions, len(pairs)), np.bool_)
        self._sessions: NDArray[np.int64] = np.zeros(sessions, np.int64)
        self._as_of: NDArray[np.int64] = np.zeros(len(pairs), np.int64)
        self._count = 0

    def record(self, evaluator: PairEvaluator, session: int) -> None:
        """Record the values after a session.

        Args:
            evaluator: Evaluator of the engine, at the end of the session.
            session: Days since 1970-01-01.
        """
        row = self._count
        as_of = evaluator.as_of_ns[Frequency.DAY]
        self._moved[row] = as_of != self._as_of
        self._as_of[:] = as_of
        self._sessions[row] = session
        for number, key in enumerate(self._keys):
            values, quality = evaluator.columns[key]
            self._values[number, row] = values
            self._quality[number, row] = quality
        self._count += 1

    def of(self, pair: str) -> PairHistory:
        """Return one pair's values."""
        column = self._pairs.index(pair)
        rows = np.flatnonzero(self._moved[: self._count, column])
        return PairHistory(
            self._sessions[rows],
            {key: self._values[number, rows, column] for number, key in enumerate(self._keys)},
            {key: self._quality[number, rows, column] for number, key in enumerate(self._keys)},
        )


def period_ends(sessions: NDArray[np.int64], every: str) -> NDArray[np.bool_]:
    """Mark the last session of every completed period.

    Args:
        sessions: int64 (n,), ascending: days since 1970-01-01.
        every: "session", "week", "month" or "year".

    Returns:
        bool (n,). A period is complete once a session of a later one exists, so the last period of the data
        never counts.

    Example:
        >>> period_ends(np.array([19909, 19912, 19913]), "week").tolist()
        [True, False, False]
    """
    if every == "session":
        return np.ones(len(sessions), np.bool_)
    if every == "week":
        periods = (sessions + 3) // 7  # 1970-01-01 was a Thursday.
    else:
        days = [day_to_date(session) for session in sessions.tolist()]
        months = [12 * day.year + day.month - 1 if every == "month" else day.year for day in days]
        periods = np.array(months, np.int64)
    return np.append(periods[1:] != periods[:-1], False)[: len(sessions)]
