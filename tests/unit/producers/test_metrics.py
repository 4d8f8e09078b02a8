"""A scrape shows every producer row of the table, and nothing that is not in it."""

from __future__ import annotations

from datetime import date
from functools import partial

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from core.model.metrics import METRICS, METRICS_BY_NAME, Component
from core.model.sessions import build_calendar
from producers.metrics import ProducerCollector, ProducerCounters, make_registry

NOW_NS = 100_000_000_000


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
    counters.feed_delay_ns, counters.last_message_ns, counters.last_tick_ns = 500_000_000, NOW_NS, NOW_NS
    return counters


def text_of(counters: ProducerCounters) -> str:
    collector = ProducerCollector(
        counters,
        lambda: 4,
        lambda: 250_000_000,
        lambda: (4_096, 1.5),
        source="sip",
        calendars=[build_calendar("24/7", date(1970, 1, 1), date(1970, 1, 2))],
        wall_ns=lambda: NOW_NS,
    )
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
    assert values["reconnects_total", "alpaca", "connection"] == 0
    assert values["frames_total", "alpaca"] == 3
    assert values["in_flight_bytes", "alpaca"] == 99
    assert values["source_info", "alpaca", "live", "sip"] == 1
    assert values["session_open", "alpaca"] == 1
    assert values["feed_delay_seconds", "alpaca"] == 0.5
    assert values["last_message_timestamp_seconds", "alpaca"] == 100
    assert values["gaps_total", "alpaca", "takeover"] == 1
    assert values["hold_dropped_ticks_total", "alpaca"] == 6
    assert values["held_bytes", "alpaca"] == 4_096
    assert values["held_oldest_timestamp_seconds", "alpaca"] == 98.5
    assert values["queue_messages", "alpaca"] == 4
    assert values["queue_oldest_timestamp_seconds", "alpaca"] == 99.75
    assert values["clock_timestamp_seconds", "alpaca"] == 1.5


def test_prometheus_can_read_it() -> None:
    text = text_of(busy_counters())
    assert 'rotascope_producer_rejects_total{feed="alpaca",reason="price"} 1.0' in text
    assert text.count("# TYPE rotascope_producer_frames_total counter") == 1
    assert "_created" not in text


def test_what_has_not_happened_has_no_time_and_what_is_empty_no_oldest() -> None:
    collector = ProducerCollector(ProducerCounters("x"), lambda: 0, lambda: 0)
    names = {sample.name for sample in collector.samples()}
    assert not [name for name in names if name.endswith("_timestamp_seconds")]
    assert "rotascope_producer_feed_delay_seconds" not in names


def test_a_recording_says_so_and_has_no_delay() -> None:
    collector = ProducerCollector(busy_counters(), lambda: 0, lambda: 0, source="sip", recorded=True)
    samples = {sample.name: sample.labels for sample in collector.samples()}
    assert samples["rotascope_producer_source_info"] == ("alpaca", "sip", "recorded")
    assert "rotascope_producer_feed_delay_seconds" not in samples
    assert "rotascope_producer_last_tick_timestamp_seconds" in samples


def test_outside_its_sessions_a_feed_is_closed() -> None:
    calendar = build_calendar("XNYS", date(2024, 7, 8), date(2024, 7, 12))
    noon_ns = int(calendar.open_ns[0]) + 1
    for now_ns, is_open in ((noon_ns, 1), (noon_ns - 2, 0), (int(calendar.close_ns[0]), 0)):
        clock = partial(int, now_ns)
        collector = ProducerCollector(
            ProducerCounters("x"), lambda: 0, lambda: 0, calendars=[calendar], wall_ns=clock
        )
        values = {sample.name: sample.value for sample in collector.samples()}
        assert values["rotascope_producer_session_open"] == is_open
