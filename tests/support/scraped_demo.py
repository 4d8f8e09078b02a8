"""The demo as Prometheus sees it: worker and producer are scraped while the recording plays."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.demo_run import DEADLINE_S, DemoRun
from tests.support.ports import free_port
from tests.support.program import StartedProgram

INTERVAL: Final = "2s"
"""Also the time-out of a scrape: on a busy machine one may take a second."""
SPEED: Final = "4000"
"""Recorded seconds a second: the eight days in about three quarters of a minute."""
SETTLED_S: Final = 3.0
START_DEADLINE_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class RunningPrometheus:
    """A running Prometheus.

    Args:
        url: Its address.
        targets: File that says what it scrapes.
    """

    url: str
    targets: Path

    def scrape(self, **addresses: str) -> None:
        """Scrape these from now on: job → host:port."""
        groups = [
            {"targets": [address], "labels": {"job": f"rotascope-{job}"}}
            for job, address in addresses.items()
        ]
        part = self.targets.with_suffix(".part")
        part.write_text(json.dumps(groups))
        part.rename(self.targets)

    def get(self, path: str, **parameters: str | float) -> Any:
        """Ask the HTTP interface; a query that it refuses fails with its words."""
        address = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - our own http address
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def at(self, query: str, time_s: float) -> list[dict[str, Any]]:
        """Evaluate a query at a time."""
        found: list[dict[str, Any]] = self.get("query", query=query, time=time_s)["result"]
        return found

    def over(self, query: str, start_s: float, end_s: float) -> list[dict[str, Any]]:
        """Evaluate a query over a stretch of time, every second."""
        answer = self.get("query_range", query=query, start=start_s, end=end_s, step=1)
        found: list[dict[str, Any]] = answer["result"]
        return found


@contextmanager
def prometheus(directory: Path) -> Iterator[RunningPrometheus]:
    """Run a Prometheus that scrapes what its file names."""
    program = shutil.which("prometheus")
    if program is None:
        raise RuntimeError("Prometheus is missing. Operator action: make test-tools")
    targets = directory / "targets.json"
    targets.write_text("[]")
    configuration = {
        "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL},
        "scrape_configs": [
            {"job_name": "files", "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}]}
        ],
    }
    (directory / "prometheus.yml").write_text(json.dumps(configuration))
    url = f"http://127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            program,
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address={url.removeprefix('http://')}",
            "--web.cors.origin=.*",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ],
    )
    try:
        yield RunningPrometheus(url, targets)
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_S)


@dataclass(frozen=True, slots=True)
class ScrapedDemo:
    """A demo that has ended, in a Prometheus that still runs.

    Args:
        prometheus: Holds what was scraped.
        run: What the demo said: events of the topics, and the summary.
        start_s: Wall time of the first scrape.
        playing_s: Wall time of a scrape while the producer was streaming.
        end_s: Wall time of a scrape after all was processed.
    """

    prometheus: RunningPrometheus
    run: DemoRun
    start_s: float
    playing_s: float
    end_s: float


@contextmanager
def scraped_demo(directory: Path, *arguments: str) -> Iterator[ScrapedDemo]:
    """Play the demo with a Prometheus that scrapes it from before the first tick to after the last."""
    with prometheus(directory) as server:
        with StartedProgram(
            *("demo", "--format", "json", "--speed", SPEED, "--keep-seconds", "600", *arguments),
            environment={"TMPDIR": str(directory)},
        ) as program:
            worker = _serving(program, directory, "worker")
            server.scrape(worker=worker)
            start_s = time.time()
            server.scrape(worker=worker, producer=_serving(program, directory, "producer"))
            program.said("kept running for", DEADLINE_S)
            end_s = _next_scrape(server, time.time() + SETTLED_S)
            program.process.send_signal(signal.SIGINT)
            assert program.wait(DEADLINE_S) == 0, program.errors
        # The producer ends with the recording: its panels are looked at as of a scrape before that.
        both = "max(rotascope_producer_connected) and max(rotascope_worker_ready)"
        (seen,) = server.over(both, start_s, end_s)
        playing_s = float(seen["values"][-1][0])
        run = DemoRun([json.loads(line) for line in program.output])
        yield ScrapedDemo(server, run, start_s, playing_s, end_s)


def _next_scrape(server: RunningPrometheus, after_s: float) -> float:
    """Wait for a good scrape of the worker after a time, and give a time as of which it stands."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        now_s = time.time()
        found = server.at("max(timestamp(rotascope_worker_ready))", now_s)
        if found and float(found[0]["value"][1]) > after_s:
            return now_s
        time.sleep(0.1)
    raise AssertionError("Prometheus has not scraped the worker")


def _serving(program: StartedProgram, directory: Path, name: str) -> str:
    """Wait until a program of the demo serves metrics, and give its host and port."""
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        assert program.process.poll() is None, program.errors
        for log in directory.glob(f"rotascope-demo-*/{name}.log"):
            for line in log.read_text().splitlines():
                if '"serving metrics"' in line:
                    address: str = json.loads(line)["address"]
                    return address.removeprefix("http://").removesuffix("/metrics")
        time.sleep(0.05)
    raise AssertionError(f"the demo's {name} does not serve metrics")
