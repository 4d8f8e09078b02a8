"""The plan: repeatable, fair, and as large as is promised."""

from __future__ import annotations

from collections import Counter

from tests.chaos.faults import FAULTS
from tests.chaos.plan import full_plan, short_plan

EVERY = tuple(FAULTS.values())


def test_the_full_form_is_a_hundred_faults_under_ten_seeds_and_repeats() -> None:
    plan = full_plan(EVERY, 10, 11, 2)
    turns = [turn for each in plan for turn in each]
    assert plan == full_plan(EVERY, 10, 11, 2)
    assert plan != full_plan(EVERY, 10, 11, 2, first_seed=2)
    assert len(turns) >= 100
    assert {turn.seed for turn in turns} == set(range(1, 11))
    counts = Counter(turn.fault.name for turn in turns)
    assert set(counts) == set(FAULTS)
    usual = [count for name, count in counts.items() if not FAULTS[name].live]
    assert max(usual) - min(usual) <= 1


def test_what_needs_a_producer_happens_in_rounds_that_have_one() -> None:
    for number, each in enumerate(full_plan(EVERY, 10, 11, 2), 1):
        assert any(turn.fault.live for turn in each) == (number % 3 == 0)


def test_the_short_form_has_eight_kinds_and_no_producer() -> None:
    (turns,) = short_plan(EVERY)
    assert len({turn.fault.name for turn in turns}) >= 8
    assert not any(turn.fault.live for turn in turns)
