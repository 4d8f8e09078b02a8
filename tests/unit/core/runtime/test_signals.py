"""Signals ask for an end, and the handlers of before are put back."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from core.runtime.signals import STOP_SIGNALS, StopFlag, calling_on_signals, stop_event, unwound_by_signals


@pytest.fixture(autouse=True)
def usual_handlers() -> Iterator[None]:
    """A shell starts what runs in its background with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_wait_ends_at_once_when_a_stop_is_asked_for() -> None:
    asked = StopFlag()
    assert asked.wait(0.0) is False
    asked.set()
    started_s = time.monotonic()
    assert asked.wait(60.0) is True
    assert time.monotonic() - started_s < 30


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_calls_and_the_handlers_of_before_come_back(number: signal.Signals) -> None:
    asked, before = StopFlag(), signal.getsignal(number)
    with calling_on_signals(asked.set):
        os.kill(os.getpid(), number)
        assert asked.wait(30)
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before


def test_a_second_signal_works_as_usual_where_only_one_is_asked_for() -> None:
    calls: list[int] = []
    with calling_on_signals(lambda: calls.append(1), once=True):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert calls == [1]


def test_an_event_loop_is_told_by_an_event() -> None:
    async def run() -> bool:
        with stop_event() as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            return await asyncio.wait_for(stop.wait(), 30)

    assert asyncio.run(run())


def test_the_first_signal_unwinds_and_further_ones_change_nothing() -> None:
    def told_twice() -> None:
        with unwound_by_signals():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(SystemExit) as raised:
        told_twice()
    assert raised.value.code == 128 + signal.SIGTERM
