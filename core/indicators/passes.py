"""The arrays of a family's kernel, each declared once, and everything that follows from that.

A kernel states its parameters by name. A name is looked up among what a step gives (`DAY_STEP`,
`RING_STEP`), among the arrays that the family declares in the decorator, and among the outputs. From
the declarations follow the compiled signature, the arrays a family allocates, which of them are state,
and the arguments of every call:

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
"""A number of finished days that no pair has."""

SIDES: Final = 2
"""Numerator and benchmark."""


class Axis(Enum):
    """An axis whose length depends on the partition or on the call."""

    PAIRS = auto()
    INSTRUMENTS = auto()
    ROWS = auto()
    """The pairs to evaluate."""
    SLOTS = auto()
    """Of a ring of seconds or minutes."""
    OUTPUTS = auto()


PAIRS: Final = Axis.PAIRS


class Role(Enum):
    """Where an array comes from and how long it lives."""

    STEP = auto()
    OUTPUT = auto()
    STATE = auto()
    DERIVED = auto()
    SCRATCH = auto()
    FIXED = auto()


@dataclass(frozen=True, slots=True)
class Array:
    """What a kernel needs to know of one parameter.

    Args:
        shape: Lengths and axes; empty for a plain number.
        dtype: Of the elements, or of the number.
        role: Where it comes from.
        source: Attribute of the step, for what a step gives.
        fill: What a new array is filled with.
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
        """A new array for a number of pairs."""
        shape = tuple(pairs if length is PAIRS else length for length in self.shape)
        array: NDArray[Any] = np.full(shape, self.fill, self.dtype)  # type: ignore[arg-type]
        return array


def state(*shape: int | Axis, fill: float = 0.0) -> Array:
    """Declare float64 figures that survive a restart, in snapshots under their name.

    Args:
        shape: In a daily family, PAIRS on axis 1, so that one pair's day can be taken back.
        fill: What it holds at the start.
    """
    return Array(shape, np.float64, Role.STATE, fill=fill)


def derived(*shape: int | Axis, dtype: type[np.generic] = np.float64) -> Array:
    """Declare figures that follow from finished days; the kernel keeps `derived_for` beside them."""
    return Array(shape, dtype, Role.DERIVED)


def scratch(*shape: int, dtype: type[np.generic] = np.float64) -> Array:
    """Declare room for one pair's calculation; what it holds between two pairs means nothing."""
    return Array(shape, dtype, Role.SCRATCH)


def fixed(*shape: int, dtype: type[np.generic] = np.float64) -> Array:
    """Declare numbers that a class sets when it is made, where several classes share a kernel."""
    return Array(shape, dtype, Role.FIXED)


def _given(source: str, dtype: type[np.generic], *shape: int | Axis) -> Array:
    return Array(shape, dtype, Role.STEP, source)


ROWS: Final = _given("rows", np.int32, Axis.ROWS)

DAY_STEP: Final[Mapping[str, Array]] = MappingProxyType(
    {
        "prices": _given("prices", np.int64, SIDES, PAIRS),
        "volumes": _given("volumes", np.int64, SIDES, PAIRS),
        "series": _given("series", np.float64, len(SERIES_CLASSES), PAIRS),
        "bases": _given("bases", np.int64, len(DAY_WINDOWS), SIDES, PAIRS),
        "closes": _given("days.closes", np.int64, PAIRS, DAY_SLOTS, SIDES),
        "past_volumes": _given("days.volumes", np.int64, PAIRS, DAY_SLOTS, SIDES),
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
"""What a daily kernel may ask for; `DayStep` says what each means."""

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
"""What a kernel on the grid of seconds or minutes may ask for; `RingStep` says what each means."""

OUTPUTS: Final[Mapping[str, Array]] = MappingProxyType(
    {
        "values": Array((Axis.OUTPUTS, PAIRS), np.float64, Role.OUTPUT),
        "quality": Array((Axis.OUTPUTS, PAIRS), np.uint8, Role.OUTPUT),
        "observations": Array((Axis.OUTPUTS, PAIRS), np.int32, Role.OUTPUT),
    }
)

DERIVED_FOR: Final = "derived_for"
"""Number of finished days that a pair's derived figures stand for: int64 (pairs,)."""
_DERIVED_FOR: Final = Array((PAIRS,), np.int64, Role.DERIVED, fill=NEVER_DERIVED)

COMMIT: Final = "commit"


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """A kernel that evaluates a family, and what it is called with.

    Args:
        kernel: Takes what `of_step` gives, then arrays by `names`, then `commit` if it `commits`.
        of_step: Picks the leading arguments from a step.
        names: The family's arrays and outputs, in order.
        own: The arrays the family allocates, by name.
        commits: The kernel asks whether to change its state.
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
        """Whether an array belongs to the snapshot."""
        return self.own[name].role is Role.STATE


def day_pass(**own: Array) -> Callable[[jit.Kernel], Pass]:
    """Compile the kernel of a daily family.

    Args:
        own: The family's arrays, by the kernel's parameter names: `state`, `derived`, `scratch` or `fixed`.

    Returns:
        A decorator. The parameters come in the order: what the step gives, own arrays and outputs, and
        `commit` last where there is state.

    Raises:
        TypeError: A parameter that nobody declares, or one out of order.
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
        raise TypeError(f"{kernel}: what the step gives comes first, two parameters at least")
    if unknown := set(names) - held.keys() - OUTPUTS.keys():
        raise TypeError(f"{kernel}: nobody declares {', '.join(sorted(unknown))}")
    if unused := held.keys() - set(asked):
        raise TypeError(f"{kernel} has no parameter {', '.join(sorted(unused))}, which is declared")
    if commits != any(array.role is Role.STATE for array in held.values()):
        raise TypeError(f"{kernel}: `{COMMIT}` is the last parameter where there is state, and only there")
