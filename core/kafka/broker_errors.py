"""What a broker's error numbers mean to an operator: the same table for every Kafka client.

Numbers are those of the Kafka protocol. An error that a retry cannot resolve is final: the program
ends and names what to change. Some of the others have a hint, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MESSAGE_TOO_LARGE: Final = 10

CHECK_BROKER: Final = "check that the broker runs and that the bootstrap servers can be reached"
"""Where the broker has not answered."""
READ_LOG: Final = "read the broker's log: it answered with this error"
BATCH_TOO_LARGE: Final = (
    "raise max.message.bytes of the topic (max_message_bytes in the topics file, then 'rotascope topics "
    "apply') and, where it is the lower one, the broker's message.max.bytes; or lower kafka.batch_size_bytes"
)
"""The broker refused: its limit is on a batch, not on a record."""
REQUEST_TOO_LARGE: Final = (
    "raise kafka.max_request_bytes, and max.message.bytes of the topic to at least the same"
)
"""The client refused before anything was sent."""
BAD_CODEC: Final = (
    "set compression.type of the topic back with 'rotascope topics apply'. What is in the topic already can "
    "be read after pip install 'kafka-python[zstd]' or 'kafka-python[snappy]', or by a worker with "
    "--client confluent"
)

PRINTED_RIGHTS: Final = "'rotascope topics acls' prints those that each command needs"
CREDENTIALS: Final = (
    "correct kafka.security: the mechanism, the username and its password, or the content of oauth_file; the "
    "broker's log says which it was"
)

FINAL: Final[Mapping[int, str]] = MappingProxyType(
    {
        MESSAGE_TOO_LARGE: BATCH_TOO_LARGE,
        12: "raise the broker's offset.metadata.max.bytes to 4096",
        17: "correct the topic's name",
        18: "raise segment.bytes of the topic, or lower kafka.batch_size_bytes",
        21: "correct the broker's settings: acks=all is refused",
        23: "another program uses this group id: choose another --group-id",
        24: "choose another --group-id",
        26: "set worker.session_timeout_ms between the broker's group.min.session.timeout.ms and "
        "group.max.session.timeout.ms",
        29: f"grant this user its rights on the topic: {PRINTED_RIGHTS}",
        30: f"grant this user its rights on the group: {PRINTED_RIGHTS}",
        31: f"grant this user its rights on the cluster, and to write a topic: {PRINTED_RIGHTS}",
        32: "set message.timestamp.type of the topic to LogAppendTime with 'rotascope topics apply'",
        33: "set kafka.security.mechanism to one that the broker takes",
        35: "the broker is too old for this release, or kafka.api_version is not the broker's: unset it",
        40: "correct the setting that the broker names",
        42: "the broker and this release do not fit together: unset kafka.api_version",
        43: "let the broker write message format 2",
        44: "a policy of the cluster refuses this: read the broker's text",
        50: "lower worker.transaction_timeout_ms to the broker's transaction.max.timeout.ms",
        53: f"grant this user its rights on the transactional id: {PRINTED_RIGHTS}",
        54: "the broker has no security: set kafka.security.protocol to PLAINTEXT",
        58: CREDENTIALS,
        76: BAD_CODEC,
        81: "raise the broker's group.max.size, or run fewer workers",
        82: "another worker runs under the same slot: give each worker its own",
        87: "a compacted topic takes no record without a key, and some settings refuse others: compare the "
        "topic with 'rotascope topics check'",
    }
)
"""Errors that a retry cannot resolve, with the operator action."""

HINTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        3: "create the topics with 'rotascope topics apply', or check the address",
        7: CHECK_BROKER,
        8: CHECK_BROKER,
        13: CHECK_BROKER,
        5: "start the brokers that hold the partition: it has no leader",
        19: "start the brokers that are missing: fewer replicas than min.insync.replicas are in sync",
        20: "start the brokers that are missing: fewer replicas than min.insync.replicas are in sync",
        56: "look at the broker's disks and its log: it cannot read or write there",
        89: "a quota of the cluster slows this client down: raise it",
    }
)
"""Errors that a retry may resolve, with what it needs."""


def action_of(number: int | None) -> tuple[str, bool]:
    """Say what an operator can do about a broker's error, and whether a retry can resolve it.

    Args:
        number: As in the Kafka protocol; None for an error that no broker sent.

    Returns:
        The operator's action, and whether the error is retriable.

    Example:
        >>> action_of(50)[1], action_of(19)[1]
        (False, True)
    """
    if number is None:
        return CHECK_BROKER, True
    if number in FINAL:
        return FINAL[number], False
    return HINTS.get(number, READ_LOG), True


def too_large(topic: str, size_bytes: int) -> str:
    """Say which record the broker did not take.

    Args:
        topic: Where it was to go.
        size_bytes: Of key and value.
    """
    return f"a record of {size_bytes:,} bytes is too large for topic {topic}"
