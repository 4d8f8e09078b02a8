"""What counts as a refusal of a connection, with either client."""

from __future__ import annotations

from typing import Any, cast

import pytest
from confluent_kafka import KafkaError
from kafka.errors import (
    KafkaConnectionError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)

from core.kafka.confluent_refusals import ConfluentRefusals
from core.kafka.connections import ConnectionRefusedForGoodError, refusal_in
from core.kafka.errors import number_of, translated
from core.kafka.refusals import access_refused
from core.model.errors import AccessRefusedError, ConfigurationError, TransportError
from core.model.settings import KafkaSettings


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SaslAuthenticationFailedError("Invalid username or password"), "Invalid username or password"),
        (UnsupportedSaslMechanismError(), "SASL mechanism"),
        (ConfigurationError("client_secret_file: gone", operator_action="write it"), "gone"),
        (access_refused("no token is issued", "correct it"), "no token is issued"),
    ],
)
def test_what_kafka_python_meets_is_told_as_a_refusal(error: Exception, said: str) -> None:
    refusal = refusal_in(error, "kafka:9093")
    assert refusal is not None
    assert said in refusal.message
    assert refusal.operator_action


@pytest.mark.parametrize("error", [KafkaConnectionError("lost"), TransportError("no token now")])
def test_what_may_pass_is_no_refusal(error: Exception) -> None:
    assert refusal_in(error, "kafka:9093") is None


def test_a_refusal_inside_kafka_python_comes_out_as_it_was() -> None:
    refusal = access_refused("refused", "correct it")
    with pytest.raises(AccessRefusedError) as caught, translated("poll", "ticks"):
        raise ConnectionRefusedForGoodError(refusal)
    assert caught.value is refusal


def test_the_number_of_an_error_that_was_not_expected_is_read_from_its_text() -> None:
    unexpected: Any = KafkaConnectionError("Unexpected error in InitProducerIdResponse: [Error 31] Cluster")
    assert number_of(unexpected) == 31
    assert number_of(KafkaConnectionError("lost")) is None


class Said:
    """An error as librdkafka tells it; its own class cannot be given a text."""

    def __init__(self, code: int, text: str) -> None:
        self._code, self._text = code, text

    def code(self) -> int:
        return self._code

    def name(self) -> str:
        return "NAME"

    def str(self) -> str:
        return self._text


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        (
            KafkaError._AUTHENTICATION,
            "sasl_ssl://kafka:9093/bootstrap: SASL error: Invalid (after 301ms in state AUTH_REQ)",
            "the broker at kafka:9093 refuses the credentials of this client: SASL error: Invalid",
        ),
        (
            KafkaError._TRANSPORT,
            "ssl://kafka:9093/1: Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate: "
            "SSL alert number 42 (after 5ms in state APIVERSION_QUERY)",
            "the broker at kafka:9093 refuses the certificate of this client: bad certificate",
        ),
        (
            KafkaError._SSL,
            "ssl://127.0.0.1:1/1: SSL handshake failed: error:0A000086:SSL::certificate verify failed: "
            "broker certificate could not be verified (after 48ms in state SSL_HANDSHAKE)",
            "the certificate of the broker at 127.0.0.1:1 is not accepted",
        ),
    ],
)
def test_what_librdkafka_tells_of_a_client_is_raised_once(code: int, text: str, said: str) -> None:
    refusals = ConfluentRefusals(KafkaSettings())
    refusals.note(cast(KafkaError, Said(code, text)))
    with pytest.raises(AccessRefusedError) as caught:
        refusals.raise_any()
    assert caught.value.message == said
    refusals.raise_any()


def test_a_broker_that_is_away_is_no_refusal_of_librdkafka() -> None:
    refusals = ConfluentRefusals(KafkaSettings())
    refusals.note(cast(KafkaError, Said(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")))
    refusals.raise_any()
