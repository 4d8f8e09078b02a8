"""A worker as a process of its own, as an operator runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import Any, Self

CHECKOUT = Path(__file__).resolve().parents[2]
START_DEADLINE_S = 150.0
"""Kernels may have to be compiled first."""


class WorkerProcess:
    """`rotascope consume` with its metrics on a free port; killed when the context is left.

    Args:
        arguments: Further arguments of the command.
        program: What Python runs, up to the command.
        environment: Added to the process's own.
    """

    def __init__(
        self,
        *arguments: str,
        program: Sequence[str] = ("-m", "rotascope"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = ("consume", "--metrics-port", "0", *arguments)
        self._program = program
        self._environment = dict(environment or {})
        self._log: deque[dict[str, Any]] = deque()
        self._unparsed: list[str] = []
        self.log_lines: list[str] = []
        """Everything on its standard error, as it came."""

    def __enter__(self) -> Self:
        """Start it."""
        self.process = self._start()
        self._reader = Thread(target=self._read_log, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Make sure that it is gone."""
        self.kill()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()

    @property
    def errors(self) -> str:
        """What it said on standard error besides its log."""
        return "\n".join(self._unparsed)

    def url(self, path: str) -> str:
        """Address of one of its pages; waits until it serves."""
        served = self.logged("serving metrics")
        return f"http://127.0.0.1:{served['port']}{path}"

    def logged(self, event: str, *, deadline_s: float = START_DEADLINE_S) -> dict[str, Any]:
        """Wait for a line of its log."""
        deadline = time.monotonic() + deadline_s
        while True:
            for line in list(self._log):
                if line["event"] == event:
                    return line
            assert self.process.poll() is None, f"it ended before it logged {event!r}: {self.errors}"
            assert time.monotonic() < deadline, f"no {event!r} in its log after {deadline_s} s"
            time.sleep(0.02)

    def lines_of(self, event: str) -> list[dict[str, Any]]:
        """Every line of its log so far that tells of an event."""
        return [line for line in list(self._log) if line["event"] == event]

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of one of its pages."""
        try:
            with urllib.request.urlopen(self.url(path), timeout=30) as answer:  # noqa: S310
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait_until_ready(self, *, deadline_s: float = START_DEADLINE_S) -> None:
        """Wait until /readyz answers 200."""
        deadline = time.monotonic() + deadline_s
        while (answer := self.get("/readyz"))[0] != 200:
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()

    def terminate(self, *, deadline_s: float = 30.0) -> int:
        """Ask it to end in good order; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(deadline_s=deadline_s)

    def wait(self, *, deadline_s: float = START_DEADLINE_S) -> int:
        """Wait until it ends by itself; its exit code."""
        code: int = self.process.wait(timeout=deadline_s)
        self._reader.join()
        return code

    def _start(self) -> Any:
        """A process with the face of `subprocess.Popen`."""
        return subprocess.Popen(
            [sys.executable, *self._program, *self._command],
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log_lines.append(line.rstrip())
            try:
                self._log.append(json.loads(line))
            except json.JSONDecodeError:
                self._unparsed.append(line.rstrip())
