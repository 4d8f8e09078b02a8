"""What either client is given of the settings, what is warned of, and what no text repeats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.kafka.confluent import producer_configuration as confluent_producer
from core.kafka.kafka_python import consumer_configuration
from core.kafka.preflight import preflight
from core.kafka.secret_files import read_secret
from core.kafka.security import confluent_security, kafka_python_security, read_access, warnings_of
from core.model.errors import ConfigurationError
from core.model.settings import KafkaSettings, parse_settings


def kafka(servers: str = "kafka:9093", **security: Any) -> KafkaSettings:
    return parse_settings({"kafka": {"bootstrap_servers": servers, "security": security}}).kafka


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("very-secret\n")
    file.chmod(0o600)
    return file


def scram(password_file: Path, protocol: str = "SASL_SSL", servers: str = "kafka:9093") -> KafkaSettings:
    return kafka(
        servers, protocol=protocol, mechanism="SCRAM-SHA-256", username="bob", password_file=password_file
    )


def test_without_security_a_client_is_told_just_that() -> None:
    assert kafka_python_security(kafka()) == {"security_protocol": "PLAINTEXT"}
    assert confluent_security(kafka()) == {"security.protocol": "PLAINTEXT"}


def test_both_clients_get_the_same_user_and_the_password_of_the_file(password_file: Path) -> None:
    words = kafka_python_security(scram(password_file))
    assert words["security_protocol"] == "SASL_SSL"
    assert words["sasl_mechanism"] == "SCRAM-SHA-256"
    assert (words["sasl_plain_username"], words["sasl_plain_password"]) == ("bob", "very-secret")
    assert words["ssl_context"].check_hostname
    others = confluent_security(scram(password_file))
    assert others == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "bob",
        "sasl.password": "very-secret",
    }


def test_a_client_that_is_made_later_gets_what_stands_in_the_file_then(password_file: Path) -> None:
    settings = scram(password_file)
    consumer_configuration(settings)
    password_file.write_text("newer")
    later = consumer_configuration(settings)["sasl_plain_password"]
    assert (later, confluent_producer(settings, "me")["sasl.password"]) == ("newer", "newer")


def test_what_was_read_repeats_no_secret(password_file: Path) -> None:
    assert "very-secret" not in repr(read_access(scram(password_file).security))


@pytest.mark.parametrize("text", ["", "\n", b"\xff\xfe"])
def test_a_file_without_a_secret_is_refused(tmp_path: Path, text: str | bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError, match=r"kafka\.security\.password_file: .* holds no text"):
        read_secret(file, "kafka.security.password_file")


@pytest.mark.parametrize("name", ["ca_file", "certificate_file"])
def test_a_file_that_is_not_there_is_named_with_its_setting(tmp_path: Path, name: str) -> None:
    named: dict[str, Any] = {name: tmp_path / "none.pem"}
    settings = kafka(protocol="SSL", **named)
    with pytest.raises(ConfigurationError) as caught:
        preflight(settings, print)
    assert f"kafka.security.{name}: {tmp_path / 'none.pem'} cannot be read" in caught.value.message


@pytest.mark.parametrize("name", ["ca_file", "certificate_file"])
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "text.pem"
    file.write_text("no certificate")
    named: dict[str, Any] = {name: file}
    with pytest.raises(ConfigurationError, match=f"kafka.security.{name}"):
        preflight(kafka(protocol="SSL", **named), print)


@pytest.mark.parametrize(
    ("protocol", "servers", "warned"),
    [
        ("SASL_PLAINTEXT", "127.0.0.1:9092,localhost:9093,[::1]:9094", False),
        ("SASL_PLAINTEXT", "127.0.0.1:9092, kafka.example:9092", True),
        ("SASL_SSL", "kafka.example:9092", False),
    ],
)
def test_credentials_in_clear_to_another_host_are_warned_of(
    password_file: Path, protocol: str, servers: str, warned: bool
) -> None:
    warnings = list(warnings_of(scram(password_file, protocol, servers)))
    assert [("kafka.example unencrypted" in each) for each in warnings] == [True] * warned


def test_a_secret_that_others_may_read_is_warned_of(password_file: Path) -> None:
    password_file.chmod(0o644)
    (warning,) = warnings_of(scram(password_file))
    assert warning.startswith(f"kafka.security.password_file: other users may read {password_file}")
    assert "very-secret" not in warning
