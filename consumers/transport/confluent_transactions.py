"""Transactions of librdkafka: one producer, with a deadline for each transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, Producer, TopicPartition

from consumers.transport.confluent_attempt import COMMIT, AttemptEnd, ConfluentAttempt
from consumers.transport.fences import Fences
from consumers.transport.seam import Outcome, OutcomeKind
from core.kafka.confluent import producer_configuration
from core.kafka.confluent_clients import discard_producer
from core.kafka.confluent_errors import translated
from core.kafka.confluent_refusals import ConfluentRefusals
from core.kafka.records import OutgoingRecord
from core.kafka.security import while_files_are_replaced
from core.model.errors import TransportError
from core.model.settings import KafkaSettings
from core.runtime.deadline import DeadlineCall

_FENCED: Final = (
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)
_LEAST_S: Final = 0.001
"""librdkafka treats a negative time-out as infinite."""


class ConfluentTransactions:
    """Runs whole transactions, each with a deadline.

    Most of librdkafka's calls take a time-out. Sending offsets and aborting do not keep to it while
    a request is in flight, so they run on a thread of their own. A producer whose
    transaction neither committed nor aborted cleanly is never used again.

    Args:
        settings: Addresses, sizes and time-outs.
        transactional_id: The same after a restart, and of no other worker.
        timeout_ms: After which the coordinator aborts an open transaction.
        client_id: What the broker's logs call the producer.
    """

    def __init__(
        self, settings: KafkaSettings, *, transactional_id: str, timeout_ms: int, client_id: str
    ) -> None:
        self.transactional_id = transactional_id
        self._settings = settings
        self._client_id = client_id
        self._own = {
            "transactional.id": transactional_id,
            "transaction.timeout.ms": timeout_ms,
            # librdkafka refuses records that may outlive their transaction.
            "delivery.timeout.ms": min(settings.delivery_timeout_ms, timeout_ms),
        }
        self._producer: Producer | None = None
        self._fences = Fences(transactional_id)

    def transact(
        self,
        sends: Sequence[OutgoingRecord],
        offsets: Sequence[TopicPartition],
        group: Any,
        deadline_ms: int,
    ) -> Outcome:
        """See `Transport.transact`.

        Args:
            sends: The records.
            offsets: With their metadata.
            group: The consumer group metadata as captured.
            deadline_ms: For all of it.
        """
        left_s = _countdown(deadline_ms)
        try:
            producer = self._producer or self._made(deadline_ms)
        except TransportError as error:
            if not error.retriable:
                raise
            return Outcome(OutcomeKind.ABORTED, error.message)
        attempt = ConfluentAttempt(producer, sends, offsets, group, left_s, self._settings)
        call = DeadlineCall[AttemptEnd](attempt.run)
        try:
            ended = call.within(left_s() * 1_000)
        except TimeoutError as error:
            if attempt.refusal is not None:
                self.close()
                raise attempt.refusal from error
            kind = OutcomeKind.UNKNOWN if call.passed == COMMIT else OutcomeKind.ABORTED
            ended = AttemptEnd(Outcome(kind, str(error)))
        except BaseException:
            self.close()
            raise
        if not ended.reusable:
            self.close()
        if ended.code in _FENCED:
            self._fences.note(ended.outcome.reason)
        return ended.outcome

    def rebuild(self, deadline_ms: int) -> None:
        """See `Transport.rebuild_producer`."""
        self.close()
        self._made(deadline_ms)

    def close(self) -> None:
        """Give the producer up, with whatever it has not sent."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            discard_producer(producer)

    def _made(self, deadline_ms: int) -> Producer:
        refusals = ConfluentRefusals(self._settings)
        # Configured for each producer: a certificate may have been replaced since the last producer.
        with while_files_are_replaced():
            usual = producer_configuration(self._settings, self._client_id, refusals)
        with translated("make the transactional producer", self.transactional_id):
            producer = Producer(usual | self._own)
            try:
                producer.init_transactions(deadline_ms / 1000)
            except BaseException:
                producer.poll(0)  # calls back with a refusal, if there was one
                discard_producer(producer)
                refusals.raise_any()
                raise
        self._producer = producer
        return producer


def _countdown(deadline_ms: float) -> Callable[[], float]:
    """Give a function that says how many seconds are left."""
    end_s = time.monotonic() + deadline_ms / 1000
    return lambda: max(_LEAST_S, end_s - time.monotonic())
