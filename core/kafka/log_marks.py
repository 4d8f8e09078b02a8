"""Writes a mark into every partition of the ticks: a place in the log from which something is in force."""

from __future__ import annotations

from typing import Final

import numpy as np

from core.kafka.one_shot import send_all
from core.kafka.records import Headers, OutgoingRecord
from core.kafka.topic_reader import TopicReader
from core.model.errors import ConfigurationError
from core.model.frames import encode_frame
from core.model.records import NO_INSTRUMENT, TICK, TICK_VERSION, TickKind
from core.model.settings import KafkaSettings

TICK_HEADERS: Final[Headers] = (
    ("content-type", b"application/vnd.rotascope.frame"),
    ("schema", f"tick/{TICK_VERSION}".encode()),
)


def mark_frame(kind: TickKind, mark: int, *, source_id: int, ts_ns: int, epoch: int) -> bytes:
    """Return a frame that contains only a mark; it is the first one of its epoch.

    Args:
        kind: SETTINGS or ARTEFACTS.
        mark: What the mark names.
        source_id: The source of the daily history. A feed's would fence the feed.
        ts_ns: Wall time of the mark, ns UTC.
        epoch: Producer epoch: higher than that of any earlier run of the source.
    """
    record = np.zeros(1, TICK)
    record["ts_event"] = record["ts_recv"] = ts_ns
    record["instrument_id"] = NO_INSTRUMENT
    record["kind"] = kind
    record["source"] = source_id
    record["trade_id"] = mark
    return encode_frame(record, source=source_id, epoch=epoch, sequence=0)


def write_mark(
    settings: KafkaSettings, kind: TickKind, mark: int, *, source_id: int, ts_ns: int, epoch: int
) -> int:
    """Write a mark to every partition of the ticks topic, and wait until it is there.

    Args:
        settings: How to reach Kafka, and the topic.
        kind: See `mark_frame`, as are the other arguments.
        mark: See above.
        source_id: See above.
        ts_ns: See above.
        epoch: See above.

    Returns:
        Number of partitions.

    Raises:
        ConfigurationError: The topic has a different number of partitions.
        TransportError: The topic is missing, or the broker does not acknowledge a mark.
    """
    with TopicReader(settings, patience_ms=settings.patience_ms) as reader:
        found = len(reader.partitions(settings.ticks_topic))
    if found != settings.partitions:
        raise ConfigurationError(
            f"{settings.ticks_topic} has {found} partitions, the settings say {settings.partitions}",
            operator_action="set kafka.partitions to the topic's number; it is fixed for a generation",
        )
    frame = mark_frame(kind, mark, source_id=source_id, ts_ns=ts_ns, epoch=epoch)
    send_all(
        settings,
        [
            OutgoingRecord(settings.ticks_topic, None, frame, TICK_HEADERS, partition)
            for partition in range(found)
        ],
    )
    return found
