"""Settings from a file, the environment and flags: which wins, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.model.errors import ConfigurationError
from core.model.settings import HistoryFile, Settings
from core.runtime.settings import PREFIX, collect_settings


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def settings_file(directory: Path, text: str) -> Path:
    path = directory / "rotascope.toml"
    path.write_text(text)
    return path


def test_nothing_said_gives_the_defaults() -> None:
    assert collect_settings(None, {"kafka": {"partitions": None}, "universe_file": None}) == Settings()


def test_a_flag_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "[kafka]\npartitions = 1\nlinger_ms = 11\ncompression = 'lz4'\n[worker]\ngroup_id = 'of-file'\n"
    monkeypatch.setenv("ROTASCOPE_KAFKA__PARTITIONS", "2")
    monkeypatch.setenv("ROTASCOPE_KAFKA__LINGER_MS", "22")
    found = collect_settings(settings_file(tmp_path, text), {"kafka": {"partitions": 3, "client": None}})
    assert (found.kafka.partitions, found.kafka.linger_ms, found.kafka.compression) == (3, 22, "lz4")
    assert found.worker.group_id == "of-file"


def test_the_environment_takes_lists_as_json_and_keys_outside_the_sections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROTASCOPE_KAFKA__API_VERSION", "[2, 3]")
    monkeypatch.setenv("ROTASCOPE_HISTORY", '[{"symbol": "RUT", "file": "RUT.csv"}]')
    monkeypatch.setenv("ROTASCOPE_CATALOGUE_FILE", "catalogue.toml")
    found = collect_settings(None, {})
    assert found.kafka.api_version == (2, 3)
    assert found.history == (HistoryFile(symbol="RUT", file=Path("RUT.csv")),)
    assert found.catalogue_file == Path("catalogue.toml")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ROTASCOPE_KAFKA__PARTITION", "4", "kafka: unknown key 'partition'; did you mean 'partitions'?"),
        ("ROTASCOPE_KAFKA_PARTITIONS", "4", "did you mean 'ROTASCOPE_KAFKA__PARTITIONS'"),
        ("ROTASCOPE_KAFAK__PARTITIONS", "4", "did you mean 'ROTASCOPE_KAFKA__PARTITIONS'"),
        ("ROTASCOPE_UNIVERS_FILE", "u.toml", "did you mean 'ROTASCOPE_UNIVERSE_FILE'"),
        ("ROTASCOPE_KAFKA__PARTITIONS", "four", "kafka.partitions: must be an integer"),
        ("ROTASCOPE_HISTORY", "RUT.csv", "ROTASCOPE_HISTORY is not valid JSON"),
    ],
)
def test_a_variable_that_cannot_be_used_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        collect_settings(None, {})
    assert said in caught.value.message
    assert caught.value.operator_action


def test_a_secret_is_not_repeated_in_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTASCOPE_KAFKA__SECURITY__PASSWORDS", "very-secret")
    with pytest.raises(ConfigurationError) as caught:
        collect_settings(None, {})
    assert "kafka.security: unknown key 'passwords'" in caught.value.message
    assert "very-secret" not in str(caught.value)


def test_addresses_of_kubernetes_services_are_not_taken_for_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against a pod that does not start because a service is called rotascope-worker."""
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_METRICS", "PORT", "PORT_9464_TCP_ADDR"):
        monkeypatch.setenv(f"ROTASCOPE_WORKER_{name}", "tcp://10.0.0.7:9464")
    assert collect_settings(None, {}) == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[kafka]\npartition = 4\n", "kafka: unknown key 'partition'; did you mean 'partitions'?"),
        ("[kafak]\npartitions = 4\n", "unknown section 'kafak'; did you mean 'kafka'?"),
        ("kafka = 4\n", "kafka: must be a table"),
        ("[kafka\n", "rotascope.toml: Expected"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        collect_settings(settings_file(tmp_path, text), {})
    assert said in caught.value.message
    assert caught.value.operator_action


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No such file"):
        collect_settings(tmp_path / "none.toml", {})
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"binary\.toml"):
        collect_settings(binary, {})


def test_a_password_of_kafka_comes_from_the_environment_beside_what_the_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "[kafka.security]\nprotocol = 'SASL_SSL'\nmechanism = 'PLAIN'\nusername = 'bob'\n"
    monkeypatch.setenv("ROTASCOPE_KAFKA__SECURITY__PASSWORD", "very-secret")
    found = collect_settings(settings_file(tmp_path, text), {}).kafka.security
    assert (found.username, found.mechanism) == ("bob", "PLAIN")
    assert found.password is not None
    assert found.password.get_secret_value() == "very-secret"


def test_a_password_of_kafka_in_a_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = "[kafka.security]\npassword = 'very-secret'\n"
    with pytest.raises(ConfigurationError) as caught:
        collect_settings(settings_file(tmp_path, text), {})
    assert "kafka.security.password does not belong in a file" in caught.value.message
    assert "ROTASCOPE_KAFKA__SECURITY__PASSWORD" in str(caught.value.operator_action)
    assert "very-secret" not in str(caught.value)


def test_a_value_in_the_place_of_a_section_is_refused_whatever_else_sets_its_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROTASCOPE_KAFKA__PARTITIONS", "2")
    file = settings_file(tmp_path, 'kafka = "localhost:9092"\n')
    with pytest.raises(ConfigurationError, match=f"settings {file}: kafka: must be a table") as raised:
        collect_settings(file, {"kafka": {"linger_ms": 3}})
    assert "ROTASCOPE_" not in str(raised.value)


def test_a_variable_that_is_not_json_is_named_and_its_value_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROTASCOPE_KAFKA__PARTITIONS", "2")
    monkeypatch.setenv("ROTASCOPE_KAFKA__SECURITY", "hush")
    with pytest.raises(
        ConfigurationError, match="environment: ROTASCOPE_KAFKA__SECURITY is not valid"
    ) as raised:
        collect_settings(None, {})
    assert "hush" not in str(raised.value)


def test_a_check_across_keys_names_no_variable_that_nobody_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROTASCOPE_WORKER__BACKOFF_MAX_MS", "5")
    for text in ("", "[worker]\nbackoff_initial_ms = 10\n"):
        with pytest.raises(ConfigurationError, match="backoff_max_ms is less than") as raised:
            collect_settings(settings_file(tmp_path, text), {})
        assert "ROTASCOPE_WORKER" not in str(raised.value)


def test_values_of_the_wrong_kind_are_refused_in_our_words(tmp_path: Path) -> None:
    text = "universe_file = 3\n[kafka.client_properties]\ntopics = ['a']\n"
    with pytest.raises(ConfigurationError) as raised:
        collect_settings(settings_file(tmp_path, text), {})
    assert "universe_file: must be a path" in str(raised.value)
    assert "kafka.client_properties.topics: must be a text, a number, true or false" in str(raised.value)
