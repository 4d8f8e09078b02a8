"""What a person is told of a broker that goes away."""

from __future__ import annotations

from core.runtime.outage_notes import OutageNotes

AWAY = "no answer from the broker at kafka:9092; waiting for it"


def _notes() -> tuple[OutageNotes, list[str]]:
    lines: list[str] = []
    return OutageNotes("kafka:9092", lines.append, "waiting for it"), lines


def test_an_outage_is_two_lines_however_long_it_lasts() -> None:
    notes, lines = _notes()
    for now_s in range(100, 700):
        notes.silent(95.0, float(now_s))
    notes.answered(700.0)
    notes.answered(701.0)
    assert lines == [AWAY, "the broker at kafka:9092 answers again after 605 s"]


def test_a_broker_that_flaps_is_told_once_a_minute() -> None:
    notes, lines = _notes()
    for second in range(0, 180, 2):
        notes.silent(second, second)
        notes.answered(second + 1)
    assert lines.count(AWAY) == 3
    assert len(lines) == 6


def test_an_outage_that_outlasts_the_minute_after_another_is_told_then() -> None:
    notes, lines = _notes()
    notes.silent(0.0, 1.0)
    notes.answered(2.0)
    for now_s in range(10, 100):
        notes.silent(10.0, float(now_s))
    assert lines.count(AWAY) == 2
    notes.answered(100.0)
    assert lines[-1] == "the broker at kafka:9092 answers again after 90 s"
