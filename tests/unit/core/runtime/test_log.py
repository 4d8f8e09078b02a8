"""The log: JSON for programs, level kept, on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from core.model.settings import LogSettings
from core.runtime.log import configure_log


@pytest.fixture(autouse=True)
def _usual_log() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_off_a_terminal_each_line_is_a_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(LogSettings())
    structlog.get_logger().info("serving metrics", port=9464, file=Path("a.toml"))
    captured = capsys.readouterr()
    assert captured.out == ""
    line = json.loads(captured.err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "serving metrics", "level": "info", "port": 9464, "file": "a.toml"}


def test_for_people_it_is_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(LogSettings(format="console"))
    structlog.get_logger().info("serving metrics", port=9464)
    line = capsys.readouterr().err
    assert "serving metrics" in line
    assert not line.startswith("{")


def test_what_is_below_the_level_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log(LogSettings(level="warning"))
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["loud"]
