"""A study of twelve pairs over 35 years, every definition, base rates included: how long, how much memory.

The figures are a process's own, kernels compiled and cached beforehand.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time

from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.bench.timing import run_child
from tests.support.study_files import STUDY_FILES, STUDY_PAIRS, STUDY_RATES

RUNS = 3
SECONDS_GOAL = Goal(10)


def run(bench: Bench) -> Iterator[Figure]:
    """Time whole studies, each in a process of its own."""
    measured = []
    for number in range(bench.size(RUNS, 1)):
        progress(f"a study, run {number + 1}")
        measured.append(run_child("tests.bench.study", *STUDY_PAIRS[: bench.size(len(STUDY_PAIRS), 1)]))
    one = measured[0]
    what = f"study events, {one['pairs']} pairs × {one['definitions']} definitions"
    note = f"{one['sessions']:,} sessions, {one['events']:,} events with base rates"
    yield figure(what, "s", [each["wall_s"] for each in measured], SECONDS_GOAL, note)
    yield figure(f"{what}, CPU", "s", [each["cpu_s"] for each in measured])
    for part in ("reading", "engine", "base_rates"):
        yield figure(f"  {part.replace('_', ' ')}, CPU", "s", [each[part] for each in measured])
    yield figure(f"{what}, memory", "MB", [each["peak_mb"] for each in measured])


def _study(pairs: list[str]) -> dict[str, float]:
    from consumers.study.inputs import read_inputs
    from consumers.study.running import events_with_base_rates, run_history
    from core.model.settings import LogSettings
    from core.runtime.log import configure_log
    from tests.support.shared_data import shared_data

    configure_log(LogSettings())
    legs = {leg for pair in pairs for leg in pair.split("/")}
    bars = [f"{symbol}={shared_data(STUDY_FILES[symbol])}" for symbol in sorted(legs)]
    rates = [f"DGS10={shared_data(STUDY_RATES)}:DGS10"]
    started = perf_counter()
    times = [process_time()]
    inputs = read_inputs(bars, rates, pairs, None, "XNYS")
    times.append(process_time())
    result = run_history(inputs)
    times.append(process_time())
    events = events_with_base_rates(result)
    times.append(process_time())
    return {
        "pairs": len(pairs),
        "definitions": len(inputs.catalogue.definitions),
        "sessions": len(result.run),
        "events": len(events),
        "wall_s": perf_counter() - started,
        "cpu_s": times[3] - times[0],
        "reading": times[1] - times[0],
        "engine": times[2] - times[1],
        "base_rates": times[3] - times[2],
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    """Most memory of this process; `ru_maxrss` would begin with that of the process which forked it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found is not None
    return int(found[1]) / 1024


if __name__ == "__main__":
    json.dump(_study(sys.argv[1:]), sys.stdout)
