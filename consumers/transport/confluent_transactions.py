"""Transactions of librdkafka: one producer, and the calls that may hang in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from consumers.transport.confluent_client import Sending, discard, produce
from consumers.transport.fences import Fences
from consumers.transport.seam import Outcome, OutcomeKind, first_failure, raise_refusal
from core.kafka.confluent import producer_configuration
from core.kafka.confluent_errors import describe, error_in, failed, final_action, translated
from core.kafka.confluent_refusals import ConfluentRefusals
from core.kafka.records import OutgoingRecord
from core.kafka.security import while_files_are_replaced
from core.model.errors import TransportError
from core.model.settings import KafkaSettings
from core.runtime.deadline import DeadlineCall

_COMMIT: Final = "commit"
_STALE_MEMBERSHIP: Final = (
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.FENCED_INSTANCE_ID,
)
_FENCED: Final = (
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)
_LEAST_S: Final = 0.001
"""librdkafka takes what is less than nothing for 'for ever'."""


class _Ended(NamedTuple):
    outcome: Outcome
    code: int = 0
    """librdkafka's number of what went wrong first."""
    reusable: bool = False
    """Whether the producer stands as it did before the transaction."""


class ConfluentTransactions:
    """Runs whole transactions, each with a deadline.

    Most of librdkafka's calls take a time-out. Sending offsets and aborting do not keep to it while
    a request is on its way, so a thread stands between them and the worker. A producer whose
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
        call = DeadlineCall[_Ended](
            lambda call: _transaction(call, producer, sends, list(offsets), group, left_s)
        )
        try:
            ended = call.within(left_s() * 1_000)
        except TimeoutError as error:
            kind = OutcomeKind.UNKNOWN if call.passed == _COMMIT else OutcomeKind.ABORTED
            ended = _Ended(Outcome(kind, str(error)))
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
            discard(producer)

    def _made(self, deadline_ms: int) -> Producer:
        refusals = ConfluentRefusals(self._settings)
        # Configured anew each time: a certificate may have been replaced since the last producer.
        with while_files_are_replaced():
            usual = producer_configuration(self._settings, self._client_id, refusals)
        with translated("make the transactional producer", self.transactional_id):
            producer = Producer(usual | self._own)
            try:
                producer.init_transactions(deadline_ms / 1000)
            except BaseException:
                producer.poll(0)  # which tells of a refusal, where there was one
                discard(producer)
                refusals.raise_any()
                raise
        self._producer = producer
        return producer


def _transaction(
    call: DeadlineCall[_Ended],
    producer: Producer,
    sends: Sequence[OutgoingRecord],
    offsets: list[TopicPartition],
    group: Any,
    left_s: Callable[[], float],
) -> _Ended:
    """The steps of `Transport.transact`."""
    deliveries: list[Sending] = []
    try:
        producer.begin_transaction()
        # 1
        for record in sends:
            sending = Sending(record.topic, len(record.value) + len(record.key or b""))
            produce(producer, sending, *record)
            deliveries.append(sending)
        if deliveries:
            producer.flush(left_s())
        # 2
        if (failure := first_failure(deliveries)) is not None:
            code = next((sending.code for sending in deliveries if sending.code), 0)
            aborted = Outcome(OutcomeKind.ABORTED, failure)
            ended = _Ended(aborted, code, _abort(call, producer, left_s))
            raise_refusal(deliveries)
            return ended
        # 3
        producer.send_offsets_to_transaction(offsets, group, left_s())
    except (KafkaException, SystemError) as raised:
        error = error_in(raised)
        reusable = _abort(call, producer, left_s)
        if error.code() in _STALE_MEMBERSHIP:
            return _Ended(Outcome(OutcomeKind.FENCED, describe(error)), error.code(), reusable)
        if final_action(error.code()) is not None:
            raise failed("publish to", ", ".join({record.topic for record in sends}), error) from raised
        return _Ended(Outcome(OutcomeKind.ABORTED, describe(error)), error.code(), reusable)
    # 4
    call.point_of_no_return(_COMMIT)
    return _commit(producer, left_s)


def _commit(producer: Producer, left_s: Callable[[], float]) -> _Ended:
    """From here on only the coordinator knows."""
    try:
        producer.commit_transaction(left_s())
    except (KafkaException, SystemError) as raised:
        error = error_in(raised)
        # librdkafka asks for an abort where the coordinator has refused to commit.
        kind = OutcomeKind.ABORTED if error.txn_requires_abort() else OutcomeKind.UNKNOWN
        return _Ended(Outcome(kind, describe(error)), error.code())
    return _Ended(Outcome(OutcomeKind.COMMITTED), reusable=True)


def _abort(call: DeadlineCall[_Ended], producer: Producer, left_s: Callable[[], float]) -> bool:
    """Let readers go on at once; where this fails, the next producer's start does it."""
    if call.abandoned:
        return False
    try:
        producer.abort_transaction(left_s())
    except (KafkaException, SystemError):
        return False
    return True


def _countdown(deadline_ms: float) -> Callable[[], float]:
    """Give a function that says how many seconds are left."""
    end_s = time.monotonic() + deadline_ms / 1000
    return lambda: max(_LEAST_S, end_s - time.monotonic())
