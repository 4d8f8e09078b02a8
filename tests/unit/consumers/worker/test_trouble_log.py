"""At most one line per minute of continued failures; starts and ends are always logged."""

from __future__ import annotations

from structlog.testing import capture_logs

from consumers.worker.trouble_log import TroubleLog


def test_failures_of_all_kinds_share_one_line_a_minute() -> None:
    now_ns = 0
    trouble = TroubleLog(lambda: now_ns)
    with capture_logs() as lines:
        for second in range(150):
            now_ns = second * 1_000_000_000
            trouble.failed("commit failed")
            trouble.failed("question failed", partition=1)
    assert [line.get("failures_not_logged") for line in lines] == [None, 119, 119]


def test_a_beginning_takes_the_minute_and_an_end_gives_it_back() -> None:
    now_ns = 0
    trouble = TroubleLog(lambda: now_ns)
    with capture_logs() as lines:
        trouble.failed("commit failed")
        trouble.began("no broker answers")
        now_ns = 59_999_999_999
        trouble.failed("commit failed")
        trouble.ended("a broker answers again")
        trouble.failed("commit failed")
    assert [line["event"] for line in lines] == [
        "commit failed",
        "no broker answers",
        "a broker answers again",
        "commit failed",
    ]
    assert "failures_not_logged" not in lines[-1]
