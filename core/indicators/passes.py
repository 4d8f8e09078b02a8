"""Declares the arrays of a family's kernel, each once.

A kernel's parameters are resolved by name: inputs of a step (`DAY_STEP`, `RING_STEP`), arrays declared in
the decorator, and outputs. The declarations determine the compiled signature, the arrays to allocate,
which of them are state, and the arguments of every call:

    @day_pass(averages=state(6, PAIRS))
    def _day_pass(prices, closes, counts, rows, averages, values, quality, observations, commit):
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numba import types
from numba.np.numpy_support import from_dtype
from numpy.typing import NDArray

from core.kernels import jit
from core.kernels.codes import DAY_SLOTS
from core.model.universe_file import SERIES_CLASSES
from core.model.windows import DAY_WINDOWS

NEVER_DERIVED: Final = -1
"""A number of finished days that no pair can have."""

SIDES: Final = 2
"""Numerator and benchmark."""


class Axis(Enum):
    """An axis whose length depends on the partition or on the call."""

    PAIRS = auto()
    INSTRUMENTS = auto()
    ROWS = auto()
    """The pairs to evaluate."""
    SLOTS = auto()
    """Slots of a ring of seconds or minutes."""
    OUTPUTS = auto()


PAIRS: Final = Axis.PAIRS


class Role(Enum):
    """Origin and lifetime of an array."""

    STEP = auto()
    OUTPUT = auto()
    STATE = auto()
    DERIVED = auto()
    SCRATCH = auto()
    FIXED = auto()


@dataclass(frozen=True, slots=True)
class Array:
    """Declaration of one parameter of a kernel.

    Args:
        shape: Lengths and axes; empty for a plain number.
        dtype: Type of the elements, or of the number.
        role: Origin and lifetime.
        source: Attribute of the step, for inputs of a step.
        fill: Initial value of a new array.
    """

    shape: tuple[int | Axis, ...]
    dtype: type[np.generic]
    role: Role
    source: str = ""
    fill: float = 0.0

    @property
    def numba_type(self) -> Any:
        """The type in the kernel's signature."""
        element = from_dtype(np.dtype(self.dtype))
        return jit.array_of(element, len(self.shape)) if self.shape else element

    def allocate(self, pairs: int) -> NDArray[Any]:
        """Create the array for a number of pairs."""
        shape = tuple(pairs if length is PAIRS else length for length in self.shape)
        array: NDArray[Any] = np.full(shape, self.fill, self.dtype)  # type: ignore[arg-type]
        return array


def state(*shape: int | Axis, fill: float = 0.0) -> Array:
    """Declare a float64 array that survives a restart, stored in snapshots under its name.

    Args:
        shape: In a daily family, PAIRS on axis 1, so that one pair's day can be undone.
        fill: Initial value.
    """
    return Array(shape, np.float64, Role.STATE, fill=fill)


def derived(*shape: int | Axis, dtype: type[np.generic] = np.float64) -> Array:
    """Declare an array derived from finished days; the kernel maintains `derived_for` along with it."""
    return Array(shape, dtype, Role.DERIVED)


def scratch(*shape: int, dtype: type[np.generic] = np.float64) -> Array:
    """Declare a buffer for one pair's calculation; its content is undefined between pairs."""
    return Array(shape, dtype, Role.SCRATCH)


def fixed(*shape: int, dtype: type[np.generic] = np.float64) -> Array:
    """Declare numbers that a class sets in its constructor, if several classes share a kernel."""
    return Array(shape, dtype, Role.FIXED)


def _given(source: str, dtype: type[np.generic], *shape: int | Axis) -> Array:
    return Array(shape, dtype, Role.STEP, source)


ROWS: Final = _given("rows", np.int32, Axis.ROWS)

DAY_STEP: Final[Mapping[str, Array]] = MappingProxyType(
    {
        "prices": _given("prices", np.int64, SIDES, PAIRS),
        "volumes": _given("volumes", np.int64, SIDES, PAIRS),
        "traded": _given("traded", np.uint8, SIDES, PAIRS),
        "series": _given("series", np.float64, len(SERIES_CLASSES), PAIRS),
        "bases": _given("bases", np.int64, len(DAY_WINDOWS), SIDES, PAIRS),
        "closes": _given("days.closes", np.int64, PAIRS, DAY_SLOTS, SIDES),
        "past_volumes": _given("days.volumes", np.int64, PAIRS, DAY_SLOTS, SIDES),
        "past_traded": _given("days.traded", np.uint8, PAIRS, DAY_SLOTS, SIDES),
        "past_sessions": _given("days.sessions", np.int32, PAIRS, DAY_SLOTS),
        "counts": _given("days.counts", np.int64, PAIRS),
        "history_start": _given("days.history_start", np.int32, PAIRS),
        "rows": ROWS,
        "session": _given("session", np.int64),
        "year": _given("year", np.int64),
        "week_ends": _given("week_ends", np.uint8, PAIRS),
        "price_units": _given("scales.price_units", np.float64, SIDES, PAIRS),
        "size_units": _given("scales.size_units", np.float64, SIDES, PAIRS),
        "ratio_scale": _given("scales.ratio", np.float64, SIDES, PAIRS),
        "illiquidity_scale": _given("scales.illiquidity", np.float64, SIDES, PAIRS),
    }
)
"""Inputs available to a daily kernel; described in `DayStep`."""

