"""A scrape shows the state of its moment: what is in the table, and nothing else."""

from __future__ import annotations

import math
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from consumers.metrics.counters import DEAD_LETTER_REASONS
from consumers.metrics.exporter import WorkerCollector, make_registry
from consumers.metrics.health import Health
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.definitions.catalogue import parse_catalogue
from core.engine.exposed import Exposed
from core.indicators.exported import EXPORTED
from core.model.metrics import METRICS, Component, MetricKind
from core.model.records import EventState
from core.model.sessions import build_calendar
from core.model.settings import KafkaSettings, MetricsSettings, WorkerSettings
from tests.support.exposed import exposed_values
from tests.support.fake_engine import BAD_PRICE, FakeEngine, clock, frame
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worlds import CATALOGUE

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


def legs(pair: str) -> dict[str, str]:
    numerator, benchmark = pair.split("/")
    return {"pair": pair, "numerator": numerator, "benchmark": benchmark}


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
    assert shown - {"rotascope_ratio", "rotascope_unknown_values"} == expected - {"rotascope_session_open"}


def test_help_and_type_come_from_the_table(bench: Bench) -> None:
    families = {family.name: family for family in text_string_to_metric_families(bench.text())}
    for row in METRICS:
        if row.component is Component.WORKER and row.name != "rotascope_session_open":
            family = families[row.name.removesuffix("_total")]
            assert (family.type, family.documentation) == (row.kind.value, row.help)


def test_values_are_those_of_the_state(bench: Bench) -> None:
    scrape = bench.scrape()
    assert _value(scrape, "rotascope_ratio", **legs("P0/SPX")) == 50
    assert _value(scrape, "rotascope_worker_frames_total") == 2
    assert _value(scrape, "rotascope_worker_ticks_total") == 12
    transition = {"definition": "every_nth", "state": "opened"}
    assert _value(scrape, "rotascope_event_transitions_total", **transition) == 1
    assert _value(scrape, "rotascope_event_last_transition_timestamp_seconds", **transition) == 1e-9
    assert _value(scrape, "rotascope_worker_dead_letters_total", reason="price") == 1
    assert _value(scrape, "rotascope_worker_commits_total", outcome="committed") == 1
    assert _value(scrape, "rotascope_partition_next_offset", partition="0") == 2
    assert _value(scrape, "rotascope_partition_clock_timestamp_seconds", partition="0") == 2.5
    assert _value(scrape, "rotascope_partition_event_time_lag_seconds", partition="0") == 0
    assert _value(scrape, "rotascope_worker_ready") == 1
    assert _value(scrape, "rotascope_worker_joined") == 1
    assert _value(scrape, "rotascope_partition_state", partition="0", state="running") == 1
    assert _value(scrape, "rotascope_worker_snapshots_total") == 1
    assert _value(scrape, "rotascope_partition_snapshot_timestamp_seconds", partition="0") > 1.7e9
    assert _value(scrape, "rotascope_worker_broker_answer_timestamp_seconds") <= NOW_SECONDS
    assert _value(scrape, "rotascope_worker_last_commit_timestamp_seconds") > 1.7e9
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
    assert _value(bench.scrape(), "rotascope_ratio", **legs("P1/SPX")) == 5
    transport.will(("revoked", [1]), generation=0)
    bench.worker.turn()
    assert not [key for key in bench.scrape() if ("partition", "1") in key[1] or ("pair", "P1/SPX") in key[1]]
    assert _value(bench.scrape(), "rotascope_worker_frames_total") == 2, "a total does not fall"


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
    bench = Bench(watched_pairs=("Q0/SPX",), ranked_pairs=0)
    bench.worker.start()
    scrape = bench.scrape()
    assert {dict(labels)["pair"] for name, labels in scrape if name == "rotascope_ratio"} == {"Q0/SPX"}
    assert _value(scrape, "rotascope_worker_dropped_pairs", reason="pairs_max") == 1
    assert _value(scrape, "rotascope_worker_pairs") == 2


