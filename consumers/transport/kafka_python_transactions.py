"""Transactions of kafka-python: one producer, with a deadline for each transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kafka import KafkaProducer
from kafka.errors import (
    CommitFailedError,
    FencedInstanceIdError,
    InvalidProducerEpochError,
    KafkaError,
    ProducerFencedError,
)

from consumers.transport.fences import Fences
from consumers.transport.kafka_python_attempt import COMMIT, KafkaPythonAttempt
from consumers.transport.seam import Outcome, OutcomeKind
from core.kafka.clients import discard_producer, made
from core.kafka.errors import translated, transport_error
from core.kafka.kafka_python import producer_configuration
from core.kafka.records import OutgoingRecord
from core.kafka.security import while_files_are_replaced
from core.model.errors import TransportError
from core.model.settings import KafkaSettings
from core.runtime.deadline import DeadlineCall

_LEARN_S: Final = 0.5
"""How long a new producer waits for an answer that nothing depends on."""
_STALE_MEMBERSHIP: Final = (CommitFailedError, FencedInstanceIdError)
_FENCED: Final = (ProducerFencedError, InvalidProducerEpochError)


class KafkaPythonTransactions:
    """Runs whole transactions, each with a deadline.

    A producer whose transaction did not commit is never used again. kafka-python 3.0.12 keeps the
    offsets of an aborted transaction and would send them with the next one, also those of a
    partition that another member owns by then; and after a stall it may be in a state in which no
    call returns. A new producer costs some 20 ms.

    Args:
        settings: Addresses, sizes and time-outs.
        transactional_id: The same after a restart, and of no other worker.
        timeout_ms: After which the coordinator aborts an open transaction.
        client_id: What the broker's logs call the producer.
        make_producer: Makes the client's producer; tests put another in its place.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        transactional_id: str,
        timeout_ms: int,
        client_id: str,
        make_producer: Callable[..., Any] = KafkaProducer,
    ) -> None:
        self.transactional_id = transactional_id
        self.topics: tuple[str, ...] = ()
        """Existing topics that a new producer is to know before it is used."""
        self._settings = settings
        self._own = {
            "client_id": client_id,
            "transactional_id": transactional_id,
            "transaction_timeout_ms": timeout_ms,
            # The first transaction looks for its coordinators, each time twice this long.
            "retry_backoff_ms": 5,
        }
        self._make_producer = make_producer
        self._producer: Any = None
        self._fences = Fences(transactional_id)

    def transact(
        self, sends: Sequence[OutgoingRecord], offsets: Mapping[Any, Any], group: Any, deadline_ms: int
    ) -> Outcome:
        """See `Transport.transact`.

        Args:
            sends: The records.
            offsets: kafka-python's offsets by its partitions.
            group: kafka-python's group metadata as captured, or the bare name of a group.
            deadline_ms: For all of it.
        """
        started = time.monotonic()
        if self._producer is None:
            try:
                self.rebuild(deadline_ms)
            except TransportError as error:
                if not error.retriable:
                    raise
                return Outcome(OutcomeKind.ABORTED, error.message)
        producer = self._producer
        left_ms = max(1.0, deadline_ms - (time.monotonic() - started) * 1000)
        attempt = KafkaPythonAttempt(producer, sends, offsets, group)
        call = DeadlineCall[str | None](lambda call: attempt.run(call, left_ms))
        try:
            failure = call.within(left_ms)
        except TimeoutError as error:
            refusal = attempt.refusal()
            if refusal is not None and call.passed != COMMIT:
                self._drop(producer)
                raise refusal from error
            outcome = Outcome(_unless_committing(call, OutcomeKind.ABORTED), str(error))
        except KafkaError as error:
            outcome = self._judge(call, error, attempt.topics)
        except TransportError:
            self._drop(producer)
            raise
        else:
            if failure is None:
                return Outcome(OutcomeKind.COMMITTED)
            outcome = Outcome(OutcomeKind.ABORTED, failure)
        self._drop(producer)
        if any(error.__name__ in outcome.reason for error in _FENCED):
            self._fences.note(outcome.reason)
        return outcome

    def rebuild(self, deadline_ms: int) -> None:
        """See `Transport.rebuild_producer`."""
        if self._producer is not None:
            self._drop(self._producer)
        call = DeadlineCall[Any](lambda call: self._initialised(call, deadline_ms))
        with translated("begin transactions as", self.transactional_id):
            try:
                self._producer = call.within(deadline_ms)
            except TimeoutError as error:
                raise TransportError(f"no transactional producer {self.transactional_id}: {error}") from error

    def close(self) -> None:
        """Give the producer up, with whatever it has not sent."""
        if self._producer is not None:
            discard_producer(self._producer)
            self._producer = None

    def _initialised(self, call: DeadlineCall[Any], deadline_ms: int) -> Any:
        # Configured for each producer: a certificate may have been replaced since the last producer.
        with while_files_are_replaced():
            usual = producer_configuration(self._settings)
        configuration = usual | self._own | {"max_block_ms": deadline_ms}
        producer = made(self._make_producer, **configuration)
        try:
            producer.init_transactions()
            _learn(producer, self.topics)
            call.point_of_no_return("initialised")
        except BaseException:
            discard_producer(producer)
            raise
        return producer

    def _judge(self, call: DeadlineCall[str | None], error: KafkaError, topics: str) -> Outcome:
        reason = repr(error)
        if isinstance(error, _STALE_MEMBERSHIP):
            return Outcome(OutcomeKind.FENCED, reason)
        if call.passed != COMMIT:
            failed = transport_error(f"cannot publish to {topics}", error)
            if not failed.retriable:
                raise failed from error
        return Outcome(_unless_committing(call, OutcomeKind.ABORTED), reason)

    def _drop(self, producer: Any) -> None:
        self._producer = None
        # Closing waits for a thread that may hang, so it runs on a thread of its own.
        threading.Thread(target=discard_producer, args=(producer,), daemon=True).start()


def _learn(producer: Any, topics: Sequence[str]) -> None:
    """Ask once where some topics are.

    kafka-python 3.0.12 asks for a topic when a record is first sent there, and again no sooner than
    100 ms after its last question: a transaction over nine new topics would take a second. It has no
    call for several topics.
    """
    if not topics:
        return
    for topic in topics:
        producer._sender.add_topic(topic)
    answered = threading.Event()
    # The sender adds the topics before it sends a question; one that was on its way may not have them.
    for _ in range(2):
        answered.clear()
        producer._metadata.request_update().add_both(lambda *_: answered.set())
        producer._sender.wakeup()
        answered.wait(_LEARN_S)
        if all(producer._metadata.partitions_for_topic(topic) for topic in topics):
            return


def _unless_committing(call: DeadlineCall[str | None], otherwise: OutcomeKind) -> OutcomeKind:
    return OutcomeKind.UNKNOWN if call.passed == COMMIT else otherwise
