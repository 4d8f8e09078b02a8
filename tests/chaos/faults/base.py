"""What a fault is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.arena import Arena


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Args:
        name: For the command line, the table and the test.
        summary: What happens, in a line.
        strike: Breaks something, calls `Arena.broken` at that moment, and mends what no
            supervisor would; returns while the workers may still be recovering.
        short: Part of the short form.
        inside: Reaches into kafka-python, or between it and the brokers: no other library lets it.
        live: Needs a log that a producer writes while it happens.
        away_s: How long the whole cluster is away; 0: it is not.
        once_a_round: It takes long, and is dealt apart from the others.
    """

    name: str
    summary: str
    strike: Callable[[Arena], None]
    short: bool = False
    inside: bool = False
    live: bool = False
    away_s: int = 0
    once_a_round: bool = False
