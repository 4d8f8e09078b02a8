"""What probes and metrics say of a forwarder."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from consumers.forward.counters import ForwardCounters
from consumers.forward.exporter import ForwardCollector
from consumers.forward.health import ForwardHealth
from consumers.forward.receiver_log import ReceiverLog
from consumers.forward.state import ForwardState
from core.model.metrics import METRICS, Component


class Stage:
    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.state = ForwardState()
        self.receiver = ReceiverLog("https://example.com", monotonic_s=lambda: self.now_s)
        self.health = ForwardHealth(self.state, self.receiver, monotonic_s=lambda: self.now_s)


def test_ready_only_with_kafka_the_group_and_the_receiver() -> None:
    stage = Stage()
    assert stage.health.why_not_ready() == ["no broker has answered yet"]
    stage.state.answered_s = 1_000.0
    assert stage.health.why_not_ready() == ["not a stable member of the group"]
    stage.state.joined = True
    assert stage.health.why_not_ready() == []
    stage.state.away, stage.now_s = True, 1_012.0
    assert stage.health.why_not_ready() == ["no broker has answered for 12 s"]
    stage.state.away, stage.state.commit_failures_in_a_row = False, 10
    assert stage.health.why_not_ready() == ["10 consecutive commits failed"]


def test_a_short_failure_of_the_receiver_is_forgiven() -> None:
    stage = Stage()
    stage.state.answered_s, stage.state.joined = 1_000.0, True
    stage.receiver.failing("the receiver answered 503")
    stage.now_s += 29
    assert stage.health.why_not_ready() == []
    stage.now_s += 2
    (reason,) = stage.health.why_not_ready()
    assert reason == "the receiver has taken no events for 31 s: the receiver answered 503"
    stage.receiver.answered()
    assert stage.health.why_not_ready() == []


def test_a_loop_that_stands_still_is_dead() -> None:
    stage = Stage()
    assert stage.health.why_not_alive() == []
    stage.state.last_turn_s = 1_000.0
    stage.now_s += 61
    assert stage.health.why_not_alive() == ["the loop has not turned for 61 s"]


def test_every_row_of_the_table_is_exported_and_counters_begin_at_0() -> None:
    stage, registry = Stage(), CollectorRegistry()
    counters = ForwardCounters(registry)
    registry.register(ForwardCollector(stage.state, stage.health))
    before = generate_latest(registry).decode()
    assert 'rotascope_forward_events_total{outcome="sent"} 0.0' in before
    assert 'rotascope_forward_dead_letters_total{reason="webhook_refused"} 0.0' in before
    assert 'rotascope_forward_retries_total{cause="timeout"} 0.0' in before
    assert "\nrotascope_forward_lag_records" not in before
    assert "\nrotascope_forward_last_success_timestamp_seconds" not in before
    stage.state.lag_records, stage.state.last_success_wall_s = 3, 1.5
    counters.rejoins += 1
    lines = generate_latest(registry).decode().splitlines()
    types = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    table = {row.name for row in METRICS if row.component is Component.FORWARDER}
    assert types == table
    assert "rotascope_forward_lag_records 3.0" in lines
