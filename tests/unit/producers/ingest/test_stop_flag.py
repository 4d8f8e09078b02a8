"""A stop that is asked for at an inconvenient moment is heard."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from producers.ingest.run import _until_stopped
from producers.ingest.stop_flag import StopFlag


class Recorder:
    """Represents a producer: says whether a stop was asked for when it began."""

    async def run(self, stop: asyncio.Event) -> Any:
        return stop.is_set()


def test_a_stop_asked_for_before_the_stream_had_its_handlers_is_heard() -> None:
    asked = StopFlag()
    assert asyncio.run(_until_stopped(Recorder(), asked)) is False  # type: ignore[arg-type]
    asked.set()
    assert asyncio.run(_until_stopped(Recorder(), asked)) is True  # type: ignore[arg-type]


def test_a_wait_ends_at_once_when_a_stop_is_asked_for() -> None:
    asked = StopFlag()
    assert asked.wait(0.0) is False
    asked.set()
    started_s = time.monotonic()
    assert asked.wait(60.0) is True
    assert time.monotonic() - started_s < 30
