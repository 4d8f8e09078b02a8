"""The command's face: help, settings, and the exit code of each way to fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.model.errors import FeedError, TransportError
from core.model.instruments import Source, Universe
from core.model.settings import Settings
from producers.feeds.alpaca.settings import AlpacaSettings
from producers.feeds.base import Codec, Feed
from producers.ingest import cli
from tests.support.ports import free_port
from tests.support.program import StartedProgram
from tests.support.scrape import metric, metrics_port

runner = CliRunner()
KEYS = {"ROTASCOPE_ALPACA_KEY": "k", "ROTASCOPE_ALPACA_SECRET": "s"}


class Recorder:
    """Represents the run itself, and keeps what it was asked to do."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def __call__(
        self, feed: Feed, source: Source, universe: Universe, settings: Settings, **rest: Any
    ) -> None:
        self.calls.append({"feed": feed, "source": source, "settings": settings, **rest})
        if self.error is not None:
            raise self.error


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(cli, "run_feed", recorder)
    return recorder


def invoke(*arguments: str, env: dict[str, str] | None = None) -> Any:
    return runner.invoke(cli.app, ["alpaca", *arguments], env=KEYS if env is None else env)


def test_flags_reach_the_run(run: Recorder, tmp_path: Path) -> None:
    settings_file = tmp_path / "settings.toml"
    settings_file.write_text('[kafka]\nbootstrap_servers = "file:1"\npartitions = 4\n')
    result = invoke(
        "--settings", str(settings_file), "--url", "ws://127.0.0.1:1/v2/sip", "--codec", "json",
        "--clock", "recorded", "--bootstrap-servers", "flag:2", "--broker-api-version", "2.3",
        "--history", "RUT=rut.csv", "--history-until", "2024-07-05", "--epoch", "0", "--metrics-port", "0",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (call,) = run.calls
    settings: Settings = call["settings"]
    assert settings.kafka.bootstrap_servers == "flag:2"
    assert (settings.kafka.partitions, settings.kafka.api_version) == (4, (2, 3))
    assert (settings.producer.clock, settings.metrics.port) == ("recorded", 0)
    assert [(file.symbol, str(file.file)) for file in settings.history] == [("RUT", "rut.csv")]
    assert (str(call["until"]), call["epoch"]) == ("2024-07-05", 0)
    assert call["feed"].url() == "ws://127.0.0.1:1/v2/sip"
    assert call["feed"].headers() == {"Content-Type": f"application/{Codec.JSON}"}
    assert call["source"].name == "alpaca"


def test_the_epoch_grows_from_run_to_run(run: Recorder) -> None:
    assert invoke().exit_code == invoke().exit_code == 0
    first, second = run.calls
    assert 1_700_000_000_000 < first["epoch"] <= second["epoch"]


@pytest.mark.parametrize(
    ("arguments", "env", "says"),
    [
        ([], {}, "no API key"),
        (["--universe", "nowhere.toml"], KEYS, "nowhere.toml cannot be read"),
        (["--settings", "nowhere.toml"], KEYS, "nowhere.toml"),
        (["--source", "history"], KEYS, "no instrument of the universe has the source 'history'"),
        (["--source", "polygon"], KEYS, "error: --source 'polygon': the universe has no such source"),
        (["--source", "alpac"], KEYS, "did you mean 'alpaca'?"),
        (["--partitions", "4096"], KEYS, "error: settings --partitions: kafka.partitions: "),
        (["--url", "http://127.0.0.1:9701/v2/sip"], KEYS, "write ws://127.0.0.1:9701/v2/sip"),
        (["--history", "RUT"], KEYS, "is not NAME=FILE"),
        (["--broker-api-version", "new"], KEYS, "kafka.api_version"),
        (["--url", "ws://far.example/v2/sip"], KEYS, "ws://far.example/v2/sip is not encrypted"),
        (["--url", "far.example/v2/sip"], KEYS, "'far.example/v2/sip' is not a websocket URL"),
        (["--url", "wss://me:hush@far.example/"], KEYS, "would be visible in the process list"),
        (["--url", "wss://far.example/?token=hush"], KEYS, "would be visible in the process list"),
        (["--secret", "hush"], KEYS, "No such option"),
        (["--key", "hush"], KEYS, "No such option"),
    ],
)
def test_what_cannot_be_used_is_exit_code_two(
    run: Recorder, arguments: list[str], env: dict[str, str], says: str
) -> None:
    result = invoke(*arguments, env=env)
    assert (result.exit_code, run.calls) == (2, [])
    assert says in result.stderr
    assert "hush" not in result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FeedError("auth failed", action="fatal", code=402, operator_action="check the key"), 78),
        (TransportError("no broker", operator_action="start one"), 1),
    ],
)
def test_failures_have_their_exit_codes(run: Recorder, error: Exception, code: int) -> None:
    run.error = error
    result = invoke()
    assert result.exit_code == code
    assert "Operator action: " in result.stderr
    assert "Traceback" not in result.output


