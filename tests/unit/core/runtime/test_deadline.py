"""Calls that hang, and who waits for them."""

from __future__ import annotations

import threading

import pytest

from core.runtime.deadline import DeadlineCall

LONG_MS = 20_000


def test_gives_what_the_work_gives() -> None:
    assert DeadlineCall[int](lambda call: 7).within(LONG_MS) == 7


def test_raises_what_the_work_raises() -> None:
    def work(call: DeadlineCall[None]) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        DeadlineCall[None](work).within(LONG_MS)


def test_a_call_given_up_passes_no_further_point() -> None:
    """Or a transaction that was taken for aborted would be committed when its thread wakes."""
    wake, ended = threading.Event(), threading.Event()
    passed: list[str] = []

    def work(call: DeadlineCall[None]) -> None:
        try:
            wake.wait(LONG_MS / 1000)
            call.point_of_no_return("commit")
            passed.append("commit")
        finally:
            ended.set()

    call = DeadlineCall[None](work)
    with pytest.raises(TimeoutError, match="no answer within 1 ms"):
        call.within(1)
    wake.set()
    assert ended.wait(LONG_MS / 1000)
    assert call.abandoned
    assert (call.passed, passed) == ("", [])


def test_a_call_given_up_later_says_what_it_has_passed() -> None:
    wake = threading.Event()

    def work(call: DeadlineCall[None]) -> None:
        call.point_of_no_return("commit")
        wake.wait(LONG_MS / 1000)

    call = DeadlineCall[None](work)
    with pytest.raises(TimeoutError):
        call.within(500)
    wake.set()
    assert call.passed == "commit"
