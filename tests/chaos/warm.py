"""Processes that begin where a warm one stands: imports done, kernels loaded.

A worker is started some hundred times in a run, and what a start costs in Python's imports is of
no interest here. The child is a process like any other: it has its own memory, signals and sockets.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import IO

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.chaos.preloaded"])


def warm_up() -> None:
    """Begin with the imports now, beside whatever else takes its time."""
    forkserver.ensure_running()


class WarmProcess:
    """One process under `tests.chaos.launch`, with the face of `subprocess.Popen`.

    Args:
        arguments: Of the launcher.
        environment: Added to its own.
    """

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        output, output_end = _CONTEXT.Pipe(duplex=False)
        errors, errors_end = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(
            target=_run, args=(list(arguments), dict(environment), output_end, errors_end), daemon=True
        )
        self._process.start()
        output_end.close()
        errors_end.close()
        self.stdout = _stream(output)
        self.stderr = _stream(errors)

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired("tests.chaos.launch", timeout or 0.0)
        return code

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None and self._process.pid is not None:
            os.kill(self._process.pid, number)


def _stream(connection: Connection) -> IO[str]:
    with connection:
        return os.fdopen(os.dup(connection.fileno()), "r", encoding="utf-8")


def _run(arguments: list[str], environment: dict[str, str], output: Connection, errors: Connection) -> None:
    for connection, descriptor in ((output, 1), (errors, 2)):
        os.dup2(connection.fileno(), descriptor)
        connection.close()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.update(environment)
    from tests.chaos.launch import main

    main(arguments)
