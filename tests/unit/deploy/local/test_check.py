"""`rotascope check`: exit codes, lines with an operator action, and a count of the problems."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.check_command import check, written


@pytest.fixture(autouse=True)
def _kernels_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.checks.missing_modules", lambda environ: [])


def test_what_comes_with_rotascope_has_no_problem() -> None:
    result = check()
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", "settings"], ["ok", "universe"], ["ok", "catalogue"], ["ok", "calendars"],
        ["ok", "artefacts"],
    ]  # fmt: skip
    assert "11 instruments, 10 pairs against 3 benchmarks" in lines[1]


@pytest.mark.parametrize(
    ("text", "subject", "said"),
    [
        (
            "[kafka]\npartition = 4\n",
            "settings",
            "kafka: unknown key 'partition'; did you mean 'partitions'?",
        ),
        ("[kafka\n", "settings", "rotascope.toml"),
        ("universe_file = 'none.toml'\n", "universe", "none.toml cannot be read"),
        ("catalogue_file = 'none.toml'\n", "catalogue", "none.toml cannot be read"),
        ("[metrics]\nwatched_pairs = ['RUT/SPY']\n", "metrics.watched_pairs", "no pair 'RUT/SPY'; did you"),
        (
            "[kafka]\npartitions = 4\n[worker]\nmembership = 'manual'\nassigned = [4]\n",
            "worker.assigned",
            "0 to 3",
        ),
        (
            "history_source = 'histroy'\n[[history]]\nsymbol = 'RUT'\nfile = 'none.csv'\n",
            "history_source",
            "did you mean 'history'?",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_explained(tmp_path: Path, text: str, subject: str, said: str) -> None:
    result = check("--settings", written(tmp_path, "rotascope.toml", text))
    assert result.exit_code == 2
    problem = next(line for line in result.stdout.splitlines() if line.startswith("problem"))
    assert problem.split()[1] == subject
    assert said in problem
    assert "Operator action:" in result.stdout
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("RUT", "'RUT' is not NAME=FILE"),
        ("RUT=none.csv", "none.csv cannot be read"),
        ("RUTT=none.csv", "did you mean 'RUT'"),
    ],
)
def test_a_history_that_is_not_there_is_explained(flag: str, said: str) -> None:
    result = check("--history", flag)
    assert result.exit_code == 2
    assert said in result.stdout


def test_missing_kernels_are_compiled_before_the_catalogue_needs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled: list[list[str]] = []

    def compile_missing(modules: list[str], tell: Callable[[int, int], None], *, silent: bool) -> None:
        compiled.append(modules)
        tell(1, 1)

    monkeypatch.setattr("deploy.local.checks.missing_modules", lambda environ: ["kernels.rolling"])
    monkeypatch.setattr("deploy.local.checks.compile_missing", compile_missing)
    assert "compiling kernels on" in check().stderr
    assert compiled == [["kernels.rolling"]]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    result = check(
        "--history", f"RUT={tmp_path / 'none.csv'}", "--history", f"SPX={tmp_path / 'none.csv'}"
    )  # fmt: skip
    assert result.stdout.count("problem ") == 2
    assert result.stderr == "error: 2 problems\n"
