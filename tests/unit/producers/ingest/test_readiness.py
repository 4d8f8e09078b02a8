"""What keeps a producer from being ready."""

from __future__ import annotations

from producers.ingest.readiness import why_not_ready
from producers.metrics import ProducerCounters


def test_a_producer_is_ready_with_a_broker_and_every_symbol_confirmed() -> None:
    counters = ProducerCounters("alpaca")
    counters.broker_connected = counters.connected = True
    assert why_not_ready(counters) == []


def test_each_reason_is_named() -> None:
    counters = ProducerCounters("alpaca")
    assert why_not_ready(counters) == ["no Kafka broker answers", "the alpaca feed is not connected"]
    counters.broker_connected = counters.connected = True
    counters.unconfirmed_symbols = 2
    assert why_not_ready(counters) == ["the alpaca feed has not confirmed 2 symbols"]
