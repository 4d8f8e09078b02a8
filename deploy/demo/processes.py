"""Runs the demo's programs as separate processes."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from core.model.errors import RotascopeError

TAIL_LINES: Final = 15
"""Number of lines shown from a failed program's log."""
END_TIMEOUT_S: Final = 20.0
"""How long a program may take to publish its output and exit before it is killed."""


class ProgramError(RotascopeError):
    """A program of the demo ended unexpectedly."""


class Program:
    """One `rotascope` command as a process, with its output in one file.

    It has its own process group: Ctrl-C on the terminal reaches only the orchestrator, which then
    stops the programs in order.

    Args:
        name: Display name.
        arguments: Arguments of `rotascope`.
        directory: Directory of its log.
        environ: Its full environment.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], directory: Path, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = directory / f"{name.replace(' ', '-')}.log"
        self._read_to = 0
        self._partial = b""
        self._last: dict[str, dict[str, Any]] = {}
        with self.log.open("wb") as said:
            # Runs this interpreter and command line with arguments built here.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "rotascope", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=dict(environ) | {"PYTHONUNBUFFERED": "1"},
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def said(self, event: str) -> dict[str, Any] | None:
        """Return the last JSON line logged with this `event`, or None."""
        self._read()
        return self._last.get(event)

    def tail(self) -> str:
        """Return the end of its output."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def require_success(self) -> bool:
        """Return whether it has ended successfully.

        Raises:
            ProgramError: It failed; the message includes the tail of its log.
        """
        code = self.exit_code
        if code is None:
            return False
        if code != 0:
            raise ProgramError(
                f"the {self.name} ended with exit code {code}; the end of its log:\n{self.tail()}",
                operator_action="see the message above; 'rotascope check' explains mistakes in settings",
            )
        return True

    def require_running(self) -> None:
        """Raise if it has ended, with any exit code.

        Raises:
            ProgramError: It has ended; the message includes the tail of its log.
        """
        if self.require_success():
            raise ProgramError(
                f"the {self.name} ended too early; the end of its log:\n{self.tail()}",
                operator_action="try again; if it happens again, report it with this log",
            )

    def ask_to_end(self) -> None:
        """Send SIGTERM if it is still running."""
        if self.exit_code is None:
            self._process.terminate()

    def wait(self, deadline_s: float) -> None:
        """Wait until it has ended or the deadline (monotonic) has passed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline_s - time.monotonic()))

    def kill(self) -> None:
        """Send SIGKILL if it is still running."""
        if self.exit_code is None:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        with self.log.open("rb") as said:
            said.seek(self._read_to)
            new = said.read()
        self._read_to += len(new)
        *lines, self._partial = (self._partial + new).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if isinstance(record, dict) and "event" in record:
                    self._last[record["event"]] = record


class Programs:
    """All started programs; every one has ended when the context is left.

    Args:
        directory: Directory of their logs.
        environ: Their environment.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self._directory = directory
        self._environ = environ
        self._programs: list[Program] = []

    def __enter__(self) -> Self:
        """Return the collection."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop what still runs: signal all, then give all the same time to exit."""
        deadline_s = time.monotonic() + END_TIMEOUT_S
        try:
            for program in reversed(self._programs):
                program.ask_to_end()
            for program in self._programs:
                program.wait(deadline_s)
        finally:
            for program in self._programs:
                program.kill()

    def start(self, name: str, arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> Program:
        """Start a program.

        Args:
            name: What people call it.
            arguments: Arguments of `rotascope`.
            environ: Added to the common environment; for keys, which must not show in the
                process list.
        """
        program = Program(name, arguments, self._directory, {**self._environ, **(environ or {})})
        self._programs.append(program)
        return program
