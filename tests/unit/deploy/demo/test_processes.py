"""Programs as processes: what they say, how they fail, and that none is left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.demo.processes import Program, ProgramError, Programs

DEADLINE_S = 60.0


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def server(programs: Programs) -> Program:
    return programs.start("replay server", ["replay", "serve", "bars", "--port", "0", "--format", "json"])


def test_what_a_program_logs_can_be_waited_for(tmp_path: Path) -> None:
    with Programs(tmp_path, os.environ) as programs:
        program = server(programs)
        wait_for(lambda: program.said("listening"))
        listening = program.said("listening")
        assert listening is not None
        assert listening["trades"] == 26_371
        assert program.said("served") is None
        program.require_running()


def test_when_the_context_is_left_all_have_ended(tmp_path: Path) -> None:
    with Programs(tmp_path, os.environ) as programs:
        program = server(programs)
        wait_for(lambda: program.said("listening"))
        assert program.exit_code is None
    assert program.exit_code == 0, "asked to end, it ends cleanly"


def test_what_does_not_end_in_time_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.demo.processes.END_TIMEOUT_S", 0.0)
    with Programs(tmp_path, os.environ) as programs:
        program = server(programs)
    assert program.exit_code is not None


def test_a_program_that_fails_is_shown_with_the_end_of_its_log(tmp_path: Path) -> None:
    with Programs(tmp_path, os.environ) as programs:
        program = programs.start("replay server", ["replay", "serve", "bars", "--days", "yesterday"])
        wait_for(lambda: program.exit_code is not None)
        with pytest.raises(ProgramError) as caught:
            program.require_success()
    assert "the replay server ended with exit code 2" in caught.value.message
    assert "'yesterday' is not a day" in caught.value.message


def test_a_program_that_ends_well_but_too_soon_is_an_error_where_it_is_needed(tmp_path: Path) -> None:
    with Programs(tmp_path, os.environ) as programs:
        program = programs.start("worker", ["--version"])
        wait_for(lambda: program.exit_code is not None)
        assert program.require_success()
        with pytest.raises(ProgramError, match="ended too early"):
            program.require_running()


def test_keys_go_into_the_environment_of_one_program(tmp_path: Path) -> None:
    with Programs(tmp_path, os.environ) as programs:
        arguments = ["replay", "serve", "bars", "--port", "0"]
        program = programs.start("replay server", arguments, {"ROTASCOPE_REPLAY_SECRET": "hidden"})
        seen = Path(f"/proc/{program.pid}")
        # The kernel lets the parent continue a moment before it has laid both out.
        wait_for(lambda: (seen / "environ").read_bytes())
        command = (seen / "cmdline").read_bytes()
        environ = (seen / "environ").read_bytes()
    assert b"replay" in command
    assert b"hidden" not in command
    assert b"ROTASCOPE_REPLAY_SECRET=hidden" in environ
