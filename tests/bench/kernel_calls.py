"""An empty call of every kernel: what it costs to enter machine code and come back.

Run as a program, this finds the kernels by watching `core.kernels.jit.kernel` while core is imported, and
calls each with arrays of no rows. It prints JSON, and is started as a process of its own, since
kernels can be watched only before they are made.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.runtime.compilation import kernel_modules
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.bench.timing import run_child, time_call

CALL_GOAL = Goal(1)
_BACKING_ROWS = 64
"""Rows behind an array of no rows: a kernel that looks at its first row anyway reads zeros of ours."""


@dataclass(frozen=True, slots=True)
class FoundKernel:
    """A kernel as `core.kernels.jit.kernel` made it."""

    name: str
    argument_types: tuple[Any, ...]
    entry: Callable[..., Any]


def run(bench: Bench) -> Iterator[Figure]:
    """Let a fresh process measure, and report the slowest first."""
    progress("a process that watches kernels being made")
    found: dict[str, list[float]] = run_child("tests.bench.kernel_calls", str(bench.size(5, 3)))
    slowest_first = sorted(found.items(), key=lambda item: -sorted(item[1])[len(item[1]) // 2])
    for name, runs in slowest_first:
        yield figure(f"empty call, {name}", "µs a call", runs, CALL_GOAL)
    yield figure("kernels found", "kernels", len(found))


def find_kernels() -> list[FoundKernel]:
    """Import core, and note every kernel on the way."""
    from core.kernels import jit

    found: list[FoundKernel] = []
    make = jit.kernel

    def noting(returns: Any, *arguments: Any) -> Callable[[Any], Any]:
        decorate = make(returns, *arguments)

        def note(function: Any) -> Any:
            entry = decorate(function)
            name = f"{function.__module__.removeprefix('core.')}.{function.__qualname__}"
            found.append(FoundKernel(name, arguments, entry))
            return entry

        return note

    jit.kernel = noting
    for name in kernel_modules():
        importlib.import_module(f"core.{name}")
    return found


def least_arguments(kernel: FoundKernel) -> list[Any]:
    """Zeros and arrays of no rows; of one row where a kernel divides by the number of them."""
    arguments = [argument(each, rows=0) for each in kernel.argument_types]
    try:
        kernel.entry(*arguments)
    except ZeroDivisionError:
        return [argument(each, rows=1) for each in kernel.argument_types]
    return arguments


def argument(numba_type: Any, *, rows: int) -> Any:
    """A zero, or an array of so many rows, of a Numba type."""
    import numpy as np
    from numba import types
    from numba.np.numpy_support import as_dtype

    if isinstance(numba_type, types.Array):
        array = np.zeros((_BACKING_ROWS,) * numba_type.ndim, as_dtype(numba_type.dtype))[:rows]
        array.setflags(write=numba_type.mutable)
        return array
    return as_dtype(numba_type).type(0).item()


def main(runs: int) -> None:
    """Time each kernel; prints name → µs a call of each run."""
    microseconds: dict[str, list[float]] = {}
    for kernel in find_kernels():
        arguments = least_arguments(kernel)
        nanoseconds = time_call(partial(kernel.entry, *arguments), runs=runs, times=20_000)
        microseconds[kernel.name] = [each / 1000 for each in nanoseconds]
    print(json.dumps(microseconds))


if __name__ == "__main__":
    main(int(sys.argv[1]))
