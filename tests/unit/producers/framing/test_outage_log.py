"""An outage is told once when it begins, once a minute while it lasts, and once when it is over."""

from __future__ import annotations

from typing import Any

from producers.framing.outage_log import LATE_S, REPEAT_S, HoldFigures, OutageLog


class Lines:
    """Keeps what is logged."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def warning(self, event: str, **_: Any) -> None:
        self.events.append(event)

    def info(self, event: str, **_: Any) -> None:
        self.events.append(event)


def figures(*, connected: bool = True, age_s: float = 0.0) -> HoldFigures:
    return HoldFigures(connected, 10, 1, age_s, 0, None)


def test_a_broker_in_time_is_not_worth_a_line() -> None:
    lines = Lines()
    log = OutageLog(lines)
    for second in range(100):
        log.look(figures(age_s=LATE_S), float(second))
    assert lines.events == []


def test_an_outage_of_two_minutes_takes_four_lines() -> None:
    lines = Lines()
    log = OutageLog(lines)
    for tenth in range(1_201):
        log.look(figures(connected=tenth > 300, age_s=tenth / 10), tenth / 10)
        assert log.is_outage
    log.look(figures(), 121.0)
    assert not log.is_outage
    assert REPEAT_S == 60.0
    assert lines.events == [
        "no broker answers: records are held",
        "the broker does not acknowledge records in time: records are held",
        "the broker does not acknowledge records in time: records are held",
        "the broker acknowledges records again",
    ]
