"""The plan: repeatable, fair, and as large as is promised."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chaos.__main__ import main
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.faults.outages import LENGTHS_S, MOMENTS
from tests.chaos.plan import LIVE_ROUNDS, SHORT_OUTAGES_S, Round, full_plan, outage_plan, short_plan

EVERY = tuple(FAULTS.values())
FULL = full_plan(EVERY, 10, 11, 2)


def is_usual(fault: Fault) -> bool:
    return not (fault.live or fault.away_s or fault.once_a_round)


def names(rounds: list[Round]) -> set[str]:
    return {turn.fault.name for each in rounds for turn in each}


def test_the_full_form_is_a_hundred_faults_under_ten_seeds_and_repeats() -> None:
    turns = [turn for each in FULL for turn in each]
    assert full_plan(EVERY, 10, 11, 2) == FULL
    assert full_plan(EVERY, 10, 11, 2, first_seed=2) != FULL
    assert len([turn for turn in turns if not turn.fault.away_s]) >= 110
    assert {turn.seed for turn in turns} == set(range(1, 11))
    counts = Counter(turn.fault.name for turn in turns if is_usual(turn.fault))
    assert set(counts) == {fault.name for fault in EVERY if is_usual(fault)}
    assert max(counts.values()) - min(counts.values()) <= 1


def test_the_full_form_has_every_fault_but_the_long_outages() -> None:
    missing = {name for name in FAULTS if name not in names(FULL)}
    assert missing == {fault.name for fault in EVERY if fault.away_s > max(SHORT_OUTAGES_S)}


def test_every_seed_has_one_outage_of_each_short_length() -> None:
    for each in FULL:
        for seed in {turn.seed for turn in each}:
            lengths = sorted(turn.fault.away_s for turn in each if turn.seed == seed and turn.fault.away_s)
            assert lengths == list(SHORT_OUTAGES_S)


def test_every_round_restarts_the_brokers_or_starts_without_them_once() -> None:
    assert all(sum(turn.fault.once_a_round for turn in each) == 1 for each in FULL)


def test_seeds_are_not_mixed_in_a_round() -> None:
    for each in FULL:
        seeds = [turn.seed for turn in each]
        assert seeds == sorted(seeds)


def test_what_needs_a_producer_happens_in_rounds_that_have_one() -> None:
    for number, each in enumerate(FULL, 1):
        assert any(turn.fault.live for turn in each) == (number % LIVE_ROUNDS == 0)


def test_the_long_form_is_two_minutes_under_two_seeds_and_ten_minutes_under_a_producers_load() -> None:
    turns = [turn for each in outage_plan(7) for turn in each]
    assert {turn.seed for turn in turns if turn.fault.away_s == 120} == {7, 8}
    (longest,) = [turn.fault for turn in turns if turn.fault.away_s == 600]
    assert longest.live
    assert {fault.away_s for fault in EVERY if fault.away_s} == {turn.fault.away_s for turn in turns} | set(
        SHORT_OUTAGES_S
    )


def test_there_is_an_outage_of_every_length_at_every_moment() -> None:
    wanted = {f"outage-{seconds}s-{moment.name}" for seconds in LENGTHS_S for moment in MOMENTS}
    assert wanted == {fault.name for fault in EVERY if fault.away_s}


def test_the_short_form_has_eight_kinds_one_short_outage_and_no_producer() -> None:
    (turns,) = short_plan(EVERY)
    assert len({turn.fault.name for turn in turns}) >= 8
    assert not any(turn.fault.live or turn.fault.once_a_round for turn in turns)
    assert [turn.fault.away_s for turn in turns if turn.fault.away_s] == [5]


def test_without_the_usual_library_outages_and_restarts_stay() -> None:
    outside = [fault for fault in EVERY if not fault.inside]
    assert names(full_plan(outside, 10, 11, 2)) == names(FULL) - {f.name for f in EVERY if f.inside}
    assert [turn.fault.away_s for (turns,) in [short_plan(outside)] for turn in turns if turn.fault.away_s]


def test_every_fault_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in FAULTS)
