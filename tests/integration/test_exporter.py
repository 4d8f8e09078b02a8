"""The metrics of a running worker, as Prometheus itself sees them."""

from __future__ import annotations

import json
import math
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from consumers.metrics.health import Health
from consumers.metrics.http_server import WorkerMetricsServer
from consumers.worker.state import WorkerState
from core.model.errors import ConfigurationError
from core.model.metrics import METRICS, METRICS_BY_NAME, Component
from core.model.settings import MetricsSettings, WorkerSettings
from deploy.kafka.broker import LocalKafka
from tests.support.demo_log import RECENT_HISTORY, demo_log, demo_universe
from tests.support.kafka_log import publish
from tests.support.ports import free_port
from tests.support.worker_process import START_DEADLINE_S, WorkerProcess

PARTITIONS = 4
END_NS = 1_720_728_000_000_000_000
"""2024-07-11 20:00 UTC, the close of the day of the opposite move."""
DEADLINE_S = 60.0
NOT_IN_THE_DEMO = {
    "rotascope_numerator_rate_beta",
    "rotascope_benchmark_rate_beta",
    "rotascope_relative_rate_beta",
    "rotascope_relative_volume",
    "rotascope_relative_volume_by_time",
}
"""The demo has neither rates nor, in its daily history, volumes."""
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


