"""One transaction of librdkafka: its steps, and the missing right that ended it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from consumers.transport.confluent_client import Sending, produce
from consumers.transport.seam import Outcome, OutcomeKind, first_failure
from core.kafka.confluent_errors import describe, error_in, failed, final_action
from core.kafka.confluent_rights import unwritable_topics
from core.kafka.records import OutgoingRecord
from core.kafka.refusals import write_refused
from core.model.errors import TransportError
from core.model.settings import KafkaSettings
from core.runtime.deadline import DeadlineCall

COMMIT: Final = "commit"
"""The point of no return: after it only the coordinator knows the outcome."""
_STALE_MEMBERSHIP: Final = (
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.FENCED_INSTANCE_ID,
)
_FAILED_EARLIER: Final = (KafkaError._PURGE_QUEUE, KafkaError._STATE)
_MISSING_RIGHTS: Final = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
)


class AttemptEnd(NamedTuple):
    """How an attempt ended.

    Args:
        outcome: As `Transport.transact` returns it.
        code: librdkafka's number of the first error; 0 for none.
        reusable: Whether the producer is in the same state as before the transaction.
    """

    outcome: Outcome
    code: int = 0
    reusable: bool = False


class ConfluentAttempt:
    """The steps of `Transport.transact`, run on the thread of a `DeadlineCall`.

    Args:
        producer: librdkafka's, whose transactions have been initialised.
        sends: The records.
        offsets: With their metadata.
        group: The consumer group metadata as captured.
        left_s: Says how many seconds are left.
        settings: To ask which topics this user may not write to.
    """

    def __init__(
        self,
        producer: Producer,
        sends: Sequence[OutgoingRecord],
        offsets: Sequence[TopicPartition],
        group: Any,
        left_s: Callable[[], float],
        settings: KafkaSettings,
    ) -> None:
        self.refusal: TransportError | None = None
        """Why no other attempt can succeed; known before the abort, which may take all of the time left."""
        self._producer = producer
        self._sends = sends
        self._offsets = list(offsets)
        self._group = group
        self._left_s = left_s
        self._settings = settings

    def run(self, call: DeadlineCall[AttemptEnd]) -> AttemptEnd:
        """Run the steps.

        Args:
            call: Runs this method.

        Raises:
            TransportError: Not retriable: a record or a right is refused.
        """
        deliveries: list[Sending] = []
        try:
            self._producer.begin_transaction()
            # 1
            for record in self._sends:
                sending = Sending(record.topic, len(record.value) + len(record.key or b""))
                produce(self._producer, sending, *record)
                deliveries.append(sending)
            if deliveries:
                self._producer.flush(self._left_s())
            # 2
            if (failure := first_failure(deliveries)) is not None:
                code = next((sent.code for sent in deliveries if sent.code), 0)
                self.refusal = next(
                    (each for sent in deliveries if (each := sent.refusal())), None
                ) or self._hidden_refusal(code)
                ended = AttemptEnd(Outcome(OutcomeKind.ABORTED, failure), code, self._abort(call))
                if self.refusal is not None:
                    raise self.refusal
                return ended
            # 3
            self._producer.send_offsets_to_transaction(self._offsets, self._group, self._left_s())
        except (KafkaException, SystemError) as raised:
            return self._failed(call, raised)
        # 4
        call.point_of_no_return(COMMIT)
        return self._commit()

    def _failed(self, call: DeadlineCall[AttemptEnd], raised: BaseException) -> AttemptEnd:
        """Abort after a step that raised."""
        error = error_in(raised)
        stale = error.code() in _STALE_MEMBERSHIP
        if not stale:
            self.refusal = self._refusal_of(error) or self._hidden_refusal(error.code())
        reusable = self._abort(call)
        if self.refusal is not None:
            raise self.refusal from raised
        kind = OutcomeKind.FENCED if stale else OutcomeKind.ABORTED
        return AttemptEnd(Outcome(kind, describe(error)), error.code(), reusable)

    def _refusal_of(self, error: KafkaError) -> TransportError | None:
        if final_action(error.code()) is None:
            return None
        topics = {record.topic for record in self._sends}
        if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            # The error of a transaction does not name the topic.
            refused = unwritable_topics(self._settings, topics, self._left_s())
            return write_refused(refused or topics, describe(error))
        return failed("publish to", ", ".join(sorted(topics)), error)

    def _hidden_refusal(self, code: int) -> TransportError | None:
        """Find the missing right behind an error that only says that the transaction has failed.

        In that state librdkafka answers the next step with the error that caused it, and sends nothing.
        """
        if code not in _FAILED_EARLIER:
            return None
        try:
            self._producer.send_offsets_to_transaction(self._offsets, self._group, self._left_s())
        except (KafkaException, SystemError) as raised:
            error = error_in(raised)
            return self._refusal_of(error) if error.code() in _MISSING_RIGHTS else None
        return None

    def _commit(self) -> AttemptEnd:
        """From here on only the coordinator knows the outcome."""
        try:
            self._producer.commit_transaction(self._left_s())
        except (KafkaException, SystemError) as raised:
            error = error_in(raised)
            # librdkafka asks for an abort where the coordinator has refused to commit.
            kind = OutcomeKind.ABORTED if error.txn_requires_abort() else OutcomeKind.UNKNOWN
            return AttemptEnd(Outcome(kind, describe(error)), error.code())
        return AttemptEnd(Outcome(OutcomeKind.COMMITTED), reusable=True)

    def _abort(self, call: DeadlineCall[AttemptEnd]) -> bool:
        """Let readers go on at once; where this fails, the next producer's start does it."""
        if call.abandoned:
            return False
        try:
            self._producer.abort_transaction(self._left_s())
        except (KafkaException, SystemError):
            return False
        return True
