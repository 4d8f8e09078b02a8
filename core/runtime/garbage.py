"""How often the cyclic garbage collector runs in programs that make many objects without cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_THRESHOLDS: Final = (50_000, 20, 20)
"""Decoding creates a hundred thousand short-lived objects a second and no cycles; with the default
threshold the collector would run every few messages."""


def calm_garbage_collector() -> None:
    """Run the garbage collector less often: the decoder's short-lived objects have no cycles."""
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Collect no cycles in the block: each collection would visit every event found so far.

    Objects without cycles, such as events, are freed as ever. Not for a process that runs for days.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
