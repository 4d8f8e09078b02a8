"""Converts librdkafka's errors to Rotascope's, with an operator action."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from core.kafka.broker_errors import (
    BAD_CODEC,
    BATCH_TOO_LARGE,
    FINAL,
    REQUEST_TOO_LARGE,
    action_of,
    too_large,
)
from core.kafka.refusals import write_refused
from core.model.errors import TransportError

_FINAL: Final[dict[int, str]] = {
    KafkaError._INVALID_ARG: "correct the settings that the message names",
    # librdkafka passes over what it cannot decompress: reading on would lose it.
    KafkaError._BAD_COMPRESSION: BAD_CODEC,
    KafkaError._NOT_IMPLEMENTED: BAD_CODEC,
}
"""librdkafka's own errors that a retry cannot resolve; a broker's are in `core.kafka.broker_errors`."""


def final_action(code: int) -> str | None:
    """Return the operator action for an error that a retry cannot resolve; None for the others."""
    return _FINAL.get(code) or FINAL.get(code)


def not_delivered(topic: str, error: KafkaError, size_bytes: int) -> TransportError:
    """Say why a record is not in the log; not retriable where a retry cannot help."""
    if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
        return write_refused([topic], describe(error))
    if error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
        return _made(f"a record of {size_bytes:,} bytes was not delivered to {topic}", error)
    # What librdkafka refuses itself it names so; a broker sends no text of its own.
    own = "Unable to produce" in error.str()
    limit = "kafka.max_request_bytes" if own else "max.message.bytes"
    made = TransportError(
        f"{too_large(topic, size_bytes)}: it, or the batch it is in, is above {limit}",
        operator_action=REQUEST_TOO_LARGE if own else BATCH_TOO_LARGE,
    )
    made.retriable = False
    return made


def describe(error: KafkaError) -> str:
    """Name an error as librdkafka does, with its text."""
    return f"{error.name()}: {error.str()}"


def lost_place(doing: str, what: str, reason: str) -> TransportError:
    """Say that the log no longer holds the record that comes next."""
    lost = TransportError(
        f"cannot {doing} {what}: the next record was deleted before it was read: {reason}",
        operator_action="give the topic a longer retention.ms, and start once with "
        "--missing-baseline rebuild",
    )
    lost.retriable = False
    return lost


@contextmanager
def translated(doing: str, what: str) -> Iterator[None]:
    """Convert the client's errors.

    Args:
        doing: What is tried, for the message.
        what: With what, for the message.

    Raises:
        TransportError: In place of any `KafkaException`.
    """
    try:
        yield
    except RuntimeError as error:  # the client has been closed
        raise TransportError(f"cannot {doing} {what}: {error}") from error
    except (KafkaException, SystemError) as error:
        raise failed(doing, what, error_in(error)) from error


def error_in(raised: BaseException) -> KafkaError:
    """Find librdkafka's error in what the wrapper raised.

    A fatal error is raised in the middle of the delivery callbacks, so that the next callback of
    the same call fails: Python then reports a SystemError with the error as its cause.
    """
    found = raised.__cause__ if isinstance(raised, SystemError) else raised
    if isinstance(found, KafkaException):
        error: KafkaError = found.args[0]
        return error
    raise raised


def failed(doing: str, what: str, error: KafkaError) -> TransportError:
    """Convert librdkafka's error; not retriable where a retry cannot help."""
    return _made(f"cannot {doing} {what}", error)


def _made(message: str, error: KafkaError) -> TransportError:
    action = final_action(error.code())
    made = TransportError(
        f"{message}: {describe(error)}",
        operator_action=action or action_of(code if (code := error.code()) > 0 else None)[0],
    )
    made.retriable = action is None
    return made
