"""How long a call takes, and processes of their own.

One thread's work is timed with that thread's CPU time: on a quiet machine it is the wall time, and
on a busy one it leaves out the time in which others had the core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import repeat
from pathlib import Path
from time import thread_time_ns
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]


def time_call(call: Callable[[], object], *, runs: int, times: int) -> list[float]:
    """Time a call.

    Args:
        call: Without arguments.
        runs: How many figures.
        times: Calls for each of them.

    Returns:
        Nanoseconds of CPU a call, one figure a run; the loop's own 20 ns are part of it.
    """
    figures = []
    for _ in range(runs):
        started = thread_time_ns()
        for _ in repeat(None, times):
            call()
        figures.append((thread_time_ns() - started) / times)
    return figures


def run_child(module: str, *arguments: str, cpu: int | None = None) -> Any:
    """Run a module as a process of its own and give the JSON it prints.

    Args:
        module: Dotted name.
        arguments: Its arguments.
        cpu: The one core it may use; None leaves it all of ours.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=None if cpu is None else lambda: os.sched_setaffinity(0, {cpu}),
    )
    return json.loads(done.stdout)
