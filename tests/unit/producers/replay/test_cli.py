from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from producers.replay.cli import app
from tests.support.replay_client import replay_client
from tests.support.shared_data import CHECKOUT

RUN = "from producers.replay.cli import app; app()"


KEYS = {"ROTASCOPE_REPLAY_KEY": "key", "ROTASCOPE_REPLAY_SECRET": "secret"}


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, "serve", *arguments]
    return subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=os.environ | KEYS,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """What is left of its output, once it has ended."""
    output, errors = process.communicate(timeout=60)
    assert errors == ""
    return [json.loads(line) for line in output.splitlines()]


def first_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


async def collect(url: str) -> int:
    async with replay_client(url) as client:
        await client.log_in("key", "secret")
        await client.subscribe("*")
        return sum(len(frame) for frame in await client.frames_until_closed())


def test_serves_the_demo_to_its_end_and_says_so() -> None:
    process = start(
        "bars", "--days", "2024-07-11", "--symbols", "RUT, SPX", "--speed", "0", "--port", "0",
        "--format", "json",
    )  # fmt: skip
    listening = first_line(process)
    assert listening["event"] == "listening"
    assert listening["symbols"] == ["RUT", "SPX"]
    assert asyncio.run(collect(listening["url"])) == listening["trades"]
    told = lines(process)
    assert process.returncode == 0
    assert told[-1]["event"] == "served"
    assert told[-1]["trades_sent"] == listening["trades"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_it_in_order(number: signal.Signals) -> None:
    process = start("bars", "--port", "0", "--format", "json")
    assert first_line(process)["event"] == "listening"
    process.send_signal(number)
    assert [line["event"] for line in lines(process)] == ["stopped"]
    assert process.returncode == 0


def test_text_tells_people_what_is_played() -> None:
    process = start("bars", "--port", "0", "--symbols", "SPY", "--speed", "60")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("listening on ws://127.0.0.1:")
    assert "SPY, 2024-07-08T13:30:00Z to 2024-07-17T20:00:00Z, 60 event" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert "stopped before the end: 0 of" in output


def test_taken_port_ends_with_2_and_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["serve", "bars", "--port", str(port)])
    assert result.exit_code == 2
    assert f"127.0.0.1:{port} is in use" in result.stderr
    assert "Operator action:" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["bars", "none.csv"], "none.csv cannot be read"),
        (["bars", "--symbols", "XYZ"], "no trades of XYZ"),
        (["bars", "--days", "2024-08-01"], "choose from 2024-07-08 to 2024-07-17"),
        (["bars", "--days", "yesterday"], "'yesterday' is not a day"),
        (["bars", "--days", "2024-07-09..2024-07-08"], "is an empty range"),
        (["ticks", "none"], "none does not exist"),
    ],
)
def test_bad_input_ends_with_2_and_a_reason(arguments: list[str], problem: str) -> None:
    result = CliRunner().invoke(app, ["serve", *arguments])
    assert result.exit_code == 2, result.output
    assert problem in result.stderr


def test_bad_files_are_named(tmp_path: Path) -> None:
    not_bars = tmp_path / "bars.csv"
    not_bars.write_text("a,b\n1,2\n")
    result = CliRunner().invoke(app, ["serve", "bars", str(not_bars)])
    assert (result.exit_code, "the header must contain symbol,date,open" in result.stderr) == (2, True)
    bars = tmp_path / "good.csv"
    bars.write_text("symbol,date,open,high,low,close,volume\nSPY,2024-07-08T13:30:00Z,1,1,1,1,1\n")
    closes = tmp_path / "closes.csv"
    closes.write_text("symbol,date,close\nSPY,2024-07-08,-1\n")
    result = CliRunner().invoke(app, ["serve", "bars", str(bars), "--closes", str(closes)])
    assert (result.exit_code, "closes.csv, line 2: a close" in result.stderr) == (2, True)


def test_it_listens_where_it_is_told() -> None:
    process = start("bars", "--host", "::1", "--port", "0", "--symbols", "SPY", "--days", "2024-07-11",
                    "--speed", "0", "--format", "json")  # fmt: skip
    listening = first_line(process)
    assert listening["url"].startswith("ws://[::1]:")
    assert asyncio.run(collect(listening["url"])) == listening["trades"]
    lines(process)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "no-such-host.invalid"], "'no-such-host.invalid' is not a known address or host name"),
        (["--host", "192.0.2.1"], "this machine does not have that address"),
        (["--secret", "hush"], "No such option"),
        (["--key", "hush"], "No such option"),
    ],
)
def test_where_it_cannot_listen_and_what_it_is_not_told(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["serve", "bars", "--port", "0", *arguments])
    assert result.exit_code == 2
    assert said in result.stderr
    assert "--port" not in result.stderr
    assert "hush" not in result.output


def test_a_tick_file_that_does_not_exist_is_named(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    for path, told in (
        (tmp_path / "none.csv.gz", f"error: {tmp_path / 'none.csv.gz'} does not exist"),
        (there, f"error: {there} contains no tick file"),
    ):
        result = CliRunner().invoke(app, ["serve", "ticks", str(path)])
        assert result.exit_code == 2
        assert result.stderr.startswith(told)


def test_the_demos_history_is_written_as_files_that_a_study_reads(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    result = CliRunner().invoke(app, ["history", str(folder)])
    assert result.exit_code == 0, result.output
    assert str(folder) in result.output
    names = {file.name for file in folder.iterdir()}
    assert {"RUT.csv", "SPX.csv", "SPY.csv"} <= names
    rows = (folder / "RUT.csv").read_text().splitlines()
    assert rows[0] == "date,close"
    assert rows[1].startswith("1990-01-02,")
    assert rows[-1].startswith("2024-07-05,"), "the session before the first that is played"
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert CliRunner().invoke(app, ["history", str(blocked / "below")]).exit_code == 2
