"""Mistakes on the command line end with 2, and say what to do, before anything connects."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import rotascope
from deploy.local.ports import LOOPBACK


def forward(*words: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(rotascope.app, ["events", "forward", *words], env=environment)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "--to is missing"),
        (["--to", "http://example.com/"], "http is not encrypted"),
        (["--to", "https://me:hunter2@example.com/"], "credentials in an address"),
        (
            ["--to", "https://example.com/", "--mode", "both"],
            "forward.mode: must be 'binary' or 'structured'",
        ),
        (["--to", "https://example.com/", "--pair", "RUT/SPY"], "no pair 'RUT/SPY'"),
        (["--to", "https://example.com/", "--definition", "opposite_day"], "no definition 'opposite_day'"),
        (["--to", "https://example.com/", "--secret-file", "/none"], "forward.secret_file /none"),
        (["--to", "https://example.com/", "--ca-file", "/none"], "forward.ca_file /none"),
    ],
)
def test_a_mistake_ends_with_2(words: list[str], says: str) -> None:
    result = forward(*words)
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert "\nOperator action: " in result.stderr
    assert "hunter2" not in result.output


def test_a_secret_is_no_flag() -> None:
    result = forward("--to", "https://example.com/", "--secret", "0123456789abcdef0123")
    assert result.exit_code == 2
    assert "No such option" in result.stderr


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        result = forward("--to", "http://127.0.0.1:9/", "--metrics-port", str(port))
    assert result.exit_code == 2
    assert f"{LOOPBACK}:{port}: the port is in use" in result.stderr


def test_without_a_broker_a_run_with_an_end_ends_with_1() -> None:
    result = forward(
        *("--to", "http://127.0.0.1:9/", "--until-end", "--metrics-port", "0"),
        *("--bootstrap-servers", "127.0.0.1:9"),
        environment={"ROTASCOPE_KAFKA__BOOTSTRAP_TIMEOUT_MS": "300"},
    )
    assert result.exit_code == 1, result.output
    assert "Operator action: " in result.stderr


def test_settings_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rotascope.toml"
    file.write_text('[forward]\nto = "http://10.0.0.7/"\nconnections_max = 2\n')
    result = forward("--settings", str(file))
    assert result.exit_code == 2
    assert "--to http://10.0.0.7: http is not encrypted" in result.stderr
    result = forward("--settings", str(file), "--connections", "65")
    assert result.exit_code == 2
