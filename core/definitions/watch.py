"""Active definitions, evaluated together by frequency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.definitions.answers import Answers
from core.definitions.definition import Definition
from core.definitions.lifecycle import Rule
from core.definitions.rule_pass import RulePass
from core.definitions.rules import known_outputs
from core.partition.world import PartitionWorld


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """One active definition.

    Args:
        definition: The definition.
        version: Its version, computed once.
        rule: Parameters of its life cycle.
        wanted: bool (pairs,): whether it applies to a pair.
        payload: Name in an event's values and row of the output shown.
        dates: Names whose value is a session and is shown as a date.
        threshold: Thresholds shown in its events.
    """

    definition: Definition
    version: str
    rule: Rule
    wanted: NDArray[np.bool_]
    payload: tuple[tuple[str, int], ...]
    dates: frozenset[str]
    threshold: dict[str, float]

    def level_factor(self, side: int, factor: float) -> float:
        """Factor of invalidation levels for a split of leg `side` by `factor`."""
        invalidation = self.definition.rule.invalidation
        return 1.0 if invalidation is None else invalidation.split_factor(side, factor)


def make_watch(
    number: int,
    definition: Definition,
    world: PartitionWorld,
    row_of: Callable[[str], int],
) -> Watch:
    """Activate a definition.

    Args:
        number: Its row in the catalogue.
        definition: The definition.
        world: The partition's rows.
        row_of: Returns an output's row in the matrix of values by key; raises CatalogueError.
    """
    pairs, outputs = set(definition.pairs), known_outputs()
    return Watch(
        definition=definition,
        version=definition.version,
        rule=Rule(
            number,
            definition.point,
            definition.cool_down,
            definition.expires,
            definition.rule.dwell,
            definition.rule.extend is not None,
        ),
        wanted=np.array([not pairs or pair.name in pairs for pair in world.pairs], np.bool_),
        payload=tuple((name, row_of(key)) for name, key in definition.payload.items()),
        dates=frozenset(name for name, key in definition.payload.items() if outputs[key][0].is_session),
        threshold=definition.threshold,
    )


class WatchGroup:
    """The definitions of some frequencies, evaluated together.

    Args:
        watches: In the catalogue's order.
        answers: Receives their answers.
        row_of: Returns an output's row in the matrix of values.
    """

    def __init__(self, watches: Sequence[Watch], answers: Answers, row_of: Callable[[str], int]) -> None:
        self.numbers: NDArray[np.int32] = np.array([watch.rule.number for watch in watches], np.int32)
        self._answers = answers
        rules = [(watch.rule.number, watch.definition.rule) for watch in watches]
        self._rules = RulePass(rules, row_of) if rules else None

    def ask(
        self,
        values: NDArray[np.float64],
        quality: NDArray[np.uint8],
        rows: NDArray[np.int32],
        levels: NDArray[np.float64],
        *,
        provisional: bool,
    ) -> None:
        """Write the answers of every definition for `rows`; see `RulePass.ask`."""
        if self._rules is not None:
            self._rules.ask(values, quality, rows, levels, self._answers, provisional=provisional)
