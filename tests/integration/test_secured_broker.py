"""The secured broker lets in who it should, and shows nobody more than they may see.

Bare Kafka clients, no code of Rotascope's: where these pass and a test of the product fails, the product
is wrong.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from confluent_kafka.admin import AdminClient
from kafka import KafkaAdminClient

from tests.support.secured.bare_clients import for_confluent, for_kafka_python
from tests.support.secured.listeners import Listener
from tests.support.secured.rights import give, read_lines
from tests.support.secured.users import USERS, Login
from tests.support.secured_broker import Secured

pytestmark = pytest.mark.integration

VISIBLE, HIDDEN = "rig-visible", "rig-hidden"
_WAYS = [(login, True) for login in Login] + [
    (login, False) for login in Login if login is not Login.MUTUAL_TLS
]


@pytest.fixture(scope="module")
def _topics(secured: Secured) -> Iterator[None]:
    client = KafkaAdminClient(bootstrap_servers=[secured.broker.servers(Listener.ADMIN)])
    client.create_topics({name: {"num_partitions": 1} for name in (VISIBLE, HIDDEN)}, wait_for_metadata=True)
    yield
    client.delete_topics([VISIBLE, HIDDEN])
    client.close()


@pytest.mark.parametrize(("login", "encrypted"), _WAYS, ids=str)
@pytest.mark.usefixtures("_topics")
def test_each_way_in_shows_what_the_principal_may_describe(
    secured: Secured, login: Login, encrypted: bool
) -> None:
    principal = USERS[login].principal
    line = "kafka-acls.sh --bootstrap-server b:1 --add --operation Describe"
    give(secured.broker, principal, read_lines([f"{line} --allow-principal {principal} --topic {VISIBLE}"]))
    try:
        python = KafkaAdminClient(**for_kafka_python(secured, login, encrypted=encrypted))
        try:
            assert python.list_topics() == [VISIBLE]
        finally:
            python.close()
        confluent = AdminClient(for_confluent(secured, login, encrypted=encrypted))
        assert list(confluent.list_topics(timeout=10).topics) == [VISIBLE]
    finally:
        give(secured.broker, principal, [])


@pytest.mark.parametrize(
    ("listener", "trusted", "reason"),
    [
        (Listener.SASL_SSL, "authority", None),
        (Listener.SASL_SSL, "stranger", "unable to get local issuer certificate"),
        (Listener.FOREIGN, "authority", "IP address mismatch"),
        (Listener.EXPIRED, "authority", "certificate has expired"),
    ],
)
def test_each_listener_shows_the_certificate_it_is_named_after(
    secured: Secured, listener: Listener, trusted: str, reason: str | None
) -> None:
    context = ssl.create_default_context(cafile=getattr(secured, trusted).certificate)
    host, port = secured.broker.servers(listener).split(":")
    refused = pytest.raises(ssl.SSLCertVerificationError, match=reason) if reason else nullcontext()
    with socket.create_connection((host, int(port)), timeout=10) as connection, refused:
        context.wrap_socket(connection, server_hostname=host).close()
