"""What a figure depends on and does not say: the machine and the versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("numba", "numpy", "kafka-python", "msgspec", "crc32c")


def conditions() -> list[str]:
    """Describe machine and versions, a line each."""
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    system = f"{platform.system()} {platform.release()}"
    return [
        f"machine    {_processor()}, {cores} cores, {memory_gib:.0f} GiB, {system}",
        f"versions   {platform.python_implementation()} {platform.python_version()}, {libraries}",
        f"load       {load()} runnable processes before the start (1, 5 and 15 minutes)",
    ]


def load() -> str:
    """Give the load averages: what else the machine was doing."""
    return " ".join(f"{average:.1f}" for average in os.getloadavg())


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
