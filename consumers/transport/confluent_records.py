"""Records and committed metadata of librdkafka in Rotascope's types."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Message

from consumers.snapshots.position import metadata_text
from core.kafka.records import Record


def metadata_of(place: Any) -> str:
    """Read the metadata of a committed offset; bytes of other memory after it do no harm.

    The wrapper reads up to the next zero byte, and raises when that is not UTF-8.
    """
    try:
        return str(place.metadata or "")
    except UnicodeDecodeError as error:
        return metadata_text(error.object)


def record_of(message: Message) -> Record:
    """Convert a message that carries no error."""
    # Without an error none of these is None, although their types allow it.
    found: Any = message
    return Record(
        found.topic(),
        found.partition(),
        found.offset(),
        found.key(),
        found.value() or b"",
        tuple(found.headers() or ()),
        found.timestamp()[1],
    )
