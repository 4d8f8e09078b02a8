"""Results of all definitions for every pair at one step: true, false or unknown for each question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

ENTER: Final = 0
LEAVE: Final = 1
INVALID: Final = 2
CONFIRM: Final = 3
FADE: Final = 4
EXTEND: Final = 5
QUESTIONS: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Results of all definitions for all pairs.

    Args:
        results: int8 (questions, definitions, pairs): UNKNOWN, FALSE or TRUE.
        level: float64 (definitions, pairs): invalidation level that an opening now would set.
        quality: uint8 (definitions, pairs): why `enter` is unknown, or the quality of its inputs.
    """

    results: NDArray[np.int8]
    level: NDArray[np.float64]
    quality: NDArray[np.uint8]


def allocate_answers(definitions: int, pairs: int) -> Answers:
    """Allocate answers that are all false."""
    return Answers(
        results=np.zeros((QUESTIONS, definitions, pairs), np.int8),
        level=np.zeros((definitions, pairs)),
        quality=np.zeros((definitions, pairs), np.uint8),
    )
