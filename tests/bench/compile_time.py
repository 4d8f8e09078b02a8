"""How long a worker's kernels take to start: compiled into an empty cache, and loaded from a full one."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.bench.timing import CHECKOUT


class Start(NamedTuple):
    """What one process took."""

    wall_s: float
    cpu_s: float


COLD_GOAL = Goal(20)
CACHED_GOAL = Goal(2)
_ALL_CORES = "import sys; from deploy.local.kernels import main; sys.exit(main([]))"


def run(bench: Bench) -> Iterator[Figure]:
    """Time whole processes that do nothing but import."""
    cold: list[Start] = []
    cached: list[Start] = []
    libraries: list[Start] = []
    shared: list[Start] = []
    for number in range(bench.size(3, 1)):
        with TemporaryDirectory(prefix="rotascope-kernels-") as directory:
            progress(f"an empty kernel cache, run {number + 1}")
            cache = {"NUMBA_CACHE_DIR": directory}
            cold.append(_start("import core.engine.engine", cache))
            for _ in range(bench.size(3, 2)):
                cached.append(_start("import core.engine.engine", cache))
                libraries.append(_start("import numba, polars, msgspec, exchange_calendars", cache))
        with TemporaryDirectory(prefix="rotascope-kernels-") as directory:
            progress(f"an empty kernel cache, all cores, run {number + 1}")
            shared.append(_start(_ALL_CORES, {"NUMBA_CACHE_DIR": directory}))
    note = "a process that imports core.engine.engine and ends"
    yield from _figures("start, kernel cache empty", cold, COLD_GOAL, note)
    yield from _figures("kernels compiled on all cores", shared, None, "python -m deploy.local.kernels")
    yield from _figures("start, kernel cache full", cached, CACHED_GOAL, note)
    yield from _figures("peer: start, libraries alone", libraries, None, "no kernel")


def _figures(name: str, starts: list[Start], goal: Goal | None, note: str) -> Iterator[Figure]:
    yield figure(name, "s", [start.wall_s for start in starts], goal, note)
    yield figure(f"{name}, CPU", "s", [start.cpu_s for start in starts])


def _start(program: str, environment: dict[str, str]) -> Start:
    before, started = _children_cpu_s(), perf_counter()
    subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, env=os.environ | environment, check=True)
    return Start(perf_counter() - started, _children_cpu_s() - before)


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
