"""What a detector is: three questions about every pair, answered true, false or unknown.

`enter` opens an episode, `leave` ends it as resolved, `invalid` ends it as invalidated. A detector
keeps no state: the life cycle does, in one place for all definitions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from core.kernels.jit import inlined
from core.model.records import Frequency, Quality

UNKNOWN: Final = -1
FALSE: Final = 0
TRUE: Final = 1


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number a definition may set.

    Args:
        name: Its name, with its unit.
        default: What holds where the catalogue is silent.
        least: Smallest value allowed.
        most: Largest value allowed.
        help: What it does, for `rotascope check`.
        choices: The only values allowed; empty where every number from `least` to `most` is.
    """

    name: str
    default: float
    least: float
    most: float
    help: str
    choices: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Answers for every pair: `Detector.evaluate` writes all of them, for the rows it is asked for.

    Args:
        enter: int8 (pairs,): UNKNOWN, FALSE or TRUE.
        leave: int8 (pairs,).
        invalid: int8 (pairs,).
        level: float64 (pairs,): invalidation level that an opening now would fix.
        quality: uint8 (pairs,): why `enter` is unknown.
    """

    enter: NDArray[np.int8]
    leave: NDArray[np.int8]
    invalid: NDArray[np.int8]
    level: NDArray[np.float64]
    quality: NDArray[np.uint8]


def allocate_verdict(pairs: int) -> Verdict:
    """Buffers for a number of pairs."""
    return Verdict(
        enter=np.zeros(pairs, np.int8),
        leave=np.zeros(pairs, np.int8),
        invalid=np.zeros(pairs, np.int8),
        level=np.zeros(pairs),
        quality=np.zeros(pairs, np.uint8),
    )


Column = tuple[NDArray[np.float64], NDArray[np.uint8]]
"""Values and qualities of one output, one entry per pair."""

Parameters = Mapping[str, float]


class Detector(ABC):
    """Base of every detector; the registry makes one per definition.

    Args:
        parameters: The definition's numbers, complete.
        column: Gives the values and qualities of an output by its key.
    """

    kind: ClassVar[str]
    family: ClassVar[str]
    semantics: ClassVar[int]
    """Raised when a fix changes what the same parameters mean."""

    point: ClassVar[bool]
    """True where an opening is an event of one session and does not stay open."""

    parameters: ClassVar[tuple[Parameter, ...]]
    series: ClassVar[str] = "close"
    operator: ClassVar[str] = ">="

    def __init__(self, frequency: Frequency, parameters: Parameters, column: Callable[[str], Column]) -> None:
        self.numbers = dict(parameters)
        self.payload = self.payload_keys(frequency, parameters)
        self.columns = tuple(column(key) for key in self.input_keys(frequency, parameters))

    @staticmethod
    @abstractmethod
    def supports(frequency: Frequency) -> bool:
        """Whether a definition of this kind may have this frequency."""

    @staticmethod
    @abstractmethod
    def input_keys(frequency: Frequency, parameters: Parameters) -> tuple[str, ...]:
        """Keys of the outputs the detector reads, in the order its kernel wants them."""

    @staticmethod
    @abstractmethod
    def payload_keys(frequency: Frequency, parameters: Parameters) -> dict[str, str]:
        """Name in the event's data → key of the output that goes there."""

    @staticmethod
    @abstractmethod
    def threshold(parameters: Parameters) -> dict[str, float]:
        """What the event's data says the values were held against."""

    @staticmethod
    def check(parameters: Parameters) -> None:
        """Hold parameters against each other; each by itself has been checked.

        Raises:
            CatalogueError: They contradict each other.
        """
        return

    @abstractmethod
    def evaluate(self, rows: NDArray[np.int32], levels: NDArray[np.float64], verdict: Verdict) -> None:
        """Answer for `rows`.

        Args:
            rows: int32 (n,).
            levels: float64 (pairs,): invalidation levels of open episodes.
            verdict: Written.
        """

    def level_factor(self, side: int, factor: float) -> float:
        """What a split of leg `side` by `factor` does to invalidation levels."""
        return 1.0


@inlined
def rounded(value):  # type: ignore[no-untyped-def]
    """A value as thresholds see it: rounded to 1e-10, so that noise in the last bits decides nothing."""
    return np.floor(value * 1e10 + 0.5) / 1e10


_OK: Final = int(Quality.OK)
_REBUILT: Final = int(Quality.REBUILT)


@inlined
def usable(quality):  # type: ignore[no-untyped-def]
    """Whether a value of this quality may decide anything."""
    return quality in (_OK, _REBUILT)


@inlined
def worse(first, second):  # type: ignore[no-untyped-def]
    """The quality of two values taken together: a reason for `unknown` outranks `rebuilt`."""
    if not usable(first):
        return first
    if not usable(second):
        return second
    return max(first, second)
