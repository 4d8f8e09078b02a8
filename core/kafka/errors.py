"""Converts kafka-python's errors to Rotascope's, with an operator action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from kafka.errors import (
    KafkaConfigurationError,
    KafkaError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)

from core.kafka.broker_errors import BAD_CODEC, MESSAGE_TOO_LARGE, REQUEST_TOO_LARGE, action_of, too_large
from core.kafka.connections import ConnectionRefusedForGoodError
from core.kafka.refusals import write_refused
from core.kafka.unpacking import CorruptBatchError
from core.model.errors import TransportError, UnreadableError

_UNEXPECTED: Final = re.compile(r"Unexpected error in \w+: \[Error (\d+)\]")


@contextmanager
def translated(doing: str, what: str) -> Iterator[None]:
    """Convert the client's errors.

    Args:
        doing: What is tried, for the message.
        what: With what, for the message.

    Raises:
        TransportError: In place of any `KafkaError`; not retriable where a retry cannot help.
    """
    try:
        yield
    except KafkaError as error:
        raise transport_error(f"cannot {doing} {what}", error) from error


def transport_error(message: str, error: KafkaError) -> TransportError:
    """Convert one of kafka-python's errors.

    Args:
        message: What failed.
        error: The client's.
    """
    if isinstance(error, CorruptBatchError):
        return UnreadableError(f"{message}: {_words(error)}", partition=error.partition)
    if isinstance(error, ConnectionRefusedForGoodError):
        return error.refusal
    if isinstance(error, OffsetOutOfRangeError):
        message = f"{message}: the next record was deleted before it was read"
        action, retriable = (
            "give the topic a longer retention.ms, and start once with --missing-baseline rebuild",
            False,
        )
    elif isinstance(error, UnsupportedCodecError):
        action, retriable = BAD_CODEC, False
    elif isinstance(error, KafkaConfigurationError):
        action, retriable = "correct the settings that the message names", False
    else:
        action, retriable = action_of(number_of(error))
    made = TransportError(f"{message}: {_words(error)}", operator_action=action)
    made.retriable = retriable
    return made


def not_delivered(topic: str, error: BaseException, size_bytes: int) -> TransportError:
    """Say why a record is not in the log.

    Args:
        topic: Where it was to go.
        error: What the client's future, or its `send`, ended with.
        size_bytes: Of key and value.

    Returns:
        Not retriable where a retry cannot help.
    """
    if isinstance(error, TransportError):  # already converted
        return error
    if not isinstance(error, KafkaError):
        broken = TransportError(f"a record was not delivered to {topic}: {error!r}")
        broken.retriable = False
        return broken
    if isinstance(error, MessageSizeTooLargeError):
        return _refused_for_its_size(topic, error, size_bytes)
    if isinstance(error, TopicAuthorizationFailedError):
        return write_refused(_refused_topics(error) or {topic}, type(error).__name__)
    return transport_error(f"a record of {size_bytes:,} bytes was not delivered to {topic}", error)


def number_of(error: BaseException | None) -> int | None:
    """Give the number that a broker gave an error; None for what no broker sent.

    Where kafka-python did not expect an error in an answer, only its text has the number.
    """
    number = getattr(error, "errno", None)
    if number is None and isinstance(error, KafkaError) and (found := _UNEXPECTED.search(str(error))):
        return int(found[1])
    return number


def _refused_for_its_size(topic: str, error: Any, size_bytes: int) -> TransportError:
    """The client says in its text what it refused itself; a broker gives a number and no text."""
    own = "max_request_size" in str(error)
    limit = "kafka.max_request_bytes" if own else "max.message.bytes"
    made = TransportError(
        f"{too_large(topic, size_bytes)}: it, or the batch it is in, is above {limit}",
        operator_action=REQUEST_TOO_LARGE if own else action_of(MESSAGE_TOO_LARGE)[0],
    )
    made.retriable = False
    return made


def _refused_topics(error: Any) -> set[str]:
    """Give the topics that the error names: in a transaction it also fails the records of other topics."""
    return {topic for each in error.args for topic in ([each] if isinstance(each, str) else each or ())}


def _words(error: KafkaError) -> str:
    """Name the error, with its text where it has any."""
    text = ", ".join(str(each) for each in error.args if each is not None)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
