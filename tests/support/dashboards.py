"""Reads the generated dashboards as Grafana would: panels, queries, variables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import promql_parser

from core.model.metrics import METRICS_BY_NAME, Metric, MetricKind
from deploy.grafana.boards import DIRECTORY

LABEL_VALUES: Final = re.compile(r"label_values\((?P<selector>.*), (?P<label>\w+)\)")
VARIABLE: Final = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")
EVERYTHING: Final[Mapping[str, str]] = {
    "job": ".+",
    "instance": ".+",
    "pair": "RUT/SPX",
    "definition": ".+",
    "feed": ".+",
    "__rate_interval": "1m",
    "__interval": "15s",
    "__range": "6h",
}
"""What Grafana puts in for variables."""


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """A query and where it stands.

    Args:
        board: Name of the dashboard.
        panel: Title of the panel, of the annotation or of the variable.
        name: A, B, C …; of a variable or an annotation empty.
        expression: As it stands in the file.
        instant: Whether it is asked for the present only.
    """

    board: str
    panel: str
    name: str
    expression: str
    instant: bool = True

    def __str__(self) -> str:
        return "/".join(filter(None, (self.board, self.panel, self.name)))

    def filled(self, values: Mapping[str, str] = EVERYTHING) -> str:
        """Return the expression as Prometheus gets it."""
        return VARIABLE.sub(lambda found: values[found[1] or found[2]], self.expression)


def dashboards() -> dict[str, dict[str, Any]]:
    """Return name → the committed JSON."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DIRECTORY.glob("*.json"))
    }


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the panels of a dashboard that show something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def variables(board: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return name → variable."""
    return {each["name"]: each for each in board["templating"]["list"]}


def panel_queries() -> list[PanelQuery]:
    """Return the queries of all panels."""
    return [
        PanelQuery(name, panel["title"], target["refId"], target["expr"], target["instant"])
        for name, board in dashboards().items()
        for panel in panels(board)
        for target in panel["targets"]
    ]


def annotation_queries() -> list[PanelQuery]:
    """Return the queries of all annotations."""
    return [
        PanelQuery(name, each["name"], "", each["expr"], instant=False)
        for name, board in dashboards().items()
        for each in board["annotations"]["list"]
    ]


def variable_queries() -> list[PanelQuery]:
    """Return the selectors of all variables."""
    found = []
    for name, board in dashboards().items():
        for each in variables(board).values():
            if each["type"] == "query":
                match = LABEL_VALUES.fullmatch(each["query"]["query"])
                assert match is not None, each
                found.append(PanelQuery(name, each["name"], "", match["selector"]))
    return found


def selectors(expression: promql_parser.Expr) -> Iterator[promql_parser.VectorSelector]:
    """Yield the selectors of a parsed query."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        elif isinstance(node, promql_parser.MatrixSelector):
            found.append(node.vector_selector)

    promql_parser.walk(expression, pre_visit=visit)
    return iter(found)


def row_of(series: str) -> Metric:
    """Return the row of the metrics table that a series belongs to.

    Raises:
        KeyError: There is none.
    """
    row = METRICS_BY_NAME.get(series)
    if row is None:
        row = METRICS_BY_NAME[re.sub(r"_(bucket|sum|count)$", "", series)]
        if row.kind is not MetricKind.HISTOGRAM:
            raise KeyError(series)
    return row


def files() -> list[Path]:
    """Return the committed files."""
    return sorted(DIRECTORY.glob("*.json"))
