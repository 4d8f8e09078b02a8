"""`rotascope demo` as a process: what it said, and what it started."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.program import StartedProgram

DEADLINE_S = 170.0
"""A whole run on a busy machine, kernels to compile included."""


@dataclass(frozen=True, slots=True)
class DemoRun:
    """A run that ended well.

    Args:
        records: What it said, one JSON object a line.
    """

    records: Sequence[dict[str, Any]]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Data of every event, with its id, in the order of the ids."""
        told = [record for record in self.records if record["kind"] == "event"]
        return [
            {"id": record["id"], **record["data"]} for record in sorted(told, key=lambda each: each["id"])
        ]

    @property
    def summary(self) -> dict[str, Any]:
        """The last line."""
        assert self.records[-1]["kind"] == "summary"
        return dict(self.records[-1])

    def of(self, definition: str, pair: str) -> list[dict[str, Any]]:
        """The transitions of a definition and a pair, in order of time."""
        found = [e for e in self.events if (e["definition"], e["pair"]) == (definition, pair)]
        return sorted(found, key=lambda event: (event["knowable_time"], event["transition"]))


def run_demo(*arguments: str) -> DemoRun:
    """Run the demo to its end; it must succeed."""
    with StartedProgram("demo", "--format", "json", *arguments) as program:
        code = program.wait(DEADLINE_S)
    assert (code, program.errors) == (0, [])
    return DemoRun([json.loads(line) for line in program.output])


def children_of(program: StartedProgram) -> dict[str, int]:
    """The programs that a demo has started: command → process id."""
    pid = program.process.pid
    found: dict[str, int] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().decode().split("\0")
        if "rotascope" in words:
            found[words[words.index("rotascope") + 1]] = int(child)
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def require_gone(pids: Sequence[int]) -> None:
    """Fail unless all of them have ended; what is left is killed, so that one failure does not make more."""
    left = [pid for pid in pids if is_running(pid)]
    for pid in left:
        os.kill(pid, 9)
    assert not left


def wait_for_values(program: StartedProgram) -> str:
    """Wait until a demo plays, and give the address of its metrics."""
    program.said("playing", DEADLINE_S)
    found = re.search(r"http://\S+/metrics", program.said('"serving"' if _json(program) else "metrics at"))
    assert found is not None
    return found[0].rstrip('"}')


def _json(program: StartedProgram) -> bool:
    return program.output[0].startswith("{")
