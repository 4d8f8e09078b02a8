"""Counters of the table: read back as numbers, and counted from one thread while another scrapes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from consumers.metrics.counters import WorkerCounters
from core.model.metrics import METRICS_BY_NAME
from core.runtime.counting import Counts, count, durations
from producers.metrics import ProducerCollector, ProducerCounters, make_registry

ROUNDS = 1_500


def shown(registry: CollectorRegistry) -> dict[tuple[str, str], float]:
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
    }


@contextmanager
def scraped(registry: CollectorRegistry) -> Iterator[Callable[[], int]]:
    """Scrape without a pause on another thread; gives how often, and raises what a scrape raised."""
    stop = threading.Event()
    failures: list[BaseException] = []
    scrapes = [0]

    def scrape() -> None:
        while not stop.is_set():
            try:
                generate_latest(registry)
                scrapes[0] += 1
            except BaseException as error:  # any failure of a scrape fails the test
                failures.append(error)
                return

    thread = threading.Thread(target=scrape)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        yield lambda: scrapes[0]
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)
    assert failures == []


def test_a_worker_counts_new_labels_and_partitions_while_it_is_scraped() -> None:
    counters = WorkerCounters()
    with scraped(counters.registry) as scrapes:
        number = 0
        while number < ROUNDS or scrapes() < 5:
            counters.of(number % 50).stepped(10, 100)
            counters.events.add((f"definition_{number % 500}", "opened"))
            counters.dead_letters.add(f"reason_{number % 500}")
            counters.poll_gap.observe(0.01)
            if number % 50 == 49:
                counters.forget(number % 37)
            number += 1
    assert (counters.frames, counters.ticks) == (number, 10 * number)
    assert counters.events.total() == counters.dead_letters.total() == number


def test_a_producer_counts_new_labels_and_partitions_while_it_is_scraped() -> None:
    counters = ProducerCounters("alpaca")
    registry = make_registry(ProducerCollector(counters, lambda: 0, lambda: 0), counters)
    with scraped(registry) as scrapes:
        number = 0
        while number < ROUNDS or scrapes() < 5:
            counters.rejects.add(f"reason_{number % 500}")
            counters.vendor_errors[str(number % 500)] += 1
            counters.of(number % 200).frames += 1
            counters.of(number % 200).in_flight_bytes += 1
            counters.messages += 1
            number += 1
    assert counters.messages == counters.rejects.total() == counters.vendor_errors.total() == number
    assert sum(own.frames for own in counters.partitions.values()) == number


def test_two_threads_that_add_to_one_label_lose_nothing() -> None:
    counts: Counts[str] = Counts(count("rotascope_worker_bars_total", CollectorRegistry()))

    def add() -> None:
        for _ in range(20_000):
            counts.add("1m")

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {"1m": 40_000}


def test_a_total_keeps_what_a_closed_partition_counted() -> None:
    counters = WorkerCounters()
    counters.of(3).stepped(10, 100)
    assert shown(counters.registry)["rotascope_worker_ticks_total", ""] == 10
    counters.forget(3)
    counters.forget(4)
    assert shown(counters.registry)["rotascope_worker_ticks_total", ""] == 10
    counters.of(3).stepped(1, 10)
    counters.of(5).quarantined += 1
    assert shown(counters.registry)["rotascope_worker_ticks_total", ""] == 11
    assert shown(counters.registry)["rotascope_worker_poisoned_records_total", ""] == 1
    assert (counters.frames, counters.ticks, counters.of(3).ticks) == (2, 11, 1)


def test_parts_add_up_to_one_series_also_when_they_fall() -> None:
    counters = ProducerCounters("alpaca")
    counters.of(0).in_flight_bytes += 70
    counters.of(1).in_flight_bytes += 30
    counters.of(0).in_flight_bytes -= 50
    counters.of(0).frames += 2
    counters.of(1).frames += 1
    figures = shown(counters.registry)
    assert figures["rotascope_producer_in_flight_bytes", "alpaca"] == 50
    assert figures["rotascope_producer_frames_total", "alpaca"] == 3
    assert (counters.of(0).in_flight_bytes, counters.of(0).frames) == (20, 2)


def test_name_help_and_type_are_the_tables_and_no_series_is_added() -> None:
    registry = CollectorRegistry()
    count("rotascope_worker_rejoins_total", registry).inc()
    durations("rotascope_worker_poll_gap_seconds", registry).observe(0.3)
    families = {
        family.name: family for family in text_string_to_metric_families(generate_latest(registry).decode())
    }
    assert set(families) == {"rotascope_worker_rejoins", "rotascope_worker_poll_gap_seconds"}
    for name in ("rotascope_worker_rejoins_total", "rotascope_worker_poll_gap_seconds"):
        row = METRICS_BY_NAME[name]
        family = families[name.removesuffix("_total")]
        assert (family.documentation, family.type) == (row.help, row.kind.value)
    bounds = [
        s.labels["le"] for s in families["rotascope_worker_poll_gap_seconds"].samples if "le" in s.labels
    ]
    assert bounds[:2] + bounds[-2:] == ["0.001", "0.002", "15.0", "+Inf"]


def test_a_counter_does_not_go_back() -> None:
    counters = WorkerCounters()
    counters.rejoins += 2
    with pytest.raises(ValueError, match="non-negative"):
        counters.rejoins -= 1
    assert counters.rejoins == 2


def test_a_label_never_counted_reads_0_and_is_not_listed() -> None:
    counters = WorkerCounters()
    assert (counters.commits["fenced"], dict(counters.commits), len(counters.commits)) == (0, {}, 0)
    assert "fenced" not in counters.commits
    assert shown(counters.registry)["rotascope_worker_commits_total", "fenced"] == 0
    counters.commits["fenced"] += 1
    assert counters.commits == {"fenced": 1}
