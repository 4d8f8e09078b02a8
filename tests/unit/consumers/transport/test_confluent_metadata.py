"""Metadata of a committed offset, as the confluent-kafka wrapper gives them back."""

from __future__ import annotations

from confluent_kafka import TopicPartition

from consumers.snapshots.position import Position, decode_position
from consumers.transport.confluent_records import metadata_of

POSITION = Position(baseline=7, commits=3)


class Overread:
    """A partition whose metadata run on into memory that is not text, as the wrapper reports it."""

    @property
    def metadata(self) -> str:
        return (POSITION.encode().encode() + b"\xff\x80").decode("utf-8")


def test_memory_that_is_not_text_behind_a_position_does_no_harm() -> None:
    assert decode_position(metadata_of(Overread()), partition=0) == POSITION


def test_metadata_come_back_as_they_are() -> None:
    assert metadata_of(TopicPartition("ticks", 0, 5, POSITION.encode())) == POSITION.encode()
    assert metadata_of(TopicPartition("ticks", 0, 5)) == ""