def test_a_broker_that_is_not_there_is_waited_for_and_a_stop_ends_the_wait() -> None:
    keys = KEYS | {"ROTASCOPE_KAFKA__BOOTSTRAP_TIMEOUT_MS": "300"}
    servers = ["--bootstrap-servers", f"127.0.0.1:{free_port()}"]
    with StartedProgram("produce", "alpaca", *servers, "--metrics-port", "0", environment=keys) as program:
        port = metrics_port(program)
        program.said("no broker answers")
        assert metric(port, "rotascope_producer_broker_connected") == 0
        assert metric(port, "rotascope_producer_queue_messages") == 0
        program.terminate()
        assert program.wait(20) == 0
    assert program.output == ["stopped: no broker answered, and nothing was read\n"]
    assert len(program.errors) == 2


def test_help_names_the_exit_codes_and_every_flag_says_what_it_does() -> None:
    result = runner.invoke(cli.app, ["alpaca", "--help"])
    assert result.exit_code == 0
    assert "78" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "name the feed first"),
        (["--bootstrap-servers", "kafka:9092"], "feeds: alpaca"),
        (["alpca"], "no feed 'alpca'; did you mean 'alpaca'?"),
        (["polygon"], "no feed 'polygon'; known: alpaca, artefacts-mark, settings-mark"),
    ],
)
def test_a_feed_that_is_not_named_or_not_known_is_exit_code_two(arguments: list[str], says: str) -> None:
    result = runner.invoke(cli.app, arguments, env={"COLUMNS": "160"})
    assert result.exit_code == 2
    assert says in result.stderr


def test_the_keys_come_from_a_file_too_and_the_environment_wins(run: Recorder, tmp_path: Path) -> None:
    settings_file = tmp_path / "settings.toml"
    settings_file.write_text('[alpaca]\nkey_id = "file"\nsecret_key = "file"\nmax_message_bytes = 1000000\n')
    for env in ({}, {"ROTASCOPE_ALPACA_KEY": "mine"}):
        assert invoke("--settings", str(settings_file), env=env).exit_code == 0
    sections = [call["settings"].section("alpaca", AlpacaSettings) for call in run.calls]
    keys = [own.key_id and own.key_id.get_secret_value() for own in sections]
    assert keys == ["file", "mine"]
    assert {call["feed"].max_message_bytes for call in run.calls} == {1_000_000}


def test_a_secret_sent_unencrypted_is_told_once(run: Recorder) -> None:
    env = KEYS | {
        "ROTASCOPE_ALPACA__INSECURE": "true",
        "ROTASCOPE_ALPACA__URL": "ws://me:hush@far.example/v2",
    }
    result = invoke(env=env)
    assert (result.exit_code, len(run.calls)) == (0, 1)
    assert result.stderr.count("the API secret is sent unencrypted") == 1
    assert "ws://far.example/v2" in result.stderr
    assert "hush" not in result.output
