"""A panel's query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

DATA_SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")


class Evaluation(StrEnum):
    """When and how a query is evaluated."""

    RANGE = "range"
    """Over the time shown."""
    NOW = "now"
    """At its end."""
    TABLE = "table"
    """At its end, a row a series, a column a label."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query.

    Args:
        expression: PromQL; selectors come from `promql.py`.
        legend: Name of a series; `{{label}}` holds a label.
        evaluation: When and how.
        exemplars: Whether to show the events' ids that Prometheus keeps with a counter.
    """

    expression: str
    legend: str = ""
    evaluation: Evaluation = Evaluation.RANGE
    exemplars: bool = False


def now(expression: str, legend: str = "") -> Query:
    """Return a query for the present value."""
    return Query(expression, legend, Evaluation.NOW)


def rows(expression: str) -> Query:
    """Return a query for the rows of a table."""
    return Query(expression, "", Evaluation.TABLE)


def targets(queries: Sequence[Query]) -> list[prometheus.Dataquery]:
    """Return queries as Grafana takes them, named A, B, C and so on."""
    return [_target(query, name) for query, name in zip(queries, ascii_uppercase, strict=False)]


def _target(query: Query, name: str) -> prometheus.Dataquery:
    target = (
        prometheus.Dataquery()
        .datasource(DATA_SOURCE)
        .ref_id(name)
        .expr(query.expression)
        .editor_mode(QueryEditorMode.CODE)
        .exemplar(query.exemplars)
        .format(PromQueryFormat.TIME_SERIES)
    )
    if query.legend:
        target.legend_format(query.legend)
    if query.evaluation is Evaluation.RANGE:
        return target.range()
    if query.evaluation is Evaluation.TABLE:
        target.format(PromQueryFormat.TABLE)
    return target.instant()
