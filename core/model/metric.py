"""What the table of metrics says of one metric, and one sample of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

PREFIX: Final = "rotascope_"


class MetricKind(StrEnum):
    """The Prometheus type of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Component(StrEnum):
    """Process that exports a metric, and the origin of its value."""

    ENGINE = "engine"
    """Served by the worker, read from the engine's state arrays at scrape time."""
    WORKER = "worker"
    PRODUCER = "producer"
    FORWARDER = "forwarder"
    """`rotascope events forward`."""


class Metric(NamedTuple):
    """One row of the table.

    Args:
        name: Full name, as used in queries.
        kind: Prometheus type.
        unit: Base unit, also the name's suffix; empty if dimensionless.
        labels: Label names, in the order of a `Sample`'s label values.
        help: HELP text, one sentence.
        component: Exporting component.
    """

    name: str
    kind: MetricKind
    unit: str
    labels: tuple[str, ...]
    help: str
    component: Component


class Sample(NamedTuple):
    """One value at one moment, from `PartitionEngine.samples`.

    Args:
        name: Name of a row in `METRICS`.
        labels: Label values in the row's order.
        value: The value; NaN is omitted from a scrape.
    """

    name: str
    labels: tuple[str, ...]
    value: float
