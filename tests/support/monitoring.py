"""Prometheus, Alertmanager and their tools, as processes of a test, and a webhook that listens."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.support.ports import LOOPBACK, free_port, wait_until_answering

T = TypeVar("T")
DEADLINE_S = 60.0


def tool(*names: str) -> str:
    """Where a program is, under any of its names; the test fails without it."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(f"{names[0]} is not installed: make test-tools", pytrace=False)
    return found


def run_tool(name: str, *arguments: str | Path) -> tuple[int, str]:
    """Run promtool or amtool; its exit status and all it said."""
    done = subprocess.run([tool(name), *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def wait_for(found: Callable[[], T], deadline_s: float = DEADLINE_S, *, what: str = "") -> T:
    """Wait until something is true, and give it."""
    deadline = time.monotonic() + deadline_s
    while not (value := found()):
        assert time.monotonic() < deadline, f"not within {deadline_s:g} s: {what}"
        time.sleep(0.2)
    return value


@contextmanager
def _process(port: int, *command: str) -> Iterator[int]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_answering(port, timeout_s=DEADLINE_S)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_S)


@contextmanager
def alertmanager(configuration: Path, data: Path) -> Iterator[int]:
    """Run Alertmanager; gives its port."""
    port = free_port()
    with _process(
        port, tool("alertmanager", "prometheus-alertmanager"), f"--config.file={configuration}",
        f"--storage.path={data}", f"--web.listen-address={LOOPBACK}:{port}", "--cluster.listen-address=",
    ):  # fmt: skip
        yield port


class Prometheus:
    """A running Prometheus.

    Args:
        port: Where it answers.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        with urllib.request.urlopen(
            f"http://{LOOPBACK}:{self._port}/api/v1/{path}{query}", timeout=30
        ) as page:
            answer = json.load(page)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[Any]:
        """The samples of an expression now."""
        found: list[Any] = self.get("query", query=expression)["result"]
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts that are pending or fire."""
        found: list[dict[str, Any]] = self.get("alerts")["alerts"]
        return found


@contextmanager
def prometheus(configuration: Path, data: Path) -> Iterator[Prometheus]:
    """Run Prometheus."""
    port = free_port()
    with _process(
        port, tool("prometheus"), f"--config.file={configuration}", f"--storage.tsdb.path={data}",
        f"--web.listen-address={LOOPBACK}:{port}",
    ):  # fmt: skip
        wait_for(lambda: _is_ready(port), what="Prometheus is ready")
        yield Prometheus(port)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/-/ready", timeout=10) as page:
            return bool(page.status == 200)
    except OSError:
        return False


class AlertReceiver:
    """What Alertmanager has posted: path → notifications, in order of arrival."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.port = 0

    def alerts(self, path: str, status: str, name: str) -> list[dict[str, Any]]:
        """Alerts of this name that were posted to a path with a status."""
        return [
            alert
            for where, body in list(self.posted)
            if where == path
            for alert in body["alerts"]
            if (alert["status"], alert["labels"]["alertname"]) == (status, name)
        ]


@contextmanager
def webhook() -> Iterator[AlertReceiver]:
    """Listen on a free port."""
    hook = AlertReceiver()

    class WebhookHandler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posted.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), WebhookHandler) as server:
        hook.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield hook
        finally:
            server.shutdown()
            thread.join()
