"""Table of all metrics that Rotascope exports.

Every metric needs a row. The exporters look names up in `METRICS_BY_NAME`, so a sample without a row is
never served, and tests compare the table with actual scrapes. `docs/metrics.md` is generated from it.
Naming follows Prometheus: prefix `rotascope_`, base units as suffix, counters end in `_total`, and a moment
is exported as a timestamp and never as an age.

`percent` is a deliberate exception to base units: returns and relative strength are quoted in percent, so
"1.5" means 1.5 %.

A value that is unknown has no sample, never 0 or NaN; `rotascope_unknown_values` counts it by reason.
Counters are of the process and have no `partition` label. Where their labels are a closed set, every
combination is exported at 0 from the start: `increase()` does not see the step of a counter that is born
at 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from core.model.metric import PREFIX, Component, Metric, MetricKind, Sample
from core.model.metrics_of_forwarders import FORWARDER_ROWS
from core.model.metrics_of_producers import PRODUCER_ROWS
from core.model.metrics_of_values import EVENT_ROWS, VALUE_ROWS
from core.model.metrics_of_workers import WORKER_ROWS

__all__ = ["METRICS", "METRICS_BY_NAME", "PREFIX", "Component", "Metric", "MetricKind", "Sample"]

METRICS: Final[tuple[Metric, ...]] = (*VALUE_ROWS, *EVENT_ROWS, *WORKER_ROWS, *PRODUCER_ROWS, *FORWARDER_ROWS)

METRICS_BY_NAME: Final[Mapping[str, Metric]] = MappingProxyType({row.name: row for row in METRICS})
