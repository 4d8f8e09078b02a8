"""`rotascope backfill`: what it refuses, and what it hands to the run."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from core.model.instruments import Universe
from core.model.settings import HistoryFile, Settings
from producers.backfill import cli as backfill_cli
from tests.support.ports import free_port

runner = CliRunner()


def test_flags_reach_the_run_and_the_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, Any]] = []

    def run(universe: Universe, settings: Settings, **rest: Any) -> int:
        calls.append({"settings": settings, **rest})
        return 8_690

    monkeypatch.setattr(backfill_cli, "run_backfill", run)
    result = runner.invoke(
        backfill_cli.app,
        ["--history", "RUT=rut.csv", "--history-until", "2024-07-05", "--epoch", "7", "--partitions", "4"],
    )
    assert (result.exit_code, result.stdout) == (0, "published 8,690 sessions of 1 instruments\n")
    (call,) = calls
    assert (call["until"], call["epoch"]) == (date(2024, 7, 5), 7)
    assert call["settings"].history == (HistoryFile(symbol="RUT", file=Path("rut.csv")),)
    assert call["settings"].kafka.partitions == 4


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "there is no history to publish"),
        (["--history", "RUT"], "'RUT' is not NAME=FILE"),
        (["--history", "RUT=none.csv"], "none.csv cannot be read"),
        (["--history", "XYZ=none.csv"], "XYZ"),
    ],
)
def test_what_cannot_be_used_ends_with_2(arguments: list[str], problem: str) -> None:
    result = runner.invoke(backfill_cli.app, arguments)
    assert result.exit_code == 2
    assert problem in result.stderr


def test_a_broker_that_is_not_there_ends_with_1(tmp_path: Path) -> None:
    file = tmp_path / "RUT.csv"
    file.write_text("date,close\n2024-07-03,2036.62\n2024-07-05,2026.73\n")
    arguments = ["--history", f"RUT={file}", "--history-until", "2024-07-05"]
    result = runner.invoke(backfill_cli.app, [*arguments, "--bootstrap-servers", f"127.0.0.1:{free_port()}"])
    assert result.exit_code == 1
    assert "Operator action:" in result.stderr
