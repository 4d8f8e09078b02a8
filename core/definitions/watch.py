"""Definitions at work: asked together, by frequency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.definitions.answers import ENTER, INVALID, LEAVE, Answers
from core.definitions.catalogue import Definition
from core.definitions.lifecycle import Rule
from core.definitions.rule_pass import RulePass
from core.definitions.rules import known_outputs
from core.detectors import DETECTORS, Detector, Verdict
from core.detectors.base import Column
from core.partition.world import PartitionWorld


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """One definition at work.

    Args:
        definition: What is watched for.
        version: Its version, computed once.
        rule: What the life cycle needs to know of it.
        detector: Its detector, None for a rule.
        wanted: bool (pairs,): the pairs it is for.
        payload: Name in an event's values and row of the output that goes there.
        dates: Those of the names whose value is a session, and is shown as a date.
        threshold: What its events say the values were held against.
    """

    definition: Definition
    version: str
    rule: Rule
    detector: Detector | None
    wanted: NDArray[np.bool_]
    payload: tuple[tuple[str, int], ...]
    dates: frozenset[str]
    threshold: dict[str, float]

    def level_factor(self, side: int, factor: float) -> float:
        """What a split of leg `side` by `factor` does to invalidation levels."""
        if self.detector is not None:
            return self.detector.level_factor(side, factor)
        rule = self.definition.rule
        if rule is None or rule.invalidation is None:
            return 1.0
        key = rule.invalidation.key
        if key == "ratio:1d":
            return factor if side == 0 else 1.0 / factor
        return factor if (key == "numerator_price") == (side == 0) else 1.0


def make_watch(
    number: int,
    definition: Definition,
    world: PartitionWorld,
    column: Callable[[str], Column],
    row_of: Callable[[str], int],
) -> Watch:
    """Put a definition to work.

    Args:
        number: Its row in the catalogue.
        definition: The definition.
        world: The partition's rows.
        column: Gives an output's values and qualities by key; raises CatalogueError.
        row_of: Gives an output's row in the matrix of values by key; raises CatalogueError.
    """
    pairs, outputs = set(definition.pairs), known_outputs()
    detector = None
    if definition.rule is None:
        kind = DETECTORS[definition.kind]
        detector = kind(definition.frequency, definition.parameters, column)
    return Watch(
        definition=definition,
        version=definition.version,
        rule=Rule(number, definition.point, definition.cool_down, definition.expires, definition.dwell),
        detector=detector,
        wanted=np.array([not pairs or pair.name in pairs for pair in world.pairs], np.bool_),
        payload=tuple((name, row_of(key)) for name, key in definition.payload.items()),
        dates=frozenset(name for name, key in definition.payload.items() if outputs[key][0].is_session),
        threshold=definition.threshold,
    )


class WatchGroup:
    """The definitions of some frequencies, asked together.

    Args:
        watches: In the catalogue's order.
        answers: Where their answers go.
        row_of: Gives an output's row in the matrix of values.
    """

    def __init__(self, watches: Sequence[Watch], answers: Answers, row_of: Callable[[str], int]) -> None:
        self.numbers: NDArray[np.int32] = np.array([watch.rule.number for watch in watches], np.int32)
        self._answers = answers
        self._asked = [
            (watch.detector, number, _verdict(answers, number), None if watch.wanted.all() else watch.wanted)
            for watch in watches
            if watch.detector is not None
            for number in (watch.rule.number,)
        ]
        rules = [
            (watch.rule.number, watch.definition.rule)
            for watch in watches
            if watch.definition.rule is not None
        ]
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
        """Write the answers of every definition for `rows`; as of `RulePass.ask`."""
        for detector, number, verdict, wanted in self._asked:
            among = rows if wanted is None else rows[wanted[rows]]
            detector.evaluate(among, levels[number], verdict)
        if self._rules is not None:
            self._rules.ask(values, quality, rows, levels, self._answers, provisional=provisional)


def _verdict(answers: Answers, number: int) -> Verdict:
    """A detector's share of the answers."""
    return Verdict(
        enter=answers.said[ENTER, number],
        leave=answers.said[LEAVE, number],
        invalid=answers.said[INVALID, number],
        level=answers.level[number],
        quality=answers.quality[number],
    )
