"""How much a process may log while it has no broker, and until it has recovered."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_DIGITS = re.compile(r"\d+")
_TRACEBACK = "Traceback (most recent call last)"
_SHOWN = 120


@dataclass(frozen=True)
class Bound:
    """Lines that a process may log, besides one for each full minute.

    Args:
        each: Of one subject.
        total: Of all subjects.
    """

    each: int
    total: int


WITHOUT_BROKER = Bound(each=2, total=12)
"""The broker is lost, the group is left, each partition waits: a line for each change of state."""
UNTIL_RECOVERED = Bound(each=6, total=60)
"""Members come back one after the other, and each time partitions are given and opened."""


def subject_of(line: str) -> str:
    """Say what a line is about: its event and its partition; or a text without its figures.

    Args:
        line: JSON of the process's own log, or anything else that it writes to standard error.
    """
    try:
        said = json.loads(line)
        return f"{said['event']} {said.get('partition', '')}".strip()
    except (ValueError, TypeError, KeyError, AttributeError):
        return _DIGITS.sub("#", line.strip())[:_SHOWN]


def log_problems(lines: Sequence[str], seconds: float, bound: Bound) -> list[str]:
    """Say where a process has logged more than it may; empty where it has not.

    Args:
        lines: What it wrote to standard error.
        seconds: In how long a time.
        bound: What it may.
    """
    minutes = int(seconds // 60)
    problems = [
        f"{count} lines {subject!r} in {seconds:.0f} s"
        for subject, count in Counter(map(subject_of, lines)).most_common()
        if count > bound.each + minutes
    ]
    if len(lines) > bound.total + minutes:
        problems.append(f"{len(lines)} lines in {seconds:.0f} s")
    tracebacks = sum(_TRACEBACK in line for line in lines)
    if tracebacks:
        problems.append(f"{tracebacks} tracebacks")
    return problems