RING_STEP: Final[Mapping[str, Array]] = MappingProxyType(
    {
        "ring": _given("prices", np.int64, Axis.SLOTS, Axis.INSTRUMENTS),
        "numerators": _given("numerators", np.int32, PAIRS),
        "benchmarks": _given("benchmarks", np.int32, PAIRS),
        "volumes": _given("volumes", np.int64, SIDES, PAIRS),
        "rows": ROWS,
        "now": _given("now", np.int64),
        "since_open": _given("since_open", np.int64),
        "ratio_scale": _given("scales.ratio", np.float64, SIDES, PAIRS),
    }
)
"""Inputs available to a kernel on the grid of seconds or minutes; described in `RingStep`."""

OUTPUTS: Final[Mapping[str, Array]] = MappingProxyType(
    {
        "values": Array((Axis.OUTPUTS, PAIRS), np.float64, Role.OUTPUT),
        "quality": Array((Axis.OUTPUTS, PAIRS), np.uint8, Role.OUTPUT),
        "observations": Array((Axis.OUTPUTS, PAIRS), np.int32, Role.OUTPUT),
    }
)

DERIVED_FOR: Final = "derived_for"
"""Number of finished days that a pair's derived arrays are up to date for: int64 (pairs,)."""
_DERIVED_FOR: Final = Array((PAIRS,), np.int64, Role.DERIVED, fill=NEVER_DERIVED)

COMMIT: Final = "commit"


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """A kernel that evaluates a family, and its arguments.

    Args:
        kernel: Takes the result of `of_step`, then arrays by `names`, then `commit` if it `commits`.
        of_step: Picks the leading arguments from a step.
        names: The family's arrays and outputs, in order.
        own: The arrays the family allocates, by name.
        commits: Whether the kernel takes `commit`.
    """

    kernel: jit.Kernel
    of_step: Callable[[Any], tuple[Any, ...]]
    names: tuple[str, ...]
    own: Mapping[str, Array]
    commits: bool

    def allocate(self, pairs: int) -> dict[str, NDArray[Any]]:
        """The family's own arrays, by name."""
        return {name: array.allocate(pairs) for name, array in self.own.items()}

    def is_state(self, name: str) -> bool:
        """Whether an array is part of the snapshot."""
        return self.own[name].role is Role.STATE


def day_pass(**own: Array) -> Callable[[jit.Kernel], Pass]:
    """Compile the kernel of a daily family.

    Args:
        own: The family's arrays, by the kernel's parameter names: `state`, `derived`, `scratch` or `fixed`.

    Returns:
        A decorator. The order of the parameters is: inputs of the step, own arrays and outputs, and
        `commit` last if there is state.

    Raises:
        TypeError: A parameter is not declared, or out of order.
    """
    return _pass_of(DAY_STEP, own)


def ring_pass(**own: Array) -> Callable[[jit.Kernel], Pass]:
    """Compile the kernel of a family on the grid of seconds or minutes, as `day_pass` does."""
    return _pass_of(RING_STEP, own)


def _pass_of(step: Mapping[str, Array], own: Mapping[str, Array]) -> Callable[[jit.Kernel], Pass]:
    def decorate(function: jit.Kernel) -> Pass:
        parameters = list(inspect.signature(function).parameters)
        commits = parameters[-1] == COMMIT
        asked = parameters[: len(parameters) - commits]
        leading = [name for name in asked if name in step]
        names = tuple(asked[len(leading) :])
        held = {**own, **({DERIVED_FOR: _DERIVED_FOR} if DERIVED_FOR in asked else {})}
        _check(function.__qualname__, asked, leading, names, held, commits=commits)
        arrays = {**step, **OUTPUTS, **held}
        signature = [arrays[name].numba_type for name in asked] + [jit.BOOL] * commits
        compiled = jit.kernel(types.void, *signature)(function)
        of_step = attrgetter(*(step[name].source for name in leading))
        return Pass(compiled, of_step, names, MappingProxyType(held), commits)

    return decorate


def _check(
    kernel: str,
    asked: list[str],
    leading: list[str],
    names: tuple[str, ...],
    held: Mapping[str, Array],
    *,
    commits: bool,
) -> None:
    if asked[: len(leading)] != leading or len(leading) < 2:
        raise TypeError(f"{kernel}: inputs of the step come first, at least two")
    if unknown := set(names) - held.keys() - OUTPUTS.keys():
        raise TypeError(f"{kernel}: not declared: {', '.join(sorted(unknown))}")
    if unused := held.keys() - set(asked):
        raise TypeError(f"{kernel}: declared but not a parameter: {', '.join(sorted(unused))}")
    if commits != any(array.role is Role.STATE for array in held.values()):
        raise TypeError(
            f"{kernel}: `{COMMIT}` must be the last parameter if there is state, and absent otherwise"
        )
