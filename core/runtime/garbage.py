"""Pauses the cyclic garbage collector while a command makes millions of objects that it keeps."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
