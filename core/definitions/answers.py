"""What the definitions say of every pair at one step: true, false or unknown, question by question."""

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
QUESTIONS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers of all definitions for all pairs.

    Args:
        said: int8 (questions, definitions, pairs): UNKNOWN, FALSE or TRUE.
        level: float64 (definitions, pairs): invalidation level that an opening now would fix.
        quality: uint8 (definitions, pairs): why `enter` is unknown, or how good what it rests on is.
    """

    said: NDArray[np.int8]
    level: NDArray[np.float64]
    quality: NDArray[np.uint8]


def allocate_answers(definitions: int, pairs: int) -> Answers:
    """Answers that say false to everything."""
    return Answers(
        said=np.zeros((QUESTIONS, definitions, pairs), np.int8),
        level=np.zeros((definitions, pairs)),
        quality=np.zeros((definitions, pairs), np.uint8),
    )
