"""What a broker's error means: the same for both clients."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError as LibrdkafkaError
from kafka import errors
from kafka.errors import KafkaError

from core.kafka import confluent_errors
from core.kafka.broker_errors import CHECK_BROKER, FINAL, HINTS, action_of
from core.kafka.confluent_errors import failed
from core.kafka.errors import not_delivered, transport_error


@pytest.mark.parametrize("number", sorted({*FINAL, *HINTS}))
def test_both_clients_say_the_same(number: int) -> None:
    ours = transport_error("cannot do it", errors.for_code(number)())
    theirs = failed("do", "it", LibrdkafkaError(number))
    assert ours.operator_action == theirs.operator_action == action_of(number)[0]
    assert ours.retriable == theirs.retriable == (number not in FINAL)


@pytest.mark.parametrize(
    ("error", "words", "retriable"),
    [
        (errors.TopicAuthorizationFailedError(), "grant this user", False),
        (errors.UnknownTopicOrPartitionError(), "rotascope topics apply", True),
        (errors.NotEnoughReplicasError(), "min.insync.replicas", True),
        (errors.InvalidConfigurationError("retention.ms"), "correct the setting", False),
        (errors.KafkaConfigurationError("a < b"), "correct the settings", False),
        (errors.UnsupportedCodecError("Libraries for snappy …"), "kafka-python[snappy]", False),
        (errors.OffsetOutOfRangeError({}), "retention.ms", False),
        (errors.KafkaTimeoutError("nobody"), CHECK_BROKER, True),
        (errors.UnknownError("odd"), "read the broker's log", True),
    ],
)
def test_each_cause_is_named_with_what_to_do(error: KafkaError, words: str, retriable: bool) -> None:
    made = transport_error("cannot publish to rotascope.bars.1d", error)
    assert made.message.startswith(f"cannot publish to rotascope.bars.1d: {type(error).__name__}") or (
        "was deleted before it was read" in made.message
    )
    assert words in str(made.operator_action)
    assert made.retriable is retriable


def test_a_missing_right_to_write_names_the_topic_with_both_clients() -> None:
    ours = [
        not_delivered("events", errors.TopicAuthorizationFailedError({"bars"}), 1),
        not_delivered("bars", errors.TopicAuthorizationFailedError("bars"), 1),
        not_delivered("bars", errors.TopicAuthorizationFailedError(), 1),
    ]
    theirs = confluent_errors.not_delivered(
        "bars", LibrdkafkaError(LibrdkafkaError.TOPIC_AUTHORIZATION_FAILED), 1
    )
    for made in [*ours, theirs]:
        assert made.message.startswith("this user may not write to bars: ")
        assert str(made.operator_action).startswith("grant this user Write on bars: ")
        assert not made.retriable


def test_a_record_that_is_too_large_is_told_with_its_size_and_who_refused_it() -> None:
    by_broker = not_delivered("events", errors.MessageSizeTooLargeError(), 2_000_000)
    text = "The message is 5 bytes … the maximum request size … max_request_size"
    by_client = not_delivered("events", errors.MessageSizeTooLargeError(text), 3_000_000)
    assert by_broker.message.startswith("a record of 2,000,000 bytes is too large for topic events")
    assert "max.message.bytes" in str(by_broker.operator_action)
    assert by_client.message.startswith("a record of 3,000,000 bytes is too large for topic events")
    assert "kafka.max_request_bytes" in str(by_client.operator_action)
    assert not by_broker.retriable
    assert not by_client.retriable
