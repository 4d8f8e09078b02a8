"""Further properties of a client: passed on, or refused with what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from core.kafka.client_properties import (
    ClientKind,
    confluent_properties,
    kafka_python_properties,
    require_known,
)
from core.kafka.kafka_python import consumer_configuration, producer_configuration
from core.model.errors import ConfigurationError
from core.model.settings import KafkaSettings, parse_settings


def kafka(client: str, **properties: Any) -> KafkaSettings:
    named = {name.replace("__", "."): value for name, value in properties.items()}
    return parse_settings({"kafka": {"client": client, "client_properties": named}}).kafka


def test_kafka_python_gets_each_property_where_the_kind_of_client_knows_it() -> None:
    settings = kafka("kafka-python", fetch__min__bytes=10, client__dns__lookup="use_all_dns_ips")
    require_known(settings)
    assert consumer_configuration(settings)["fetch_min_bytes"] == 10
    assert "fetch_min_bytes" not in producer_configuration(settings)
    assert kafka_python_properties(settings, ClientKind.ADMIN) == {"client_dns_lookup": "use_all_dns_ips"}


def test_librdkafka_gets_them_as_they_are() -> None:
    settings = kafka("confluent", fetch__min__bytes=10, socket__keepalive__enable=True)
    require_known(settings)
    assert confluent_properties(settings) == {"fetch.min.bytes": 10, "socket.keepalive.enable": True}


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("linger__ms", "linger.ms is set by Rotascope: use kafka.linger_ms"),
        ("ssl__ca__location", "ssl.ca.location is set by Rotascope: use kafka.security"),
        ("enable__idempotence", "enable.idempotence is set by Rotascope and cannot be changed"),
        ("fetch__mn__bytes", "has no property fetch.mn.bytes; did you mean 'fetch.min.bytes'"),
    ],
)
def test_a_property_that_cannot_be_set_is_refused_with_what_to_write(
    client: str, name: str, said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        require_known(kafka(client, **{name: 1}))
    assert said in caught.value.message
    assert caught.value.operator_action


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        require_known(kafka("kafka-python", acks="1", nothing__like__it=1))
    assert "acks" in caught.value.message
    assert "nothing.like.it" in caught.value.message


def test_a_value_that_librdkafka_refuses_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"fetch\.min\.bytes: Invalid value"):
        require_known(kafka("confluent", fetch__min__bytes="many"))
