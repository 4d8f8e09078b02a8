"""The form of a dead letter: input that could not be used, with its place and its first bytes."""

from __future__ import annotations

import base64
from typing import Final

import msgspec

from core.kafka.records import Headers, OutgoingRecord
from core.model.topics import DEAD_LETTERS_TOPIC

DEAD_LETTER_HEADERS: Final[Headers] = (("content-type", b"application/json"),)


def dead_letter(
    source: str,
    reason: str,
    payload: bytes,
    payload_bytes: int,
    *,
    topic: str | None = None,
    partition: int | None = None,
    offset: int | None = None,
    where: str | None = None,
    message: str | None = None,
) -> OutgoingRecord:
    """Make the record of one, as `dead-letter.schema.json` has it.

    Args:
        source: Who refused it; also the key.
        reason: A stable label, also that of the counter.
        payload: As much of it as is kept.
        payload_bytes: Length of the whole.
        topic: The record's topic, if it was read from a log.
        partition: Likewise.
        offset: Likewise.
        where: Which part of a producer refused it.
        message: What is wrong, with the figures.
    """
    body: dict[str, object] = {"source": source, "topic": topic, "partition": partition, "offset": offset}
    if where is not None:
        body["where"] = where
    body |= {
        "reason": reason,
        "payload_bytes": payload_bytes,
        "payload_base64": base64.b64encode(payload).decode(),
    }
    if message is not None:
        body["message"] = message
    return OutgoingRecord(DEAD_LETTERS_TOPIC, source.encode(), msgspec.json.encode(body), DEAD_LETTER_HEADERS)
