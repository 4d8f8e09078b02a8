"""What a worker answers on /livez and /readyz, asked all the time from a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

GRACE_S = 2.5
"""What a worker may take beyond `broker_silence_ms` on a machine that is busy."""
NO_ANSWER = 0
_PAUSE_S = 0.2
_SHOWN = 160

Get = Callable[[str], tuple[int, str]]
"""(path) → status and body."""


class Answer(NamedTuple):
    """Both pages, asked at one time.

    Args:
        asked_s: Monotonic wall time before the first question.
        answered_s: And after the last answer.
        livez: Status; `NO_ANSWER` where none came.
        readyz: Status.
        body: Of the page that is not as it should be.
    """

    asked_s: float
    answered_s: float
    livez: int
    readyz: int
    body: str = ""


class HealthWatch:
    """Asks one worker until it is told to stop.

    Args:
        get: Asks for a page.
    """

    def __init__(self, get: Get) -> None:
        self._get = get
        self._stopping = threading.Event()
        self.answers: list[Answer] = []
        self._thread = threading.Thread(target=self._run, name="health-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_PAUSE_S):
            asked_s = time.monotonic()
            livez, dead = self._status("/livez")
            readyz, unready = self._status("/readyz")
            body = dead if livez != HTTPStatus.OK else unready
            self.answers.append(Answer(asked_s, time.monotonic(), livez, readyz, body))

    def _status(self, path: str) -> tuple[int, str]:
        try:
            return self._get(path)
        except (OSError, AssertionError) as error:  # it is gone, or does not answer
            return NO_ANSWER, repr(error)


def health_problems(
    answers: Sequence[Answer], *, away_s: float, returning_s: float, back_s: float, silence_s: float | None
) -> list[str]:
    """Say what a worker should not have answered during an outage; empty where all was right.

    It lives from first to last. Without a broker it is not ready, from `silence_s` after the last
    one went until the first may be back.

    Args:
        answers: From the outage's beginning to the recovery.
        away_s: When the last broker was gone, monotonic wall time.
        returning_s: When they were started again: the first may answer long before the last.
        back_s: When all were back.
        silence_s: The worker's `broker_silence_ms`, in seconds; None: brokers were always there.
    """
    problems = []
    if not answers:
        return ["it was never asked"]
    if dead := [each for each in answers if each.livez != HTTPStatus.OK]:
        problems.append(_told("/livez", dead, [each.livez for each in dead], len(answers), away_s))
    if silence_s is None:
        return problems
    silent_s = away_s + silence_s + GRACE_S
    if not any(each.readyz == HTTPStatus.SERVICE_UNAVAILABLE and each.asked_s < back_s for each in answers):
        problems.append("/readyz was never 503 until the brokers were back")
    without = [each for each in answers if each.asked_s >= silent_s and each.answered_s < returning_s]
    if ready := [each for each in without if each.readyz != HTTPStatus.SERVICE_UNAVAILABLE]:
        problems.append(_told("/readyz", ready, [each.readyz for each in ready], len(without), away_s))
    return problems


def _told(page: str, wrong: Sequence[Answer], statuses: Sequence[int], asked: int, away_s: float) -> str:
    first = wrong[0]
    return (
        f"{page} was {statuses[0] or 'not answered'} in {len(wrong)} of {asked} answers, "
        f"first {first.asked_s - away_s:.1f} s after the brokers went: {first.body.strip()[:_SHOWN]}"
    )
