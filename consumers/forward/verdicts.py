"""What an answer of the receiver means."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final, NamedTuple

_RETRIED: Final = (408, 429)
_MS_PER_SECOND: Final = 1_000
_SHOWN_LETTERS: Final = 200


class Treatment(StrEnum):
    """What becomes of the event."""

    ACCEPTED = "accepted"
    RETRY = "retry"
    """Posted again until it is accepted."""
    REFUSED = "refused"
    """Posted a few times more, then a dead letter."""


class Cause(StrEnum):
    """Why a post was not accepted; the label of the retries' counter."""

    TIMED_OUT = "timeout"
    CONNECTION = "connection"
    BUSY = "busy"
    """408 or 429."""
    SERVER = "server_error"
    REFUSED = "refused"
    REDIRECTED = "redirected"


class Answer(NamedTuple):
    """What came of one attempt.

    Args:
        status: HTTP status; None where no whole answer came.
        retry_after: Text of that header; None if it is missing.
        location: Likewise.
        failure: Why no answer came.
        cause: Label of that failure; None where an answer came.
    """

    status: int | None
    retry_after: str | None = None
    location: str | None = None
    failure: str = ""
    cause: Cause | None = None


class Judgement(NamedTuple):
    """What an answer means.

    Args:
        treatment: What becomes of the event.
        cause: Why it was not accepted; None if it was.
        message: The same, for a reader.
    """

    treatment: Treatment
    cause: Cause | None
    message: str


def judge(answer: Answer) -> Judgement:
    """Say what an answer means.

    Args:
        answer: Of one attempt.

    Example:
        >>> [judge(Answer(status)).treatment.value for status in (204, 429, 503, 410, 301)]
        ['accepted', 'retry', 'retry', 'refused', 'refused']
    """
    status = answer.status
    if status is None:
        return Judgement(Treatment.RETRY, answer.cause or Cause.CONNECTION, answer.failure)
    message = f"the receiver answered {status}"
    if 200 <= status < 300:
        return Judgement(Treatment.ACCEPTED, None, message)
    if status in _RETRIED:
        return Judgement(Treatment.RETRY, Cause.BUSY, message)
    if 500 <= status < 600:
        return Judgement(Treatment.RETRY, Cause.SERVER, message)
    if 300 <= status < 400:
        shown = repr((answer.location or "")[:_SHOWN_LETTERS])
        return Judgement(
            Treatment.REFUSED, Cause.REDIRECTED, f"{message}, to {shown}; redirects are not followed"
        )
    return Judgement(Treatment.REFUSED, Cause.REFUSED, message)


def retry_after_ms(text: str | None, *, now_s: float, max_ms: float) -> float | None:
    """Read Retry-After: a number of seconds, or an HTTP date.

    Args:
        text: The header; None if it is missing.
        now_s: Wall time, s UTC.
        max_ms: Longest wait that is honoured.

    Returns:
        The wait, in ms; None where the header is missing or cannot be read.

    Example:
        >>> retry_after_ms("7", now_s=0, max_ms=60_000)
        7000.0
        >>> retry_after_ms("Thu, 01 Jan 1970 00:01:00 GMT", now_s=50, max_ms=60_000)
        10000.0

    Source:
        RFC 9110, §10.2.3.
    """
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        # More digits than a float can hold would raise.
        seconds = float(text) if len(text) < 10 else math.inf
        return min(max_ms, seconds * _MS_PER_SECOND)
    try:
        at = parsedate_to_datetime(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        seconds = at.timestamp() - now_s
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return min(max_ms, max(0.0, seconds * _MS_PER_SECOND))
