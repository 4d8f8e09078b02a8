"""A line a minute; what begins takes the minute, what ends gives it back."""

from __future__ import annotations

from core.runtime.line_budget import EVERY_S, LineBudget


def test_one_line_a_minute() -> None:
    budget = LineBudget()
    assert [second for second in range(180) if budget.take(float(second))] == [0, 60, 120]
    assert EVERY_S == 60.0


def test_a_line_written_in_any_case_counts_and_a_new_beginning_does_not_wait() -> None:
    budget = LineBudget()
    budget.spend(10.0)
    assert not budget.take(69.9)
    budget.renew()
    assert budget.take(69.9)
    assert not budget.take(129.8)
