"""The outbox keeps what it was given until the commit is known."""

from __future__ import annotations

import pytest

from consumers.worker.outbox import Outbox
from core.kafka.records import OutgoingRecord


def _record(value: bytes) -> OutgoingRecord:
    return OutgoingRecord("topic", b"key", value, ())


def test_a_batch_stays_until_it_is_settled() -> None:
    outbox = Outbox()
    outbox.add([_record(b"a"), _record(b"bb")], next_offset=5)
    batch = outbox.batch("{}")
    assert [record.value for record in batch.records] == [b"a", b"bb"]
    assert (batch.position.offset, batch.position.metadata) == (5, "{}")
    assert (outbox.records, outbox.bytes, outbox.dirty) == (2, 9, True)
    outbox.settle(batch)
    assert (outbox.records, outbox.bytes, outbox.dirty) == (0, 0, False)


def test_what_came_after_the_batch_survives_its_settling() -> None:
    outbox = Outbox()
    outbox.add([_record(b"a")], next_offset=1)
    batch = outbox.batch("")
    outbox.add([_record(b"b")], next_offset=2)
    outbox.settle(batch)
    assert outbox.dirty
    assert [record.value for record in outbox.batch("").records] == [b"b"]


def test_a_batch_that_failed_comes_again_whole_and_in_order() -> None:
    outbox = Outbox()
    outbox.add([_record(b"a")], next_offset=1)
    first = outbox.batch("")
    outbox.add([_record(b"b")], next_offset=2)
    assert outbox.batch("").records == (*first.records, _record(b"b"))


def test_an_offset_alone_is_worth_a_commit() -> None:
    outbox = Outbox()
    assert not outbox.dirty
    outbox.add((), next_offset=1)
    assert outbox.dirty
    outbox.settle(outbox.batch(""))
    assert not outbox.dirty


def test_an_outbox_without_a_position_has_no_batch() -> None:
    with pytest.raises(ValueError, match="never added"):
        Outbox().batch("")
