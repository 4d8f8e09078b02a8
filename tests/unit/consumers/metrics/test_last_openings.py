"""When each pair last opened a definition."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from consumers.metrics.last_openings import LastOpenings

NAME = "rotascope_event_last_opening_timestamp_seconds"


def of(registry: CollectorRegistry, pair: str, definition: str) -> float | None:
    return registry.get_sample_value(NAME, {"pair": pair, "definition": definition})


def test_a_pair_has_no_series_before_its_first_opening() -> None:
    registry = CollectorRegistry()
    openings = LastOpenings(registry)
    openings.opened("RUT/SPX", "opposite_day_up", 100.0)
    assert of(registry, "RUT/SPX", "opposite_day_up") == 100.0
    assert of(registry, "RUT/QQQ", "opposite_day_up") is None
    assert of(registry, "RUT/SPX", "opposite_day_down") is None


def test_a_later_opening_replaces_the_earlier() -> None:
    registry = CollectorRegistry()
    openings = LastOpenings(registry)
    openings.opened("RUT/SPX", "opposite_day_up", 100.0)
    openings.opened("RUT/SPX", "opposite_day_up", 200.0)
    assert of(registry, "RUT/SPX", "opposite_day_up") == 200.0


def test_the_oldest_opening_makes_room() -> None:
    registry = CollectorRegistry()
    openings = LastOpenings(registry, most=2)
    for second, pair in enumerate(("A/B", "C/D", "A/B", "E/F")):
        openings.opened(pair, "x", float(second))
    assert of(registry, "C/D", "x") is None
    assert of(registry, "A/B", "x") == 2.0
    assert of(registry, "E/F", "x") == 3.0
