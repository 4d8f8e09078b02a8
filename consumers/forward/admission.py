"""Which records of the event topics are posted, and as what."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import msgspec

from consumers.forward.attempts import Attempts, Policy
from consumers.forward.lanes import PendingEvent
from consumers.forward.messages import (
    HttpMessage,
    attributes_of,
    binary_message,
    structured_message,
)
from consumers.inspect.event_filter import EventFilter
from core.kafka.records import Record
from core.model.errors import InputError

_REMEMBERED: Final = 20_000
_MODES: Final[dict[str, Callable[[Any, bytes], HttpMessage]]] = {
    "binary": binary_message,
    "structured": structured_message,
}


class Admission:
    """Turns records into posts.

    Args:
        wanted: The filter.
        mode: `binary` or `structured`.
        policy: Of each event's attempts.
    """

    def __init__(self, wanted: EventFilter, mode: str, policy: Policy) -> None:
        self._wanted = wanted
        self._selects = wanted != EventFilter()
        self._message = _MODES[mode]
        self._policy = policy

    def admit(self, part: Any, record: Record) -> PendingEvent | None:
        """Make the post of a record; None where the filter leaves it out.

        Args:
            part: Its partition.
            record: Of an event topic.

        Raises:
            InputError: The record is not an event.
        """
        attributes = attributes_of(record)
        if self._selects and not self._admits(record.value):
            return None
        message = self._message(attributes, record.value)
        return PendingEvent(
            part, record.offset, attributes["id"], message, record.value, Attempts(self._policy)
        )

    def _admits(self, value: bytes) -> bool:
        try:
            return self._wanted.admits(msgspec.json.decode(value))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"not the data of an event: {error!r}") from error


class RecentlySent:
    """The latest events that were sent, so that a change of the Kafka client does not repeat them.

    Args:
        size: How many are remembered.

    Example:
        >>> recent = RecentlySent(2)
        >>> for place in ("a", "b", "c"):
        ...     recent.add(place)
        >>> "a" in recent, "c" in recent
        (False, True)
    """

    def __init__(self, size: int = _REMEMBERED) -> None:
        self._size = size
        self._places: OrderedDict[object, None] = OrderedDict()

    def add(self, place: object) -> None:
        """Remember one; the oldest is forgotten."""
        self._places[place] = None
        if len(self._places) > self._size:
            self._places.popitem(last=False)

    def __contains__(self, place: object) -> bool:
        return place in self._places
