"""The programs of the demo, as processes of their own."""

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
"""Lines of a failed program's log that are shown."""
END_TIMEOUT_S: Final = 20.0
"""How long a program may take to publish what it has and to go; then it is killed."""


class ProgramError(RotascopeError):
    """A program of the demo ended when it should not have."""


class Program:
    """One `rotascope` command as a process, with everything it says in one file.

    It is in a process group of its own: Ctrl-C on the terminal reaches the orchestrator alone,
    which then ends the programs in their order.

    Args:
        name: What people call it.
        arguments: Of `rotascope`.
        directory: Where its log goes.
        environ: Its whole environment.
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
            # The interpreter and the command line that run the demo, with arguments made here.
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
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def said(self, event: str) -> dict[str, Any] | None:
        """The last JSON line it has logged under this `event`, or None."""
        self._read()
        return self._last.get(event)

    def tail(self) -> str:
        """The end of what it said."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def require_success(self) -> bool:
        """Say whether it has ended, and well.

        Raises:
            ProgramError: It failed; the message ends with the tail of its log.
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
        """Refuse that it has ended, however.

        Raises:
            ProgramError: It has; the message ends with the tail of its log.
        """
        if self.require_success():
            raise ProgramError(
                f"the {self.name} ended before its time; the end of its log:\n{self.tail()}",
                operator_action="try again; if it happens again, report it with this log",
            )

    def ask_to_end(self) -> None:
        """SIGTERM, if it still runs."""
        if self.exit_code is None:
            self._process.terminate()

    def wait(self, deadline_s: float) -> None:
        """Wait until it has ended, or until the deadline (monotonic)."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline_s - time.monotonic()))

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
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
    """All programs that have been started; every one has ended when the context is left.

    Args:
        directory: Where their logs go.
        environ: Their environment.
    """

    def __init__(self, directory: Path, environ: Mapping[str, str]) -> None:
        self._directory = directory
        self._environ = environ
        self._programs: list[Program] = []

    def __enter__(self) -> Self:
        """Give the collection itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End what still runs: all are asked, then all get the same time to go, whatever happens."""
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
            arguments: Of `rotascope`.
            environ: Added to the environment of all; here go keys, which must not be seen in a
                list of processes.
        """
        program = Program(name, arguments, self._directory, {**self._environ, **(environ or {})})
        self._programs.append(program)
        return program
