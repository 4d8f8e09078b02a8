"""The metrics of a running worker, as Prometheus itself sees them."""

from __future__ import annotations

import json
import math
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from consumers.metrics.health import Health
from consumers.metrics.http_server import WorkerMetricsServer
from consumers.worker.state import WorkerState
from core.model.errors import ConfigurationError
from core.model.metrics import METRICS, METRICS_BY_NAME, Component, MetricKind
from core.model.settings import WorkerSettings
from deploy.kafka.broker import LocalKafka
from tests.support.demo_log import RECENT_HISTORY, demo_log
from tests.support.kafka_log import publish
from tests.support.ports import free_port
from tests.support.worker_process import START_DEADLINE_S, WorkerProcess

PARTITIONS = 4
END_NS = 1_720_728_000_000_000_000
"""2024-07-11 20:00 UTC, the close of the day of the opposite move."""
DEADLINE_S = 60.0
ON_THE_WAY = (
    "no broker has answered yet",
    "not a stable member of the group",
    "no partition is open",
    "waiting to be opened",
    "restoring",
    "catching up",
)
"""What keeps a sound worker from being ready while it starts."""


@pytest.fixture
def log_in_kafka(kafka_with_topics: LocalKafka) -> LocalKafka:
    log = demo_log(PARTITIONS, flush_records=64, before_ns=END_NS, history_from=RECENT_HISTORY)
    publish(kafka_with_topics, log)
    return kafka_with_topics


@pytest.fixture
def worker(log_in_kafka: LocalKafka) -> Iterator[WorkerProcess]:
    servers = log_in_kafka.bootstrap_servers
    arguments = ["--bootstrap-servers", servers, "--partitions", str(PARTITIONS), "--group-id", "exporter"]
    with WorkerProcess(*arguments, environment={"ROTASCOPE_WORKER__SNAPSHOT_INTERVAL_MS": "500"}) as worker:
        yield worker


@pytest.fixture
def prometheus(worker: WorkerProcess, tmp_path: Path) -> Iterator[Callable[[str], list[Any]]]:
    """A real Prometheus that scrapes the worker; gives a function that asks it."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.fail("Prometheus is not installed: apt-get install prometheus", pytrace=False)
    address = worker.url("").removeprefix("http://")
    configuration = {
        "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"},
        "scrape_configs": [{"job_name": "worker", "static_configs": [{"targets": [address]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(configuration))
    port = free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ],
    )

    def ask(query: str) -> list[Any]:
        url = f"http://127.0.0.1:{port}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found: list[Any] = json.load(answer)["data"]["result"]
        except OSError:
            return []  # it is still starting
        return found

    try:
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_S)


def _wait(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.integration
@pytest.mark.slow
def test_alive_all_along_ready_only_when_caught_up_and_the_scrape_is_whole(worker: WorkerProcess) -> None:
    not_ready = 0
    deadline = time.monotonic() + START_DEADLINE_S
    while True:
        assert worker.get("/livez") == (200, "ok\n")
        status, body = worker.get("/readyz")
        if status == 200:
            assert body == "ok\n"
            break
        assert status == 503
        assert all(any(each in line for each in ON_THE_WAY) for line in body.splitlines()), body
        not_ready += 1
        assert time.monotonic() < deadline, body
    assert not_ready > 0
    _wait(lambda: "rotascope_partition_snapshot_bytes{" in worker.get("/metrics")[1])
    status, text = worker.get("/metrics")
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(text)}
    # Every name has its row, with the row's type, help and labels.
    for name, family in families.items():
        if not name.startswith("rotascope_"):
            assert name.startswith("process_")
            continue
        row = METRICS_BY_NAME.get(name) or METRICS_BY_NAME[name + "_total"]
        assert (family.type, family.documentation) == (row.kind.value, row.help)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(row.labels)
            assert not math.isnan(sample.value)
    # Every row of the engine is shown; of the worker's, all that have happened.
    engine = {row.name.removesuffix("_total") for row in METRICS if row.component is Component.ENGINE}
    assert engine <= set(families)
    happened = {
        row.name.removesuffix("_total")
        for row in METRICS
        if row.component is Component.WORKER and row.name != "rotascope_worker_dead_letters_total"
    }
    assert happened <= set(families)
    assert all(row.kind is not MetricKind.COUNTER or row.name.endswith("_total") for row in METRICS)


@pytest.mark.integration
@pytest.mark.slow
def test_prometheus_scrapes_it(worker: WorkerProcess, prometheus: Callable[[str], list[Any]]) -> None:
    worker.wait_until_ready()
    _wait(lambda: [each["value"][1] for each in prometheus("up")] == ["1"])
    _wait(lambda: [each["value"][1] for each in prometheus("rotascope_worker_ready")] == ["1"])
    (strength,) = prometheus('rotascope_relative_strength_percentage_points{pair="RUT/SPX",window="1d"}')
    assert 4.3 < float(strength["value"][1]) < 4.6, "+3.6 % against -0.9 %"
    pairs = prometheus("count by (pair) (rotascope_ratio)")
    assert {each["value"][1] for each in pairs} == {"1"}, "a pair is shown by its home partition only"
    assert len(prometheus("rotascope_partition_lag_records == 0")) == PARTITIONS
    (clock,) = prometheus("min(rotascope_partition_clock_timestamp_seconds)")
    assert 0 <= END_NS / 1e9 - float(clock["value"][1]) < 600
    assert prometheus("histogram_quantile(0.99, rotascope_worker_commit_duration_seconds_bucket)")
    assert worker.terminate() == 0


@pytest.fixture
def server() -> Iterator[WorkerMetricsServer]:
    health = Health(WorkerState(), WorkerSettings())
    with WorkerMetricsServer(CollectorRegistry(), health, host="127.0.0.1", port=0) as server:
        yield server


def _get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_answers_of_different_lengths_do_not_disturb_each_other(server: WorkerMetricsServer) -> None:
    """Wsgiref writes Content-Length into the very list it is given: a shared one kept the first."""
    for _ in range(2):
        assert _get(server.port, "/readyz") == (503, b"no broker has answered yet\n")
        assert _get(server.port, "/livez") == (200, b"ok\n")
        assert _get(server.port, "/metrics") == (200, b"")
        assert _get(server.port, "/elsewhere") == (404, b"there is /metrics, /livez and /readyz\n")


def test_the_port_is_free_again_after_the_end() -> None:
    health = Health(WorkerState(), WorkerSettings())
    with WorkerMetricsServer(CollectorRegistry(), health, host="127.0.0.1", port=0) as server:
        port = server.port
    with socket.create_server(("127.0.0.1", port)) as again:
        assert again.getsockname()[1] == port


def test_a_taken_port_is_a_clear_error() -> None:
    health = Health(WorkerState(), WorkerSettings())
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}: the port is in use") as raised:
            WorkerMetricsServer(CollectorRegistry(), health, host="127.0.0.1", port=port)
    assert raised.value.operator_action == "choose another --metrics-port, or 0 for a free one"


def test_a_worker_on_a_taken_port_exits_before_it_touches_kafka() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with WorkerProcess("--metrics-port", port, "--bootstrap-servers", "127.0.0.1:1") as worker:
            assert worker.wait() == 2
            assert "the port is in use" in worker.errors
