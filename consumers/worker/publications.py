"""Converts the engine's output to Kafka records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from core.events.events import encode_data, event_key, kafka_headers, topic_of
from core.kafka.dead_letters import dead_letter
from core.kafka.records import OutgoingRecord
from core.model.day_bars import BAR_EPOCH, BAR_HEADERS, day_bar_key
from core.model.event_families import EVENT_FAMILIES
from core.model.frames import MAX_RECORDS, encode_frame
from core.model.topics import DAY_BARS_TOPIC, DEAD_LETTERS_TOPIC, EVENTS_PREFIX, MINUTE_BARS_TOPIC
from core.model.value_frames import VALUE_HEADERS, ValueBatch, value_frames

if TYPE_CHECKING:
    from core.events.events import Event
    from core.model.settings import KafkaSettings

DEAD_LETTER_SOURCE: Final = "worker"


class ValuesTopic(NamedTuple):
    """Where the values of pairs go.

    Args:
        name: Topic name.
        shards: Number of its partitions.
    """

    name: str
    shards: int

    @classmethod
    def of(cls, kafka: KafkaSettings) -> Self:
        """The values topic of the settings' generation."""
        return cls(kafka.values_topic, kafka.value_shards)


def output_topics(kafka: KafkaSettings, *, values: bool) -> tuple[str, ...]:
    """Every topic a worker may publish to.

    Args:
        kafka: Names the generation.
        values: Whether it publishes values.
    """
    events = (EVENTS_PREFIX + family for family in EVENT_FAMILIES)
    topics = (*events, MINUTE_BARS_TOPIC, DAY_BARS_TOPIC, DEAD_LETTERS_TOPIC, kafka.snapshots_topic)
    return (*topics, kafka.values_topic) if values else topics


def event_record(event: Event) -> OutgoingRecord:
    """Build the record of an event, in CloudEvents binary content mode, for the topic of its family."""
    return OutgoingRecord(topic_of(event), event_key(event), encode_data(event), tuple(kafka_headers(event)))


def minute_bar_records(bars: NDArray[np.void], partition: int, sequence: int) -> Iterator[OutgoingRecord]:
    """Build frames of minute bars and completeness marks, for the partition of their ticks.

    Args:
        bars: BAR array (n,), n ≥ 1.
        partition: The ticks' partition, which is also the frame's source.
        sequence: Sequence of the first frame. Processing the same record again gives the same
            sequences, so that a reader drops the repeat.

    Yields:
        One record per 1,024 bars.
    """
    for number, start in enumerate(range(0, len(bars), MAX_RECORDS)):
        frame = encode_frame(
            bars[start : start + MAX_RECORDS],
            source=partition,
            epoch=BAR_EPOCH,
            sequence=sequence + number,
        )
        yield OutgoingRecord(MINUTE_BARS_TOPIC, None, frame, BAR_HEADERS, partition)


def day_bar_records(bars: NDArray[np.void], partition: int, offset: int) -> Iterator[OutgoingRecord]:
    """Build one record per day bar, because compaction keeps the last record of a key.

    Args:
        bars: BAR array (n,).
        partition: The ticks' partition, which is also the frame's source.
        offset: Offset of the frame of ticks that completed the day; the frame's sequence.

    Yields:
        One record per bar, key `instrument_id/session`.
    """
    for row in range(len(bars)):
        bar = bars[row : row + 1]
        key = day_bar_key(int(bar["instrument_id"][0]), int(bar["session"][0]))
        frame = encode_frame(bar, source=partition, epoch=BAR_EPOCH, sequence=offset)
        yield OutgoingRecord(DAY_BARS_TOPIC, key, frame, BAR_HEADERS, partition)


def value_records(
    batches: list[ValueBatch], partition: int, offset: int, topic: ValuesTopic
) -> Iterator[OutgoingRecord]:
    """Build frames of values and their marks, for the shards of their pairs.

    Args:
        batches: What one step handed out.
        partition: The ticks' partition, which is also the frames' source.
        offset: Offset of the frame of ticks that was stepped. Processing it again gives the same bytes.
        topic: Where they go.

    Yields:
        For each shard in the order in which values became known.
    """
    for frame in value_frames(batches, partition=partition, offset=offset, shards=topic.shards):
        yield OutgoingRecord(topic.name, None, frame.payload, VALUE_HEADERS, frame.shard)


def dead_letter_record(
    reason: str,
    payload: bytes,
    *,
    max_bytes: int,
    topic: str,
    partition: int,
    offset: int,
    message: str | None = None,
) -> OutgoingRecord:
    """Build the dead letter of unusable input, with its position in the log and its first bytes.

    Args:
        reason: Stable label, as in the counter.
        payload: The whole record, or its invalid tick.
        max_bytes: Maximum bytes kept.
        topic: Topic of the record.
        partition: Partition of the record.
        offset: Offset of the record.
        message: What is wrong, with the figures.
    """
    return dead_letter(
        DEAD_LETTER_SOURCE,
        reason,
        payload[:max_bytes],
        len(payload),
        topic=topic,
        partition=partition,
        offset=offset,
        message=message,
    )
