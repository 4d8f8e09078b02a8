"""Which settings of a secured Kafka fit together, and that no secret is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.model.errors import ConfigurationError
from core.model.kafka_security import KafkaSecurity, parse_oauth_client
from core.model.settings import parse_settings

OAUTH = """
token_endpoint = "https://id.example/token"
client_id = "rotascope"
client_secret = "very-secret"
scope = "kafka"
"""


def security(**values: Any) -> KafkaSecurity:
    return parse_settings({"kafka": {"security": values}}).kafka.security


SCRAM = {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "username": "bob"}


@pytest.mark.parametrize(
    ("values", "encrypts", "authenticates"),
    [
        ({}, False, False),
        ({"protocol": "SSL"}, True, False),
        ({"protocol": "SSL", "ca_file": "ca.pem", "certificate_file": "c.pem"}, True, False),
        ({**SCRAM, "password": "p"}, True, True),
        ({**SCRAM, "protocol": "SASL_PLAINTEXT", "password_file": "p"}, False, True),
        ({"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER", "oauth_file": "o.toml"}, True, True),
    ],
)
def test_what_fits_together_is_taken(values: dict[str, Any], encrypts: bool, authenticates: bool) -> None:
    found = security(**values)
    assert (found.encrypts, found.authenticates) == (encrypts, authenticates)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"protocol": "SASL_SSL"},
            "kafka.security: protocol SASL_SSL needs a mechanism: PLAIN, SCRAM-SHA-256",
        ),
        ({"mechanism": "PLAIN"}, "mechanism needs protocol SASL_PLAINTEXT or SASL_SSL, not PLAINTEXT"),
        ({"protocol": "SSL", "username": "bob"}, "username needs protocol SASL_PLAINTEXT or SASL_SSL"),
        ({"ca_file": "ca.pem"}, "ca_file needs protocol SSL or SASL_SSL, not PLAINTEXT"),
        ({"protocol": "SSL", "key_file": "k.pem"}, "key_file needs certificate_file"),
        ({"protocol": "SSL", "key_password_file": "k"}, "key_password_file needs certificate_file"),
        ({**SCRAM, "username": None, "password": "p"}, "mechanism SCRAM-SHA-512 needs a username"),
        (SCRAM, "needs a password_file or a password in the environment, not both"),
        ({**SCRAM, "password": "p", "password_file": "p"}, "not both"),
        ({**SCRAM, "password": "p", "oauth_file": "o"}, "oauth_file needs mechanism OAUTHBEARER"),
        ({"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER"}, "OAUTHBEARER needs oauth_file"),
        (
            {"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER", "oauth_file": "o", "username": "bob"},
            "username is of no use with OAUTHBEARER",
        ),
        ({"mechanism": "SCRAM-SHA-1"}, "kafka.security.mechanism: must be 'PLAIN'"),
        ({"certfile": "c"}, "kafka.security: unknown key 'certfile'; did you mean"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        security(**values)
    assert said in caught.value.message
    assert caught.value.operator_action


def test_a_password_is_in_no_text_of_the_settings() -> None:
    found = security(**SCRAM | {"password": "very-secret"})
    assert found.password is not None
    assert found.password.get_secret_value() == "very-secret"
    assert "very-secret" not in f"{found!r} {found} {found.model_dump_json()}"


def test_the_files_are_named_by_setting() -> None:
    found = security(protocol="SSL", ca_file="ca.pem", certificate_file="c.pem")
    assert found.named_files == {"ca_file": Path("ca.pem"), "certificate_file": Path("c.pem")}


def test_properties_of_the_client_may_be_written_as_tables() -> None:
    found = parse_settings({"kafka": {"client_properties": {"fetch": {"min.bytes": 1}, "check.crcs": False}}})
    assert found.kafka.client_properties == {"fetch.min.bytes": 1, "check.crcs": False}


def test_a_file_of_a_token_endpoint_is_read() -> None:
    found = parse_oauth_client(OAUTH, Path("oauth.toml"))
    assert (found.token_endpoint, found.client_id, found.scope) == (
        "https://id.example/token",
        "rotascope",
        "kafka",
    )
    assert "very-secret" not in repr(found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://id.example", "http://id.example", "token_endpoint is http to another host"),
        ("https://id.example", "ftp://id.example", "token_endpoint is no https address"),
        ("https://id.example", "https://me:very-secret@id.example", "token_endpoint holds a user"),
        ("https://id.example", "https://[::1", "token_endpoint is no address"),
        ("client_secret =", "client_secrets =", "unknown key 'client_secrets'; did you mean 'client_secret'"),
        ('client_secret = "very-secret"', "", "needs client_secret or client_secret_file"),
        ("scope =", "scope", "not valid TOML"),
    ],
)
def test_a_file_of_a_token_endpoint_that_cannot_be_used_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_oauth_client(OAUTH.replace(old, new), Path("oauth.toml"))
    assert said in caught.value.message
    assert "kafka.security.oauth_file oauth.toml" in caught.value.message
    assert "very-secret" not in str(caught.value)


def test_plain_http_is_taken_to_this_machine() -> None:
    text = OAUTH.replace("https://id.example", "http://127.0.0.1:8080")
    assert parse_oauth_client(text, Path("o")).token_endpoint.startswith("http://127.0.0.1:8080/")
