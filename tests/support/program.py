"""One of our commands as a process of its own, with what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

CHECKOUT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0
ENDING_S = 20.0


class StartedProgram:
    """`rotascope …`, ended when the context is left.

    Args:
        arguments: The command and its arguments.
        environment: Added to the process's own.
        program: What Python runs, up to the command.
    """

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = ("-m", "rotascope"),
    ) -> None:
        self._arguments = arguments
        self._program = program
        self._environment = dict(environment or {})
        self.output: list[str] = []
        self.errors: list[str] = []

    def __enter__(self) -> Self:
        """Start it."""
        self.process = self._start()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [
            self._read(self.process.stdout, self.output),
            self._read(self.process.stderr, self.errors),
        ]
        return self

    def __exit__(self, *exception: object) -> None:
        """Make sure that it is gone, with what it started: a killed demo leaves its programs behind."""
        self.terminate()
        try:
            self.process.wait(ENDING_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.wait()

    def wait(self, deadline_s: float = DEADLINE_S) -> int:
        """Wait for its end, and give its exit code."""
        code: int = self.process.wait(deadline_s)
        for reader in self._readers:
            reader.join(deadline_s)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.send_signal(signal.SIGTERM)

    def said(self, text: str, deadline_s: float = DEADLINE_S) -> str:
        """Wait for a line with this text on either stream."""
        deadline = time.monotonic() + deadline_s
        while True:
            for line in [*self.output, *self.errors]:
                if text in line:
                    return line
            assert self.process.poll() is None, f"it ended without {text!r}: {self.output} {self.errors}"
            assert time.monotonic() < deadline, f"no {text!r} after {deadline_s} s: {self.errors}"
            time.sleep(0.02)

    def _start(self) -> Any:
        """A process with the face of `subprocess.Popen`."""
        return subprocess.Popen(
            [sys.executable, *self._program, *self._arguments],
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _read(self, stream: IO[str], lines: list[str]) -> threading.Thread:
        def read() -> None:
            with stream:
                for line in stream:
                    lines.append(line)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread
