"""A repeated trade counts once, and a new one always counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.model.records import TICK, TickKind
from producers.ingest.dedup import Deduplicator
from tests.support.feed_samples import NOON_NS

DAY_NS = 86_400 * 10**9


class Row(NamedTuple):
    """What a vendor says of a trade."""

    instrument: int = 1
    venue: int = 68
    number: int = 7
    kind: int = TickKind.TRADE
    after_ns: int = 0
    price: int = 200
    size: int = 100
    update: int = 15


Correction = tuple[Row, Row]


def records(*rows: Row) -> tuple[NDArray[np.void], NDArray[np.uint8]]:
    ticks = np.zeros(len(rows), TICK)
    columns = np.array(rows, np.int64).reshape(-1, len(Row._fields)).T
    names = ("instrument_id", "trade_id", "kind", "ts_event", "price", "size", "update")
    for name, column in zip(names, np.delete(columns, 1, axis=0), strict=True):
        ticks[name] = column
    ticks["ts_event"] += NOON_NS
    return ticks, columns[1].astype(np.uint8)


def fresh(deduplicator: Deduplicator, *rows: Row) -> list[bool]:
    return [bool(new) for new in deduplicator.fresh(*records(*rows))]


def correction(old: int, new: int, after_ns: int, number: int = 7) -> Correction:
    """A correction of one trade from one price to another."""
    return (
        Row(number=number, kind=TickKind.CANCEL, price=old, after_ns=after_ns),
        Row(number=number, kind=TickKind.CORRECTION, price=new, after_ns=after_ns),
    )


single = st.builds(
    Row,
    instrument=st.integers(1, 2),
    venue=st.integers(65, 66),
    number=st.integers(0, 2),
    kind=st.sampled_from([TickKind.TRADE, TickKind.CANCEL, TickKind.STATUS, TickKind.BASELINE]),
    after_ns=st.sampled_from([0, 1, DAY_NS]),
    price=st.integers(200, 201),
    size=st.integers(0, 1),
    update=st.sampled_from([4, 15]),
).map(lambda row: (row,))
corrections = st.builds(
    correction, st.integers(200, 202), st.integers(200, 202), st.integers(0, 1), st.integers(0, 2)
)


@given(st.lists(single | corrections, max_size=60), st.integers(min_value=1, max_value=60))
def test_it_agrees_with_a_set_of_messages(messages: list[tuple[Row, ...]], cut: int) -> None:
    deduplicator = Deduplicator(bucket_bits=6)
    found: list[bool] = []
    for start in range(0, len(messages), cut):
        found += fresh(deduplicator, *(row for rows in messages[start : start + cut] for row in rows))
    seen: set[tuple[Row, ...]] = set()
    expected: list[bool] = []
    for rows in messages:
        subject = all(row.number != 0 and row.kind <= TickKind.CANCEL for row in rows)
        expected += [not subject or rows not in seen] * len(rows)
        seen.add(rows)
    assert found == expected
    assert deduplicator.repeated == expected.count(False)


def test_every_field_that_the_vendor_sends_tells_two_trades_apart() -> None:
    first = Row()
    others = [first._replace(**{name: getattr(first, name) + 1}) for name in Row._fields]
    assert fresh(Deduplicator(), first, *others, first, *others) == [True] * 9 + [False] * 9


def test_an_id_that_is_used_again_for_another_trade_loses_neither() -> None:
    deduplicator = Deduplicator()
    assert fresh(deduplicator, Row(price=200), Row(price=210, size=5, after_ns=60)) == [True, True]
    assert fresh(deduplicator, Row(price=200), Row(price=210, size=5, after_ns=60)) == [False, False]


def test_each_of_several_corrections_counts_also_back_to_the_first_price() -> None:
    deduplicator = Deduplicator()
    chain = [Row(price=200), *correction(200, 201, 1), *correction(201, 202, 2)]
    chain += [*correction(202, 200, 3), *correction(200, 201, 4)]
    chain.append(Row(kind=TickKind.CANCEL, price=201, after_ns=5))
    assert all(fresh(deduplicator, *chain))
    # After a reconnect the vendor sends the whole of it again.
    assert not any(fresh(deduplicator, *chain))


def test_two_corrections_of_one_instant_are_taken_whole() -> None:
    """Both name the same trade as taken back; half of the second would double the volume."""
    rows = [*correction(200, 201, 1), *correction(200, 202, 1)]
    assert fresh(Deduplicator(), *rows, *rows) == [True] * 4 + [False] * 4


def test_a_cancel_is_no_half_of_a_correction() -> None:
    old, new = correction(200, 201, 1)
    assert fresh(Deduplicator(), old, old, new, old, old, new) == [True, True, True, False, False, False]


def test_a_correction_without_one_of_its_ids_is_never_half_dropped() -> None:
    old, new = correction(200, 201, 1)
    rows = [old._replace(number=0), new]
    assert fresh(Deduplicator(), *rows, *rows) == [True] * 4


def test_no_two_of_a_hundred_thousand_trades_are_taken_for_one_and_all_are_remembered() -> None:
    deduplicator = Deduplicator()
    numbers = np.arange(100_000)
    rows = np.array([Row()], np.int64).repeat(len(numbers), axis=0)
    # A sweep: one instant, one id used for every trade, prices in cents and sizes in lots.
    rows[:, 5], rows[:, 6] = numbers % 400 * 10_000_000, numbers // 400 * 100_000_000_000
    ticks, venues = records(*(Row(*row) for row in rows.tolist()))
    for start in range(0, len(ticks), 2_000):
        assert deduplicator.fresh(ticks[start : start + 2_000], venues[start : start + 2_000]).all()
    assert not deduplicator.fresh(ticks, venues).any()


def test_no_new_trade_is_taken_for_an_old_one_when_the_memory_is_full() -> None:
    deduplicator = Deduplicator(bucket_bits=4)
    ticks, venues = records(*(Row(number=number) for number in range(1, 20_001)))
    assert deduplicator.fresh(ticks, venues).all()
    assert deduplicator.repeated == 0


def test_one_trade_over_and_over() -> None:
    assert fresh(Deduplicator(), *[Row()] * 50) == [True] + [False] * 49
