"""A scrape shows every producer row of the table, and nothing that is not in it."""

from __future__ import annotations

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from core.model.metrics import METRICS, METRICS_BY_NAME, Component
from producers.metrics import ProducerCollector, ProducerCounters, make_registry


def busy_counters() -> ProducerCounters:
    counters = ProducerCounters("alpaca")
    counters.messages, counters.ticks = 7, 5
    counters.connected, counters.clock_ns = True, 1_500_000_000
    counters.items["accepted"] += 5
    counters.rejects["price"] += 1
    counters.vendor_errors["407"] += 1
    counters.reconnects["silence"] += 2
    counters.gaps["takeover"] += 1
    counters.of(1).frames = 3
    counters.of(1).dropped_ticks = 6
    counters.of(0).in_flight_bytes = 99
    return counters


def text_of(counters: ProducerCounters) -> str:
    collector = ProducerCollector(counters, lambda: 4, lambda: 250_000_000, lambda: (4_096, 1.5))
    return generate_latest(make_registry(collector, counters)).decode()


def test_every_producer_row_is_shown_with_its_labels() -> None:
    samples = [
        sample
        for family in text_string_to_metric_families(text_of(busy_counters()))
        for sample in family.samples
    ]
    assert {sample.name for sample in samples} == {
        row.name for row in METRICS if row.component is Component.PRODUCER
    }
    for sample in samples:
        assert tuple(sorted(sample.labels)) == tuple(sorted(METRICS_BY_NAME[sample.name].labels))
    values = {
        (sample.name.removeprefix("rotascope_producer_"), *sorted(sample.labels.values())): sample.value
        for sample in samples
    }
    assert values["messages_total", "alpaca"] == 7
    assert values["reconnects_total", "alpaca", "silence"] == 2
    assert values["frames_total", "1", "alpaca"] == 3
    assert values["in_flight_bytes", "0"] == 99
    assert values["gaps_total", "alpaca", "takeover"] == 1
    assert values["hold_dropped_ticks_total", "1"] == 6
    assert values["held_bytes", "alpaca"] == 4_096
    assert values["held_age_seconds", "alpaca"] == 1.5
    assert values["queue_messages", "alpaca"] == 4
    assert values["queue_age_seconds", "alpaca"] == 0.25
    assert values["clock_timestamp_seconds", "alpaca"] == 1.5


def test_prometheus_can_read_it() -> None:
    text = text_of(busy_counters())
    assert 'rotascope_producer_rejects_total{feed="alpaca",reason="price"} 1.0' in text
    assert text.count("# TYPE rotascope_producer_frames_total counter") == 1
    assert "_created" not in text


def test_a_clock_that_has_not_begun_has_no_time() -> None:
    names = {
        sample.name for sample in ProducerCollector(ProducerCounters("x"), lambda: 0, lambda: 0).samples()
    }
    assert "rotascope_producer_clock_timestamp_seconds" not in names
