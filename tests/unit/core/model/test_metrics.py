"""The metrics table keeps Prometheus' naming rules, row by row."""

from __future__ import annotations

import re

import pytest

from core.model.metrics import METRICS, METRICS_BY_NAME, PREFIX, Component, Metric, MetricKind

BASE_UNITS = {"", "seconds", "bytes", "percent"}
NAME = re.compile(r"[a-z][a-z0-9_]*[a-z0-9]")
RESERVED_SUFFIXES = ("_count", "_sum", "_bucket", "_created")
RESERVED_LABELS = {"le", "quantile", "job", "instance"}


def _ids(row: Metric) -> str:
    return row.name


def test_names_are_unique() -> None:
    assert len(METRICS_BY_NAME) == len(METRICS)


@pytest.mark.parametrize("row", METRICS, ids=_ids)
def test_name_is_valid_and_carries_the_prefix(row: Metric) -> None:
    assert row.name.startswith(PREFIX)
    assert NAME.fullmatch(row.name)
    assert "__" not in row.name
    assert not row.name.endswith(RESERVED_SUFFIXES)


@pytest.mark.parametrize("row", METRICS, ids=_ids)
def test_only_counters_end_in_total(row: Metric) -> None:
    assert row.name.endswith("_total") == (row.kind is MetricKind.COUNTER)


@pytest.mark.parametrize("row", METRICS, ids=_ids)
def test_unit_is_a_base_unit_and_is_the_suffix(row: Metric) -> None:
    assert row.unit in BASE_UNITS
    assert row.name.removesuffix("_total").endswith(row.unit)
    assert row.unit or not row.name.removesuffix("_total").endswith(("_seconds", "_bytes", "_percent"))


@pytest.mark.parametrize("row", METRICS, ids=_ids)
def test_help_is_one_sentence(row: Metric) -> None:
    assert row.help[0].isupper() or row.help[0].isdigit() or row.help.startswith("/")
    assert row.help.endswith(".")
    assert "\n" not in row.help


@pytest.mark.parametrize("row", METRICS, ids=_ids)
def test_labels_are_valid_and_few(row: Metric) -> None:
    assert len(row.labels) == len(set(row.labels)) <= 6
    assert all(NAME.fullmatch(label) for label in row.labels)
    assert not RESERVED_LABELS & set(row.labels)


@pytest.mark.parametrize("row", METRICS, ids=_ids)
def test_component_shows_in_the_name(row: Metric) -> None:
    """A reader of a dashboard can tell from the name which process to look at."""
    assert row.name.startswith("rotascope_producer_") == (row.component is Component.PRODUCER)


@pytest.mark.parametrize("row", METRICS, ids=_ids)
def test_a_moment_is_a_timestamp_and_a_counter_is_of_the_process(row: Metric) -> None:
    assert not row.name.endswith(("_age_seconds", "_silence_seconds"))
    assert row.kind is not MetricKind.COUNTER or "partition" not in row.labels


@pytest.mark.parametrize("row", METRICS, ids=_ids)
def test_a_pair_comes_with_its_legs(row: Metric) -> None:
    assert "pair" not in row.labels or row.labels[:3] == ("pair", "numerator", "benchmark")
