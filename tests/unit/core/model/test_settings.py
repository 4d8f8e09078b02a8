"""core.model.settings: sensible without a file, and every bad key told with what was meant."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from core.model.errors import ConfigurationError
from core.model.settings import Settings, parse_settings


def problems(values: dict[str, Any]) -> str:
    with pytest.raises(ConfigurationError) as error:
        parse_settings(values)
    assert error.value.operator_action is not None
    return error.value.message.removeprefix("settings: ")


def sections() -> list[type[BaseModel]]:
    defaults = Settings()
    return [type(value) for _, value in defaults if isinstance(value, BaseModel)] + [Settings]


def test_nothing_needs_to_be_set() -> None:
    assert parse_settings({}) == Settings()


def test_the_defaults_that_other_parts_rely_on() -> None:
    settings = Settings()
    assert settings.producer.frame_max_ticks == 512
    assert 5 <= settings.producer.frame_max_age_ms <= 10
    assert settings.producer.backoff_reset_after_s == 30
    assert settings.metrics.host == "127.0.0.1"


def test_values_are_taken_section_by_section() -> None:
    settings = parse_settings(
        {
            "universe_file": "universe.toml",
            "history": [{"symbol": "RUT", "file": "RUT.csv"}],
            "kafka": {"bootstrap_servers": "a:1,b:2", "api_version": [2, 3], "topic_generation": 2},
            "metrics": {"watched_pairs": ["RUT/SPX"]},
        }
    )
    assert settings.universe_file == Path("universe.toml")
    assert [(entry.symbol, entry.file, entry.column) for entry in settings.history] == [
        ("RUT", Path("RUT.csv"), "close")
    ]
    assert (settings.kafka.bootstrap_servers, settings.kafka.api_version) == ("a:1,b:2", (2, 3))
    assert settings.kafka.topic_generation == 2
    assert settings.metrics.watched_pairs == ("RUT/SPX",)


def test_text_from_an_environment_is_understood() -> None:
    settings = parse_settings({"kafka": {"partitions": "4"}, "producer": {"watchdog_silence_s": "60"}})
    assert (settings.kafka.partitions, settings.producer.watchdog_silence_s) == (4, 60.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kafak": {}}, "unknown section 'kafak'; did you mean 'kafka'?"),
        (
            {"kafka": {"bootstrap_server": "a:1"}},
            "kafka: unknown key 'bootstrap_server'; did you mean 'bootstrap_servers' or",
        ),
        ({"log": {"colour": "no"}}, "log: unknown key 'colour'; known: format, level"),
        (
            {"history": [{"symbol": "RUT", "file": "a", "colum": "b"}]},
            "history 'RUT' (number 1): unknown key 'colum'; did you mean 'column' or 'date_column'?",
        ),
        (
            {"producer": {"frame_max_ticks": 1025}},
            "producer.frame_max_ticks: must be at most 1024",
        ),
        ({"producer": {"clock": "wall"}}, "producer.clock: must be 'live' or 'recorded'"),
        ({"kafka": 3}, "kafka: must be a table"),
        ({"metrics": {"port": 65_536}}, "metrics.port: must be at most 65535"),
        ({"replay": {"speed": 60}}, "unknown section 'replay'; known: base_rates_file,"),
        ({"producer": {"backoff_max_ms": 1}}, "producer: backoff_max_ms is less than backoff_initial_ms"),
    ],
)
def test_a_bad_key_is_told_with_what_was_meant(values: dict[str, Any], message: str) -> None:
    assert problems(values).startswith(message)


def test_all_bad_keys_are_told_at_once() -> None:
    assert problems({"kafka": {"partition": 4, "linger_ms": -1}, "workr": {}}) == (
        "(1) kafka.linger_ms: must be at least 0 "
        "(2) kafka: unknown key 'partition'; did you mean 'partitions'? "
        "(3) settings: unknown section 'workr'; did you mean 'worker'?"
    )


def test_a_secret_is_never_shown() -> None:
    secured = {"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "me", "password": "hunter2"}
    settings = parse_settings({"kafka": {"security": secured}})
    assert settings.kafka.security.password is not None
    assert settings.kafka.security.password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings) + settings.model_dump_json()
    wrong = problems(
        {"kafka": {"security": {"password": ["hunter2"], "pass": "hunter2", "protocol": "hunter2"}}}
    )
    assert "hunter2" not in wrong


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_settings_are_frozen_and_refuse_unknown_keys(section: type[BaseModel]) -> None:
    assert section.model_config["frozen"] is True
    assert section.model_config["extra"] == "forbid"
    assert section.__doc__


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_numbers_have_their_unit_in_their_name(section: type[BaseModel]) -> None:
    counts = {"partitions", "value_shards", "ranked_pairs", "topic_generation", "port", "speed"}
    counts |= {"trades_per_frame"}
    units = ("_ms", "_s", "_bytes", "_max", "_ticks", "_messages", "_records")
    numbers = {
        name
        for name, field in section.model_fields.items()
        if isinstance(field.default, int | float) and not isinstance(field.default, bool)
    }
    assert {name for name in numbers - counts if not name.endswith(units)} == set()
