"""What a worker must answer without a broker, and that other answers are caught."""

from __future__ import annotations

import time

import pytest

from tests.chaos.health_watch import NO_ANSWER, Answer, HealthWatch, health_problems

AWAY_S, RETURNING_S, BACK_S, RECOVERED_S, SILENCE_S = 100.0, 135.0, 140.0, 145.0, 2.0


def answers(livez: int = 200, without_broker: int = 503) -> list[Answer]:
    """Two a second; ready at first, then `without_broker`, and ready again ten seconds after the return."""
    found = []
    for half in range(int(2 * AWAY_S), int(2 * RECOVERED_S)):
        at_s = half / 2
        is_ready = at_s < AWAY_S + SILENCE_S or at_s >= RECOVERED_S
        found.append(Answer(at_s, at_s + 0.01, livez, 200 if is_ready else without_broker, "ok"))
    return found


def problems(given: list[Answer], silence_s: float | None = SILENCE_S) -> list[str]:
    return health_problems(given, away_s=AWAY_S, returning_s=RETURNING_S, back_s=BACK_S, silence_s=silence_s)


def test_alive_and_not_ready_is_right() -> None:
    assert problems(answers()) == []


def test_a_readyz_that_stays_200_is_caught() -> None:
    never, problem = problems(answers(without_broker=200))
    assert never == "/readyz was never 503 until the brokers were back"
    assert problem.startswith("/readyz was 200 in 61 of 61 answers, first 4.5 s after the brokers went")


def test_a_readyz_that_is_200_once_is_caught() -> None:
    given = answers()
    given[40] = given[40]._replace(readyz=200)
    (problem,) = problems(given)
    assert problem.startswith("/readyz was 200 in 1 of 61 answers, first 20.0 s after")


def test_readiness_before_the_silence_is_over_and_when_brokers_return_is_nobodys_business() -> None:
    given = [
        each._replace(readyz=200 if each.answered_s >= RETURNING_S else each.readyz) for each in answers()
    ]
    assert problems(given) == []


def test_where_brokers_are_always_there_readiness_is_not_asked_for() -> None:
    assert problems(answers(without_broker=200), silence_s=None) == []


@pytest.mark.parametrize(("livez", "told"), [(503, "503"), (NO_ANSWER, "not answered")])
def test_a_worker_that_dies_is_caught_also_behind_the_return(livez: int, told: str) -> None:
    given = [*answers()[:-1], answers()[-1]._replace(livez=livez, body="the loop has not turned")]
    for silence_s in (SILENCE_S, None):
        (problem,) = problems(given, silence_s)
        assert problem.startswith(f"/livez was {told} in 1 of 90 answers, first 44.5 s")
        assert problem.endswith("the loop has not turned")


def test_a_worker_that_was_not_asked_proves_nothing() -> None:
    assert problems([]) == ["it was never asked"]
    assert problems(answers()[:2]) == ["/readyz was never 503 until the brokers were back"]


def test_the_watch_asks_both_pages_and_bears_a_worker_that_is_gone() -> None:
    replies = {"/livez": (200, "ok"), "/readyz": (503, "no broker")}

    def get(path: str) -> tuple[int, str]:
        if path not in replies:
            raise ConnectionRefusedError
        return replies[path]

    watch = HealthWatch(get)
    _wait_for(watch, 1)
    replies.clear()
    _wait_for(watch, len(watch.answers) + 2)
    watch.stop()
    first, last = watch.answers[0], watch.answers[-1]
    assert (first.livez, first.readyz, first.body) == (200, 503, "no broker")
    assert (last.livez, last.readyz) == (NO_ANSWER, NO_ANSWER)
    assert "ConnectionRefusedError" in last.body


def _wait_for(watch: HealthWatch, count: int) -> None:
    deadline = time.monotonic() + 30.0
    while len(watch.answers) < count:
        assert time.monotonic() < deadline, "it does not ask"
        time.sleep(0.01)
