"""The comparer itself: each kind of difference is found, and only that one."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.oracle import differences
from tests.chaos.watcher import Said, Seen

TOPIC = "rotascope.events.relative-strength"


def said(name: str, key: str = "AIG/SPY") -> Said:
    return Said(TOPIC, key, name, f"digest of {name}", 1, 10)


def seen(*records: Said) -> list[Seen]:
    return [Seen(record, (TOPIC, 0, offset), float(offset)) for offset, record in enumerate(records)]


EXPECTED = [said("a"), said("b"), said("c"), said("x", "BAC/SPY")]


def test_the_same_is_equal_however_keys_are_interleaved() -> None:
    found = differences(EXPECTED, seen(said("a"), said("x", "BAC/SPY"), said("b"), said("c")))
    assert found.none
    assert str(found) == "equal"


def test_each_difference_is_told_apart() -> None:
    a, b, c, x = EXPECTED
    assert differences(EXPECTED, seen(a, c, x)).lost == (b,)
    doubled = differences(EXPECTED, seen(a, b, a, c, x))
    assert [each.place[2] for each in doubled.doubled] == [2]
    assert str(doubled) == "1 doubled"
    foreign = differences(EXPECTED, seen(a, b, c, x, said("z")))
    assert [each.said.name for each in foreign.foreign] == ["z"]
    swapped = differences(EXPECTED, seen(b, a, c, x))
    assert swapped.out_of_order == ((TOPIC, "AIG/SPY"),)
    assert not swapped.lost
    altered = differences(EXPECTED, seen(a, replace(b, digest="another"), c, x))
    assert [each.said.name for each in altered.altered] == ["b"]


def test_a_loss_is_no_disorder() -> None:
    a, _, c, x = EXPECTED
    assert differences(EXPECTED, seen(a, c, x)).out_of_order == ()


def test_a_partition_that_was_rebuilt_may_say_other_values_and_nothing_else() -> None:
    a, b, c, x = EXPECTED
    changed = seen(a, replace(b, digest="another"), c, x)
    assert differences(EXPECTED, changed, may_alter=[1]).none
    assert differences(EXPECTED, changed, may_alter=[2]).altered
    assert differences(EXPECTED, seen(a, c, x), may_alter=[1]).lost
