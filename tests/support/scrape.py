"""Reads single figures off a program's /metrics."""

from __future__ import annotations

import re
import urllib.request

from tests.support.program import StartedProgram


def metrics_port(program: StartedProgram) -> int:
    """Give the port that a program says it serves metrics on."""
    port = re.search(r'"port": (\d+)', program.said("serving metrics"))
    assert port is not None
    return int(port[1])


def metric(port: int, name: str, **labels: str) -> float:
    """Give the first value with these labels; 0 where there is none."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
        lines = page.read().decode().splitlines()
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    for line in lines:
        if re.match(rf"{name}[ {{]", line) and all(each in line for each in wanted):
            return float(line.split()[-1])
    return 0.0
