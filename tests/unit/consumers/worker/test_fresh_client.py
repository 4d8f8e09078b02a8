"""A new client is tried one at a time, and counts only while every attempt is answered."""

from __future__ import annotations

import threading

from consumers.worker.fresh_client import FreshClient
from core.runtime.backoff import GrowingWait

SECOND_NS = 1_000_000_000


class Rig:
    def __init__(self) -> None:
        self.now_ns = 0
        self.answered = True
        self.attempts = 0
        self.fresh = FreshClient(
            self.answer,
            wait=GrowingWait(1_000, 4_000, random=lambda: 0.0, least_share=1.0),
            monotonic_ns=lambda: self.now_ns,
        )

    def answer(self, timeout_ms: int) -> bool:
        self.attempts += 1
        return self.answered

    def look_at(self, seconds: float) -> int | None:
        """Look, and again when the attempt that this may have begun is over."""
        self.now_ns = int(seconds * SECOND_NS)
        self.fresh.look()
        for thread in threading.enumerate():
            if thread.name == "rotascope-fresh-client":
                thread.join(10)
        return self.fresh.look()


def test_answers_count_from_the_first_and_a_missing_one_begins_again() -> None:
    rig = Rig()
    assert [rig.look_at(second) for second in (1, 2, 3)] == [SECOND_NS] * 3
    rig.answered = False
    assert rig.look_at(4) is None
    rig.answered = True
    assert rig.look_at(6) == 6 * SECOND_NS


def test_the_pace_of_attempts_is_bounded() -> None:
    rig = Rig()
    rig.answered = False
    for tenth in range(200):
        rig.look_at(tenth / 10)
    # After waits of 1, 2, 4, 4, 4 and 4 s.
    assert rig.attempts == 7


def test_results_of_one_silence_do_not_apply_to_the_next() -> None:
    rig = Rig()
    rig.look_at(1)
    rig.fresh.forget()
    assert rig.look_at(90) == 90 * SECOND_NS


def test_an_attempt_that_hangs_is_no_answer_and_no_second_one_is_begun() -> None:
    release = threading.Event()
    rig = Rig()
    rig.look_at(1)
    attempts: list[int] = []

    def hang(timeout_ms: int) -> bool:
        attempts.append(timeout_ms)
        return release.wait(60)

    rig.fresh._answers = hang
    rig.now_ns = 2 * SECOND_NS
    assert rig.fresh.look() == SECOND_NS
    rig.now_ns = 30 * SECOND_NS
    assert rig.fresh.look() is None
    assert len(attempts) == 1
    release.set()


def test_an_attempt_that_raises_is_not_answered() -> None:
    def broken(timeout_ms: int) -> bool:
        raise RuntimeError("can't start new thread")

    rig = Rig()
    rig.fresh = FreshClient(
        broken, wait=GrowingWait(1_000, 4_000, random=lambda: 0.0), monotonic_ns=lambda: rig.now_ns
    )
    assert [rig.look_at(second) for second in (1, 9)] == [None, None]


def test_an_attempt_in_progress_when_a_silence_ends_does_not_apply_to_the_next() -> None:
    """Regression: in the next outage, hours later, a worker was taken for dead at once."""

    def slow(timeout_ms: int) -> bool:
        assert may_answer.wait(10)
        return True

    may_answer = threading.Event()
    rig = Rig()
    rig.fresh = FreshClient(
        slow, wait=GrowingWait(1_000, 4_000, random=lambda: 0.0), monotonic_ns=lambda: rig.now_ns
    )
    rig.now_ns = SECOND_NS
    rig.fresh.look()
    rig.fresh.forget()
    may_answer.set()
    for thread in threading.enumerate():
        if thread.name == "rotascope-fresh-client":
            thread.join(10)
    assert rig.look_at(3_600) == 3_600 * SECOND_NS
