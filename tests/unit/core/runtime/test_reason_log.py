"""Refused input is logged once a minute for each reason, with an example."""

from __future__ import annotations

from structlog.testing import capture_logs

from core.runtime.reason_log import TOTALS_EVENT, ReasonLog, log_totals


def test_the_first_of_each_reason_is_logged_and_then_one_line_a_minute() -> None:
    now_s = [100.0]
    reasons = ReasonLog("test", monotonic_s=lambda: now_s[0], feed="alpaca")
    with capture_logs() as logged:
        for number in range(50):
            reasons.note("price", lambda number=number: f"trade {number}", where="feed")  # type: ignore[misc]
        reasons.note("malformed", lambda: "x" * 999, items=7)
        now_s[0] += 60.0
        reasons.note("price", lambda: "another")
    assert [(line["reason"], line["since_last_line"], line["example"][:7]) for line in logged] == [
        ("price", 1, "trade 0"),
        ("malformed", 7, "xxxxxxx"),
        ("price", 50, "another"),
    ]
    assert len(logged[1]["example"]) == 200
    assert {line["event"] for line in logged} == {"input dead-lettered"}
    assert {(line["log_level"], line["feed"]) for line in logged} == {("warning", "alpaca")}
    assert logged[0]["where"] == "feed"


def test_the_totals_name_every_reason_and_nothing_is_said_of_none() -> None:
    with capture_logs() as logged:
        log_totals("test", {"price": 3.0, "crc": 1.0, "length": 0.0})
        log_totals("test", {})
    (line,) = logged
    assert line["event"] == TOTALS_EVENT
    assert line["reasons"] == {"crc": 1, "price": 3}
