"""A scrape shows the state of its moment: what is in the table, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from consumers.metrics.exporter import WorkerCollector, make_registry
from consumers.metrics.health import Health
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.model.metrics import METRICS, Component, MetricKind, Sample
from core.model.settings import KafkaSettings, MetricsSettings, WorkerSettings
from tests.support.fake_engine import BAD_PRICE, FakeEngine, clock, frame
from tests.support.fake_transport import FakeBroker, FakeTransport

NOW_SECONDS = 1_001.5
Scrape = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Bench:
    """A worker over a log in memory, and what its exporter shows."""

    def __init__(
        self,
        *,
        partitions: int = 1,
        poll_records: int = 500,
        membership: str = "manual",
        **settings: object,
    ) -> None:
        self.broker = FakeBroker(partitions=partitions)
        self.state = WorkerState()
        self.settings = WorkerSettings().model_copy(
            update={"commit_interval_ms": 0, "eager_commit_interval_ms": 0, "membership": membership}
        )
        self.now_ns = 0
        self.health = Health(self.state, self.settings, monotonic_ns=lambda: self.now_ns)
        self.worker = Worker(
            FakeTransport(self.broker, poll_records=poll_records),
            lambda partition, _: self.engine(partition),
            kafka=KafkaSettings(partitions=partitions),
            settings=self.settings,
            state=self.state,
        )
        self.registry = make_registry(
            WorkerCollector(
                self.state,
                self.health,
                MetricsSettings(**settings),  # type: ignore[arg-type]
                version="1.2.3",
                wall_seconds=lambda: NOW_SECONDS,
            )
        )

    def engine(self, partition: int) -> FakeEngine:
        return FakeEngine(partition)

    def text(self) -> str:
        return generate_latest(self.registry).decode()

    def scrape(self) -> Scrape:
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }


def _value(scrape: Scrape, name: str, **labels: str) -> float:
    return scrape[name, tuple(sorted(labels.items()))]


def _names(scrape: Scrape) -> set[str]:
    return {name for name, _ in scrape}


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.broker.append(frame([5] * 10 + [BAD_PRICE], sequence=0))
    bench.broker.append(clock(2_500_000_000, sequence=1))
    bench.worker.start()
    bench.worker.turn()
    task = bench.state.tasks[0]
    task.checkpointer.write_whole(task.engine, task.next_offset)
    return bench


def test_every_worker_metric_of_the_table_is_exported_and_no_other(bench: Bench) -> None:
    histogram_suffixes = ("_bucket", "_sum", "_count")
    shown = {name for name in _names(bench.scrape()) if name.startswith("rotascope_")}
    expected = {
        row.name + suffix
        for row in METRICS
        if row.component is Component.WORKER
        for suffix in (histogram_suffixes if row.kind is MetricKind.HISTOGRAM else ("",))
    }
    assert shown - {"rotascope_ratio"} == expected


def test_help_and_type_come_from_the_table(bench: Bench) -> None:
    families = {family.name: family for family in text_string_to_metric_families(bench.text())}
    for row in METRICS:
        if row.component is Component.WORKER:
            family = families[row.name.removesuffix("_total")]
            assert (family.type, family.documentation) == (row.kind.value, row.help)


def test_values_are_those_of_the_state(bench: Bench) -> None:
    scrape = bench.scrape()
    assert _value(scrape, "rotascope_ratio", pair="P0/SPX") == 50
    assert _value(scrape, "rotascope_worker_frames_total", partition="0") == 2
    assert _value(scrape, "rotascope_worker_ticks_total", partition="0") == 12
    assert _value(scrape, "rotascope_worker_events_total", definition="every_nth", state="opened") == 1
    assert _value(scrape, "rotascope_worker_dead_letters_total", reason="price") == 1
    assert _value(scrape, "rotascope_worker_commits_total", outcome="committed") == 1
    assert _value(scrape, "rotascope_partition_next_offset", partition="0") == 2
    assert _value(scrape, "rotascope_partition_clock_timestamp_seconds", partition="0") == 2.5
    assert _value(scrape, "rotascope_partition_event_time_lag_seconds", partition="0") == 0
    assert _value(scrape, "rotascope_worker_ready") == 1
    assert _value(scrape, "rotascope_worker_joined") == 1
    assert _value(scrape, "rotascope_partition_state", partition="0", state="running") == 1
    assert _value(scrape, "rotascope_partition_snapshots_total", partition="0") == 1
    assert _value(scrape, "rotascope_partition_snapshot_bytes", partition="0") > 0
    assert "process_resident_memory_bytes" in _names(scrape)


def test_lag_in_records_and_seconds(bench: Bench) -> None:
    for number in range(3):
        bench.broker.append(frame([5], sequence=10 + number, ts_event_ns=4_000_000_000))
    bench.state.tasks[0].fetched(bench.worker._transport.poll(0)[0], 5)
    scrape = bench.scrape()
    assert _value(scrape, "rotascope_partition_lag_records", partition="0") == 3
    assert _value(scrape, "rotascope_partition_lag_seconds", partition="0") == NOW_SECONDS - 1
    assert _value(scrape, "rotascope_partition_event_time_lag_seconds", partition="0") == 1.5


def test_series_leave_with_their_partition() -> None:
    bench = Bench(partitions=2, membership="dynamic")
    transport = bench.worker._transport
    assert isinstance(transport, FakeTransport)
    for partition in range(2):
        bench.broker.append(frame([5], sequence=0), partition)
    bench.worker.start()
    transport.will(("assigned", [0, 1]), generation=0)
    while len(bench.state.tasks) < 2 or bench.health.why_not_ready():
        bench.worker.turn()
    assert ("rotascope_ratio", (("pair", "P1/SPX"),)) in bench.scrape()
    assert _value(bench.scrape(), "rotascope_worker_frames_total", partition="1") == 1
    transport.will(("revoked", [1]), generation=0)
    bench.worker.turn()
    assert not [key for key in bench.scrape() if ("partition", "1") in key[1] or ("pair", "P1/SPX") in key[1]]


def test_a_partition_that_restores_shows_its_progress_but_no_values_of_the_past() -> None:
    bench = Bench(poll_records=1)
    for number in range(4):
        bench.broker.append(frame([5], sequence=number))
    bench.worker.start()
    for _ in range(4):
        bench.worker.turn()
    again = Bench(poll_records=1)
    again.broker.__dict__.update(bench.broker.__dict__)
    again.worker.start()
    again.worker.turn()
    scrape = again.scrape()
    assert _value(scrape, "rotascope_partition_restore_ratio", partition="0") == 0.25
    assert _value(scrape, "rotascope_partition_ready", partition="0") == 0
    assert "rotascope_ratio" not in _names(scrape)
    assert again.health.why_not_ready() == ["partition 0: restoring, 25% done"]
    for _ in range(3):
        again.worker.turn()
    assert "rotascope_ratio" in _names(again.scrape())
    assert again.health.why_not_ready() == []


def test_only_watched_pairs_are_served() -> None:
    bench = Bench(watched_pairs=("Q0/SPX",))
    bench.worker.start()
    pairs = {dict(labels)["pair"] for name, labels in bench.scrape() if name == "rotascope_ratio"}
    assert pairs == {"Q0/SPX"}


def test_series_over_the_cap_are_left_out_and_counted() -> None:
    bench = Bench(partitions=3, series_max=4)
    bench.worker.start()
    scrape = bench.scrape()
    assert _value(scrape, "rotascope_exporter_series") == 4
    assert _value(scrape, "rotascope_exporter_dropped_series", reason="cap") == 2
    assert len([name for name, _ in scrape if name == "rotascope_ratio"]) == 4


def test_samples_without_a_row_or_without_a_value_are_not_served() -> None:
    class Odd(FakeEngine):
        def samples(self) -> Iterator[Sample]:
            yield Sample("rotascope_surprise", (), 1.0)
            yield Sample("rotascope_ratio", ("A/B",), float("nan"))

    bench = Bench()
    bench.engine = Odd  # type: ignore[method-assign]
    bench.worker.start()
    scrape = bench.scrape()
    assert not {"rotascope_surprise", "rotascope_ratio"} & _names(scrape)
    assert _value(scrape, "rotascope_exporter_dropped_series", reason="not_in_table") == 1


def test_not_ready_before_a_partition_is_open_and_while_behind() -> None:
    bench = Bench(poll_records=1)
    assert bench.health.why_not_ready() == ["no broker has answered yet"]
    for number in range(2):
        bench.broker.append(frame([5], sequence=number))
    bench.worker.start()
    bench.worker.turn()
    assert bench.health.why_not_ready() == ["partition 0: catching up, 1 records behind"]
    bench.worker.turn()
    assert bench.health.why_not_ready() == []
    bench.broker.append(frame([5], sequence=2))
    assert bench.health.why_not_ready() == [], "new records after the start do not take readiness back"


def test_not_ready_while_records_or_commits_fail_in_a_row() -> None:
    bench = Bench()
    for _ in range(bench.settings.failures_in_a_row_max):
        bench.broker.append(b"no frame")
    bench.worker.start()
    bench.worker.turn()
    bench.state.commit_failures_in_a_row = bench.settings.failures_in_a_row_max
    assert bench.health.why_not_ready() == [
        "partition 0: 10 consecutive records could not be processed",
        "10 consecutive commits failed",
    ]
    assert _value(bench.scrape(), "rotascope_worker_ready") == 0


def test_alive_until_the_loop_stops_turning() -> None:
    bench = Bench()
    assert bench.health.why_not_alive() is None
    bench.state.last_turn_ns = 0
    bench.now_ns = bench.settings.liveness_timeout_ms * 1_000_000
    assert bench.health.why_not_alive() is None
    bench.now_ns += 1_000_000
    assert bench.health.why_not_alive() == "the loop has not turned for 60001 ms"


def test_a_member_is_alive_and_not_ready_until_every_partition_it_was_given_has_caught_up() -> None:
    bench = Bench(partitions=2, membership="dynamic")
    transport = bench.worker._transport
    assert isinstance(transport, FakeTransport)
    bench.broker.append(frame([5], sequence=0))
    bench.worker.start()
    bench.worker.turn()
    assert bench.health.why_not_ready() == ["not a stable member of the group"]
    assert _value(bench.scrape(), "rotascope_worker_joined") == 0
    transport.fail_next_questions = 1
    transport.will(("assigned", [0, 1]), generation=0)
    bench.worker.turn()
    assert bench.health.why_not_ready() == [f"partition {p}: waiting to be opened" for p in (0, 1)]
    assert _value(bench.scrape(), "rotascope_partition_state", partition="0", state="assigned") == 1
    assert bench.health.why_not_alive() is None
    while bench.health.why_not_ready():
        bench.worker.turn()
    assert _value(bench.scrape(), "rotascope_worker_ready") == 1
    assert sorted(bench.state.tasks) == [0, 1]
    transport.will(("revoked", [0, 1]), generation=0)
    bench.worker.turn()
    assert bench.health.why_not_ready() == [], "one that stands by is ready to"
    assert _value(bench.scrape(), "rotascope_worker_rebalances_total", change="revoked") == 1