@contextmanager
def running(kafka: LocalKafka) -> Iterator[WorkerProcess]:
    arguments = ["--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(PARTITIONS)]
    environment = {"ROTASCOPE_WORKER__SNAPSHOT_INTERVAL_MS": "500"}
    with WorkerProcess(*arguments, "--group-id", "exporter", environment=environment) as worker:
        yield worker


@pytest.fixture
def worker(log_in_kafka: LocalKafka) -> Iterator[WorkerProcess]:
    with running(log_in_kafka) as worker:
        yield worker


Ask = Callable[..., list[Any]]


@contextmanager
def scraping(*workers: WorkerProcess, directory: Path) -> Iterator[Ask]:
    """Run a real Prometheus that scrapes workers; gives a function that asks it."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.fail("Prometheus is not installed: apt-get install prometheus", pytrace=False)
    addresses = [worker.url("").removeprefix("http://") for worker in workers]
    configuration = {
        "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"},
        "scrape_configs": [{"job_name": "worker", "static_configs": [{"targets": addresses}]}],
    }
    (directory / "prometheus.yml").write_text(json.dumps(configuration))
    port = free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ],
    )

    def ask(query: str, path: str = "query") -> list[Any]:
        now_s = time.time()
        asked = {"query": query} | ({} if path == "query" else {"start": now_s - 3_600, "end": now_s})
        url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(asked)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                data = json.load(answer)["data"]
        except OSError:
            return []  # it is still starting
        found: list[Any] = data["result"] if path == "query" else data
        return found

    try:
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=DEADLINE_S)


@pytest.fixture
def prometheus(worker: WorkerProcess, tmp_path: Path) -> Iterator[Ask]:
    """A real Prometheus that scrapes the worker; gives a function that asks it."""
    with scraping(worker, directory=tmp_path) as ask:
        yield ask


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
    # Every row is shown, except values that daily closes and four recorded days cannot give.
    of_a_worker = (Component.ENGINE, Component.WORKER)
    expected = {row.name for row in METRICS if row.component in of_a_worker}
    assert {row.removesuffix("_total") for row in expected - NOT_IN_THE_DEMO} <= set(families)
    assert not NOT_IN_THE_DEMO & set(families)


@pytest.mark.integration
@pytest.mark.slow
def test_the_openmetrics_format_is_valid_and_a_transition_names_its_event(worker: WorkerProcess) -> None:
    worker.wait_until_ready()
    accept = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    asked = urllib.request.Request(worker.url("/metrics"), headers={"Accept": accept})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        families = list(openmetrics_families(answer.read().decode()))  # type: ignore[no-untyped-call]
    transitions = {
        (sample.labels["definition"], sample.labels["state"]): sample
        for family in families
        for sample in family.samples
        if sample.name == "rotascope_event_transitions_total"
    }
    sample = transitions["opposite_day_up", "candidate"]
    assert sample.value >= 1
    assert sample.exemplar is not None
    assert len(sample.exemplar.labels["event_id"]) == 32
    assert [key for key, sample in transitions.items() if not sample.value], "states that were not entered"


@pytest.mark.integration
@pytest.mark.slow
def test_prometheus_scrapes_it(worker: WorkerProcess, prometheus: Ask) -> None:
    worker.wait_until_ready()
    _wait(lambda: [each["value"][1] for each in prometheus("up")] == ["1"])
    _wait(lambda: [each["value"][1] for each in prometheus("rotascope_worker_ready")] == ["1"])
    (strength,) = prometheus('rotascope_relative_strength_percent{pair="RUT/SPX",window="1d"}')
    assert 4.3 < float(strength["value"][1]) < 4.6, "+3.6 % against -0.9 %"
    points = 'rotascope_numerator_return_percent{window="1d"} - rotascope_benchmark_return_percent'
    legs = {each["metric"]["pair"]: each["metric"] for each in prometheus(points)}
    assert (legs["RUT/SPX"]["numerator"], legs["RUT/SPX"]["benchmark"]) == ("RUT", "SPX")
    (candidate,) = prometheus('rotascope_event_open{pair="RUT/SPX",definition="opposite_day_up"}')
    assert candidate["metric"]["title"] == "Up 3 % or more while the benchmark falls"
    assert candidate["metric"]["state"] == "candidate"
    (told,) = prometheus('rotascope_event_transitions_total{definition="opposite_day_up",state="candidate"}')
    assert float(told["value"][1]) >= 1
    found = prometheus("rotascope_event_transitions_total", "query_exemplars")
    assert {len(each["labels"]["event_id"]) for one in found for each in one["exemplars"]} == {32}
    series = prometheus("rotascope_worker_series")
    assert 0 < float(series[0]["value"][1]) <= MetricsSettings().series_max
    assert {each["value"][1] for each in prometheus("rotascope_worker_dropped_pairs")} == {"0"}
    pairs = prometheus("count by (pair) (rotascope_ratio)")
    assert {each["value"][1] for each in pairs} == {"1"}, "a pair is shown by its home partition only"
    assert len(prometheus("rotascope_partition_lag_records == 0")) == PARTITIONS
    (clock,) = prometheus("min(rotascope_partition_clock_timestamp_seconds)")
    assert 0 <= END_NS / 1e9 - float(clock["value"][1]) < 600
    assert prometheus("histogram_quantile(0.99, rotascope_worker_commit_duration_seconds_bucket)")
    assert worker.terminate() == 0


@pytest.mark.integration
@pytest.mark.slow
def test_two_workers_show_every_pair_and_none_twice(log_in_kafka: LocalKafka, tmp_path: Path) -> None:
    with running(log_in_kafka) as first, running(log_in_kafka) as second:
        for worker in (first, second):
            worker.wait_until_ready()
        with scraping(first, second, directory=tmp_path) as prometheus:
            share = "count by (instance) (rotascope_partition_ready == 1)"
            _wait(lambda: {each["value"][1] for each in prometheus(share)} == {str(PARTITIONS // 2)})
            _wait(lambda: len(prometheus("rotascope_ratio")) == len(demo_universe().pairs))
            # Beyond Prometheus' five minutes of memory of series that moved: what each shows now.
            pages = [worker.get("/metrics")[1] for worker in (first, second)]
    lines = [line for page in pages for line in page.splitlines()]
    series = [line.rsplit(" ", 1)[0] for line in lines if re.search(r"[{,]pair=", line)]
    assert len(series) == len(set(series)) > 500


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


def test_pairs_that_the_universe_lacks_stop_a_worker_before_it_touches_kafka() -> None:
    environment = {"ROTASCOPE_METRICS__WATCHED_PAIRS": '["RUT/SPY"]'}
    with WorkerProcess("--bootstrap-servers", "127.0.0.1:1", environment=environment) as worker:
        assert worker.wait() == 2
        assert "the universe has no pair 'RUT/SPY'; did you mean" in worker.errors
