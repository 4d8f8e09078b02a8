"""The command line as a whole: what is on it, how it helps, and how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import rotascope
from tests.support.ports import free_port

CHECKOUT = Path(__file__).resolve().parents[2]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(rotascope.app, arguments, prog_name="rotascope", env={"COLUMNS": "160"})
    return result.exit_code, COLOURS.sub("", result.stdout), COLOURS.sub("", result.stderr)


def leaves(command: Any, words: tuple[str, ...]) -> dict[tuple[str, ...], Any]:
    """Every command below one that has its own commands, by the words that call it."""
    own = getattr(command, "commands", None)
    if own is None:
        return {words: command}
    return {path: leaf for name, each in own.items() for path, leaf in leaves(each, (*words, name)).items()}


def every_command() -> dict[tuple[str, ...], Any]:
    root: Any = typer.main.get_command(rotascope.app)
    found: dict[tuple[str, ...], Any] = {}
    for name in rotascope.PIECES:
        _, command, _ = root.resolve_command(typer.Context(root), [name])
        found |= leaves(command, (name,))
    return found


COMMANDS = every_command()


def test_the_list_names_every_command_with_what_it_is_for() -> None:
    code, out, _ = run("--help")
    assert code == 0
    for name, piece in rotascope.PIECES.items():
        line = next(line for line in out.splitlines() if line.startswith(f"│ {name} "))
        assert piece.summary in line
    assert "Exit codes" in out


def imported_by(code: str, names: tuple[str, ...]) -> list[str]:
    """Which of these modules a process of its own has imported once it has run the code."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}\nimport sys\nprint(*(name for name in {names} if name in sys.modules))",
        ],
        cwd=CHECKOUT,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_help_imports_nothing_that_only_a_command_needs() -> None:
    """Guards how soon --help answers: these take seconds to import."""
    code = (
        "import rotascope\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(rotascope.app, ['--help']).exit_code == 0"
    )
    assert imported_by(code, ("numba", "kafka", "polars", "pandas", "websockets")) == []


def test_no_command_loads_kernels_before_it_is_called() -> None:
    """Guards `produce --help`, which once compiled every indicator on a fresh machine: a minute."""
    modules = {piece.module for piece in rotascope.PIECES.values()}
    assert imported_by(f"import {', '.join(sorted(modules))}", ("numba", "core.indicators")) == []


def test_a_worker_imports_nothing_that_only_a_study_needs() -> None:
    """Guards how soon a worker starts: a type of the study's once brought polars in."""
    study = (
        "polars",
        "scipy",
        "statsmodels",
        "core.research.rarity",
        "core.research.history",
        "core.research.study",
    )
    assert imported_by("import consumers.worker.run", ("numba", *study)) == ["numba"]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    code, out, _ = run(*words, "--help")
    assert code == 0
    assert f"Usage: rotascope {' '.join(words)}" in out
    command = COMMANDS[words]
    assert command.help
    unexplained = [option.name for option in command.params if not getattr(option, "help", None)]
    assert not unexplained


def bracketed(command: Any) -> list[str]:
    """Every word in brackets of a command's help and of its options'."""
    texts = [command.help, *(getattr(option, "help", None) for option in command.params)]
    return [word for text in texts if text for word in re.findall(r"\[+[^\[\]]*\]+", text)]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_word_in_brackets_is_taken_for_markup(words: tuple[str, ...]) -> None:
    _, out, _ = run(*words, "--help")
    told = " ".join(out.replace("│", " ").split())
    for word in bracketed(COMMANDS[words]):
        assert word.replace("\\[", "[") in told


def test_help_keeps_tables_of_toml(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    app = typer.Typer()

    @app.command(help="Reads [[history]] and [kafka.security] of the settings.")
    def reads(file: str = typer.Option("", help="With a table [[history]], not [bold]that[/bold].")) -> None:
        """Not shown."""

    command = rotascope._literal(typer.main.get_command(app))
    command.main(["--help"], standalone_mode=False)
    out = COLOURS.sub("", capsys.readouterr().out)
    assert "Reads [[history]] and [kafka.security] of the settings." in out
    assert "With a table [[history]], not [bold]that[/bold]." in out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_option_that_is_not_known_ends_with_2(words: tuple[str, ...]) -> None:
    code, out, err = run(*words, "--no-such-option")
    assert (code, out) == (2, "")
    assert "No such option: --no-such-option" in err


def test_a_misspelt_command_gets_a_hint() -> None:
    code, out, err = run("consum")
    assert (code, out) == (2, "")
    assert "Did you mean 'consume'?" in err


def test_no_command_shows_the_help() -> None:
    code, out, err = run()
    assert code == 2
    assert "Usage: rotascope" in out + err


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_that_of_the_package(option: str) -> None:
    code, out, _ = run(option)
    assert code == 0
    assert re.fullmatch(r"rotascope \d+\.\d+\S*\n", out)


@pytest.mark.parametrize(
    "words",
    [
        ["events", "tail", "--until-end"],
        ["topics", "check", "--timeout-ms", "500"],
        ["backfill", "--history", "RUT=history.csv", "--history-until", "2024-07-05"],
        ["consume", "--metrics-port", "0", "--until", "idle"],
        ["demo", "--format", "plain"],
    ],
    ids=lambda words: words[0],
)
def test_without_a_broker_a_command_ends_with_1_and_says_what_to_do(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("history.csv").write_text("date,close\n2024-07-03,2036.62\n2024-07-05,2026.73\n")
    address = f"127.0.0.1:{free_port()}"
    code, _, err = run(*words, "--bootstrap-servers", address)
    assert code == 1, err
    assert address in err
    assert err.rstrip().splitlines()[-1].startswith("Operator action: ")
    assert "Traceback" not in err


def test_the_entry_point_ends_like_the_application() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ROTASCOPE_")}
    done = subprocess.run(
        [sys.executable, "-m", "rotascope", "check"],
        cwd=CHECKOUT,
        env=environ | {"ROTASCOPE_KAFKA__PARTITION": "4"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "kafka: unknown key 'partition'; did you mean 'partitions'?" in done.stdout
    # A first start may say before that kernels are compiled.
    assert done.stderr.splitlines()[-1] == "error: 1 problem"
