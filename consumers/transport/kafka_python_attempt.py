"""One transaction of kafka-python: its steps, and the missing right that ended it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from kafka.errors import (
    AuthorizationError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)

from consumers.transport.kafka_python_client import KafkaPythonDelivery
from consumers.transport.seam import first_failure, raise_refusal
from core.kafka.errors import not_delivered, transport_error
from core.kafka.records import OutgoingRecord
from core.model.errors import TransportError
from core.runtime.deadline import DeadlineCall

COMMIT: Final = "commit"
"""The point of no return: after it only the coordinator knows the outcome."""


class KafkaPythonAttempt:
    """The steps of `Transport.transact`, run on the thread of a `DeadlineCall`.

    After a broker has refused a request of the transaction, kafka-python 3.0.12 raises a bare
    `KafkaError` from every call, and forgets the cause at the abort. The cause is therefore read from
    its transaction manager before the abort.

    Args:
        producer: kafka-python's, whose transactions have been initialised.
        sends: The records.
        offsets: kafka-python's offsets by its partitions.
        group: kafka-python's group metadata as captured, or the bare name of a group.
    """

    def __init__(
        self, producer: Any, sends: Sequence[OutgoingRecord], offsets: Mapping[Any, Any], group: Any
    ) -> None:
        self._producer = producer
        self._sends = sends
        self._offsets = offsets
        self._group = group
        self._refusal: TransportError | None = None

    def run(self, call: DeadlineCall[str | None], deadline_ms: float) -> str | None:
        """Run the steps.

        Args:
            call: Runs this method.
            deadline_ms: For the flush.

        Returns:
            Why nothing was committed, or None.

        Raises:
            KafkaError: A step failed.
            TransportError: Not retriable: a record or a right is refused.
        """
        self._producer.begin_transaction()
        try:
            # 1
            deliveries = [self._sent(record) for record in self._sends]
            if deliveries:
                with suppress(KafkaTimeoutError):  # each record's own delivery says what became of it
                    self._producer.flush(timeout=deadline_ms / 1000)
            # 2
            failure = first_failure(deliveries)
            raise_refusal(deliveries)
            if failure is not None and (refusal := self.refusal()) is not None:
                raise refusal
            if failure is None:
                # 3
                self._producer.send_offsets_to_transaction(self._offsets, self._group)
        except TransportError as error:
            self._refusal = error
            self._abort(call)
            raise
        except KafkaError as error:
            self._refusal = self.refusal()
            self._abort(call)
            if self._refusal is not None:
                raise self._refusal from error
            raise
        if failure is not None:
            self._abort(call)
            return failure
        # 4
        call.point_of_no_return(COMMIT)
        self._producer.commit_transaction()
        return None

    def refusal(self) -> TransportError | None:
        """Give the missing right or the refused record that ended the attempt; None for another end."""
        if self._refusal is not None:
            return self._refusal
        manager = self._producer._transaction_manager
        cause = None if manager is None else manager.last_error
        if isinstance(cause, TopicAuthorizationFailedError):
            return not_delivered(self.topics, cause, 0)
        if isinstance(cause, AuthorizationError):
            return transport_error(f"cannot publish to {self.topics}", cause)
        return None

    @property
    def topics(self) -> str:
        """The topics of the records, for messages."""
        return ", ".join(sorted({record.topic for record in self._sends}))

    def _sent(self, record: OutgoingRecord) -> KafkaPythonDelivery:
        """Queue one record.

        Where the user may not describe the topic, each `send` waits for an answer of the broker: thousands
        of records would take longer than the deadline, so the first refusal ends the attempt.

        Raises:
            TransportError: The record is refused for its size or its topic.
        """
        size_bytes = len(record.value) + len(record.key or b"")
        try:
            future = self._producer.send(
                record.topic,
                value=record.value,
                key=record.key,
                headers=list(record.headers),
                partition=record.partition,
            )
        except MessageSizeTooLargeError as error:
            raise not_delivered(record.topic, error, size_bytes) from error
        delivery = KafkaPythonDelivery(future, record.topic, size_bytes)
        if (refusal := delivery.refusal()) is not None:
            raise refusal
        return delivery

    def _abort(self, call: DeadlineCall[str | None]) -> None:
        """Let readers go on at once; where this fails, the next producer's start does it."""
        if not call.abandoned:
            with suppress(KafkaError):
                self._producer.abort_transaction()
