"""The queue is bounded three ways, and what it does about it is counted."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from producers.feeds.base import RawMessage
from producers.ingest.queue import GapMark, MessageQueue, Overflow
from producers.metrics import ProducerCounters

MS = 10**6
DEADLINE_S = 10.0


def queue(overflow: Overflow, max_messages: int = 3, **limits: Any) -> tuple[MessageQueue, ProducerCounters]:
    counters = ProducerCounters("alpaca")
    return MessageQueue(max_messages, limits.pop("max_age_ms", 1_000), overflow, counters, **limits), counters


def message(number: int, at_ms: int = 0, size: int = 1) -> RawMessage:
    return RawMessage(bytes([number]) * size, at_ms * MS)


async def test_what_goes_in_comes_out_in_order_up_to_the_bytes_asked_for() -> None:
    subject, _ = queue(Overflow.WAIT)
    items: list[RawMessage | GapMark] = [message(1, size=5), GapMark("why", 0), message(2, size=5)]
    for item in items:
        await subject.put(item)
    assert subject.take(7, 0) == items[:2]
    assert subject.take(1, 0) == items[2:]
    assert subject.take(1, 0) == []
    subject.close()
    assert subject.take(1, None) is None


async def test_what_is_queued_survives_the_close() -> None:
    subject, _ = queue(Overflow.WAIT)
    await subject.put(message(1))
    subject.close()
    assert subject.take(10, 0) == [message(1)]
    assert subject.take(10, None) is None


@pytest.mark.parametrize(
    ("limits", "items"),
    [
        ({"max_messages": 2}, [message(1), message(2), message(3)]),
        ({"max_bytes": 10}, [message(1, size=6), message(2, size=6)]),
        ({"max_age_ms": 100}, [message(1), message(2, at_ms=101)]),
    ],
    ids=["number", "bytes", "age"],
)
async def test_a_full_queue_makes_the_reader_wait_until_there_is_room(
    limits: dict[str, Any], items: list[RawMessage]
) -> None:
    subject, counters = queue(Overflow.WAIT, **limits)
    for item in items[:-1]:
        await subject.put(item)
    waiting = asyncio.create_task(subject.put(items[-1]))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert counters.queue_pauses == 1
    taken: list[Any] = []
    thread = threading.Thread(target=lambda: taken.extend(subject.take(1_000, DEADLINE_S) or []))
    thread.start()
    await asyncio.wait_for(waiting, DEADLINE_S)
    thread.join(DEADLINE_S)
    assert [*taken, *(subject.take(1_000, 0) or [])] == items
    assert counters.queue_dropped == 0


async def test_a_cancelled_writer_leaves_nothing_behind() -> None:
    subject, _ = queue(Overflow.WAIT, 1)
    await subject.put(message(1))
    waiting = asyncio.create_task(subject.put(message(2)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert subject.take(10, 0) == [message(1)]
    assert subject.take(10, 0) == []


async def test_one_message_larger_than_the_bound_still_passes() -> None:
    for overflow in Overflow:
        subject, counters = queue(overflow, max_bytes=10)
        await asyncio.wait_for(subject.put(message(1, size=99)), DEADLINE_S)
        assert (len(subject), counters.queue_dropped, counters.queue_pauses) == (1, 0, 0)


@pytest.mark.parametrize(
    ("limits", "items", "kept"),
    [
        ({"max_messages": 3}, [message(n) for n in range(1, 7)], [4, 5, 6]),
        ({"max_bytes": 10}, [message(1, size=6), message(2, size=6)], [2]),
        ({"max_age_ms": 100}, [message(1), message(2, at_ms=60), message(3, at_ms=110)], [2, 3]),
    ],
    ids=["number", "bytes", "age"],
)
async def test_a_live_queue_drops_the_oldest_and_leaves_one_gap_mark(
    limits: dict[str, Any], items: list[RawMessage], kept: list[int]
) -> None:
    subject, counters = queue(Overflow.DROP, **limits)
    for item in items:
        await asyncio.wait_for(subject.put(item), DEADLINE_S)
    first, *rest = subject.take(1_000, 0) or []
    assert isinstance(first, GapMark)
    assert rest == [item for item in items if item.payload[0] in kept]
    assert counters.queue_dropped == len(items) - len(kept)


async def test_the_gap_mark_of_a_loss_is_not_lost_with_the_next() -> None:
    subject, counters = queue(Overflow.DROP, 3)
    for number in range(50):
        await subject.put(message(number, at_ms=number))
    items = subject.take(1_000, 0) or []
    assert [type(item) for item in items] == [GapMark, RawMessage, RawMessage, RawMessage]
    assert counters.queue_dropped == 47


async def test_age_is_that_of_the_oldest() -> None:
    subject, _ = queue(Overflow.WAIT)
    assert subject.age_ns(5) == 0
    await subject.put(message(1, at_ms=1))
    await subject.put(message(2, at_ms=2))
    assert subject.age_ns(4 * MS) == 3 * MS


async def test_an_abandoned_queue_frees_its_writer() -> None:
    subject, _ = queue(Overflow.WAIT, 1)
    await subject.put(message(1))
    waiting = asyncio.create_task(subject.put(message(2)))
    await asyncio.sleep(0)
    assert not waiting.done()
    subject.abandon()
    await asyncio.wait_for(waiting, DEADLINE_S)