def test_pairs_beyond_the_limit_are_left_out_counted_and_told_once() -> None:
    bench = Bench(partitions=3, series_max=4)
    bench.worker.start()
    with capture_logs() as logs:
        scrapes = [bench.scrape() for _ in range(3)]
    assert _value(scrapes[0], "rotascope_worker_series") == 4
    assert _value(scrapes[0], "rotascope_worker_dropped_pairs", reason="series_max") == 2
    assert len([name for name, _ in scrapes[0] if name == "rotascope_ratio"]) == 4
    (line,) = logs
    assert line["event"] == "some pairs have no series in /metrics"
    assert (line["pairs"], line["series"], line["dropped_by_series_max"]) == (6, 4, 2)
    assert "metrics.watched_pairs" in line["operator_action"]


def test_an_unknown_value_has_no_sample_and_is_counted_by_reason(bench: Bench) -> None:
    scrape = bench.scrape()
    assert not [value for value in scrape.values() if math.isnan(value)]
    assert "rotascope_beta" not in _names(scrape)
    unknown = {
        dict(labels)["reason"]: value
        for (name, labels), value in scrape.items()
        if name == "rotascope_unknown_values"
    }
    assert unknown["not_ready"] == 2 * (len(EXPORTED) - 1)
    assert set(unknown.values()) == {0, unknown["not_ready"]}


def test_closed_sets_of_labels_begin_at_0() -> None:
    bench = Bench()
    catalogue = parse_catalogue(CATALOGUE)
    bench.state.counters.know(catalogue)
    scrape = bench.scrape()
    for definition in catalogue.definitions:
        for state in definition.states:
            labels = {"definition": definition.definition_id, "state": state.label}
            assert _value(scrape, "rotascope_event_transitions_total", **labels) == 0
    for reason in DEAD_LETTER_REASONS:
        assert _value(scrape, "rotascope_worker_dead_letters_total", reason=reason) == 0
    for frequency in ("1m", "1d"):
        assert _value(scrape, "rotascope_worker_bars_total", frequency=frequency) == 0


def test_a_transition_carries_the_id_of_its_event_in_the_openmetrics_format(bench: Bench) -> None:
    text = openmetrics.generate_latest(bench.registry).decode()  # type: ignore[no-untyped-call]
    (sample,) = [
        sample
        for family in openmetrics_families(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.name == "rotascope_event_transitions_total" and sample.value
    ]
    assert sample.exemplar is not None
    assert set(sample.exemplar.labels) == {"event_id"}
    assert re.fullmatch("[0-9a-f]{32}", sample.exemplar.labels["event_id"])


def test_sessions_definitions_and_episodes_of_the_engine_are_described() -> None:
    definition = parse_catalogue(CATALOGUE).definitions[0]
    calendar = build_calendar("24/7", date(1970, 1, 1), date(1970, 1, 2))

    class Watching(FakeEngine):
        def expose(self) -> Exposed:
            return exposed_values(
                {"A/B": {"ratio": 2.0}},
                definitions=[definition],
                episodes=[(0, 0, EventState.OPENED, 5_000_000_000)],
                calendars=[calendar],
                sources=["feed"],
            )

    bench = Bench()
    bench.engine = Watching  # type: ignore[method-assign]
    bench.worker.start()
    scrape = bench.scrape()
    assert _value(scrape, "rotascope_session_open", calendar="24/7") == 1
    named = {"definition": definition.definition_id, "title": definition.title}
    assert _value(scrape, "rotascope_event_open", **legs("A/B"), **named, state="opened") == 1
    begun = {"definition": definition.definition_id, **legs("A/B")}
    assert _value(scrape, "rotascope_event_begin_timestamp_seconds", **begun) == 5
    described = {**named, "family": definition.family, "frequency": definition.frequency.label}
    assert _value(scrape, "rotascope_definition_info", **described) == 1
    assert _value(scrape, "rotascope_engine_records_total", source="feed", outcome="late") == 0
    assert _value(scrape, "rotascope_worker_series") == 3


def test_two_scrapes_at_once_see_the_same_and_count_once(bench: Bench) -> None:
    with ThreadPoolExecutor(4) as threads:
        texts = list(threads.map(lambda _: bench.text(), range(8)))
    clocked = ("rotascope_worker_scrape_stall", "rotascope_worker_broker_answer")
    lines = [
        {line for line in text.splitlines() if line.startswith("rotascope_") and not line.startswith(clocked)}
        for text in texts
    ]
    for each in lines:
        assert each == lines[0]
    assert _value(bench.scrape(), "rotascope_worker_snapshots_total") == 1


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
