"""Interface of the publishers: frames, side records, flush and close."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from core.kafka import log_marks
from core.kafka.dead_letters import dead_letter
from producers.feeds.base import MAX_REJECT_BYTES, Reject
from producers.framing.framer import Frame

SIDE: Final = -1
"""Pseudo-partition of the keyed side topics, which have their own budget."""

TICK_HEADERS: Final = list(log_marks.TICK_HEADERS)

Headers = list[tuple[str, bytes]]


class Outlet(ABC):
    """Sends frames and side records.

    Args:
        topic: The ticks topic.
        source: Name of the source: the key of its dead letters.
    """

    def __init__(self, *, topic: str, source: str) -> None:
        self._topic = topic
        self._source = source

    def send(self, frame: Frame) -> None:
        """Send one frame; if the outlet waits, block while there is no room.

        Raises:
            TransportError: This or an earlier record could not be delivered.
        """
        self._send(frame.partition, self._topic, None, frame.payload, TICK_HEADERS, partition=frame.partition)

    def dead_letter(self, reject: Reject, where: str) -> None:
        """Send a reject to the dead letters.

        Args:
            reject: Reason and payload.
            where: Stage of the producer that rejected it.

        Raises:
            TransportError: This or an earlier record could not be delivered.
        """
        many = f"represents {reject.items} items of one message; this is the first of them"
        letter = dead_letter(
            self._source,
            reject.reason,
            reject.payload[:MAX_REJECT_BYTES],
            reject.whole_bytes,
            where=where,
            message=many if reject.items > 1 else None,
        )
        self.keyed(letter.topic, self._source.encode(), letter.value, list(letter.headers))

    def keyed(
        self, topic: str, key: bytes, value: bytes, headers: Headers, *, partition: int | None = None
    ) -> None:
        """Send a record to a side topic; the key determines the partition unless one is given.

        Raises:
            TransportError: This or an earlier record could not be delivered.
        """
        self._send(SIDE, topic, key, value, headers, partition=partition)

    @abstractmethod
    def flush(self, timeout_s: float | None) -> None:
        """Wait until every record is acknowledged; None for no limit.

        Raises:
            TransportError: A record could not be delivered, or not within the timeout.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the client; sends nothing more and never raises."""

    @abstractmethod
    def give_up_in(self, seconds: float) -> None:
        """Limit every wait for the broker to this many seconds from now."""

    @abstractmethod
    def _send(
        self,
        slot: int,
        topic: str,
        key: bytes | None,
        value: bytes,
        headers: Headers,
        *,
        partition: int | None = None,
    ) -> None:
        """Send one record; `slot` is its partition, or SIDE."""
