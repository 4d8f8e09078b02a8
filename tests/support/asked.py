"""One detector asked about one pair, with its inputs by key."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.detectors import DETECTORS, allocate_verdict
from core.model.records import Frequency, Quality

ROW = np.zeros(1, np.int32)


class Answer(NamedTuple):
    """What the detector says: 1 yes, 0 no, -1 unknown."""

    enter: int
    leave: int
    invalid: int
    level: float
    quality: Quality


def asked(
    kind: str,
    *inputs: float,
    frequency: Frequency = Frequency.DAY,
    level: float = 0.0,
    **given: float,
) -> Answer:
    """Ask a detector.

    Args:
        kind: Which one.
        inputs: Values in the order of its `input_keys`; NaN stands for a stale one.
        frequency: Of the definition.
        level: Invalidation level of an open episode, 0 for none.
        given: Parameters other than the defaults.
    """
    detector = DETECTORS[kind]
    parameters = {p.name: float(given.get(p.name, p.default)) for p in detector.parameters}
    keys = detector.input_keys(frequency, parameters)
    columns = {
        key: (np.array([value]), np.array([Quality.STALE if np.isnan(value) else Quality.OK], np.uint8))
        for key, value in zip(keys, inputs, strict=True)
    }
    verdict = allocate_verdict(1)
    detector(frequency, parameters, columns.__getitem__).evaluate(ROW, np.array([level]), verdict)
    return Answer(
        int(verdict.enter[0]),
        int(verdict.leave[0]),
        int(verdict.invalid[0]),
        float(verdict.level[0]),
        Quality(int(verdict.quality[0])),
    )
