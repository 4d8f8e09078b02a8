"""What a process may log during an outage, and that too much of it is caught."""

from __future__ import annotations

import json

from tests.chaos.log_bound import UNTIL_RECOVERED, WITHOUT_BROKER, Bound, log_problems, subject_of

BOUND = Bound(each=2, total=4)


def line(event: str, partition: int | None = None, **more: object) -> str:
    place = {} if partition is None else {"partition": partition}
    return json.dumps({"event": event, "level": "warning", **place, **more})


def test_a_line_for_each_change_of_state_is_borne() -> None:
    lines = [line("no broker answers"), *(line("partition waits", number) for number in range(4))]
    assert log_problems([*lines, line("a broker answers")], 35.0, WITHOUT_BROKER) == []


def test_a_line_a_minute_is_borne_and_one_more_is_not() -> None:
    lines = [line("no broker answers", seconds=60 * minute) for minute in range(12)]
    assert log_problems(lines, 600.0, BOUND) == []
    (problem,) = log_problems([*lines, line("no broker answers")], 600.0, BOUND)
    assert problem == "13 lines 'no broker answers' in 600 s"


def test_ten_lines_a_second_are_caught() -> None:
    problems = log_problems([line("broker failed", error="closed")] * 350, 35.0, UNTIL_RECOVERED)
    assert "350 lines 'broker failed' in 35 s" in problems
    assert "350 lines in 35 s" in problems


def test_many_subjects_with_a_line_each_are_caught() -> None:
    lines = [line("partition waits", number) for number in range(5)]
    assert log_problems(lines, 5.0, BOUND) == ["5 lines in 5 s"]


def test_a_traceback_is_caught_whatever_the_bound() -> None:
    lines = ["Traceback (most recent call last):", '  File "worker.py", line 3, in turn']
    assert log_problems(lines, 5.0, Bound(each=100, total=100)) == ["1 tracebacks"]


def test_partitions_are_subjects_of_their_own_and_figures_of_a_text_are_not() -> None:
    assert subject_of(line("partition waits", 1)) != subject_of(line("partition waits", 2))
    assert subject_of("%3|1712.5|FAIL| broker 1 down") == subject_of("%3|1713.7|FAIL| broker 2 down")
    assert subject_of("[1, 2]") == "[#, #]"
