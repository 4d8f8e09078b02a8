"""The rule files of Prometheus, read without Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from core.model.metrics import METRICS_BY_NAME
from tests.support.program import CHECKOUT

DIRECTORY = CHECKOUT / "deploy" / "prometheus"
RULE_FILES = tuple(sorted((DIRECTORY / "rules").glob("*.yml")))
TEST_FILES = tuple(sorted((DIRECTORY / "tests").glob("*.yml")))
OF_PROMETHEUS = frozenset({"up"})
OF_TARGETS = frozenset({"job", "instance", "deployment"})


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """One recording rule or alert.

    Args:
        name: Of the alert, or of the metric that it records.
        entry: What stands in the file.
    """

    name: str
    entry: dict[str, Any]

    @property
    def is_alert(self) -> bool:
        """Whether it is an alert."""
        return "alert" in self.entry

    @property
    def expression(self) -> str:
        """Its PromQL."""
        return str(self.entry["expr"])


def rules_of(files: Sequence[Path] = RULE_FILES) -> list[AlertingRule]:
    """Every rule of these files."""
    return [
        AlertingRule(entry.get("alert") or entry["record"], entry)
        for file in files
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for entry in group["rules"]
    ]


def selectors(expression: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Name and label names of every selector of an expression."""
    found: list[Any] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), visit)
    for node in found:
        yield node.name, frozenset(matcher.name for matcher in node.matchers.matchers)


def unknown_names(rules: Sequence[AlertingRule], recorded: frozenset[str]) -> list[str]:
    """List what expressions select and nobody exports: metrics, and labels of metrics.

    Args:
        rules: The rules.
        recorded: Names that recording rules make.
    """
    problems = []
    for rule in rules:
        for name, labels in selectors(rule.expression):
            if name in recorded or name in OF_PROMETHEUS:
                continue
            row = METRICS_BY_NAME.get(name)
            if row is None:
                problems.append(f"{rule.name}: no metric {name}")
            elif extra := labels - OF_TARGETS - set(row.labels):
                problems.append(f"{rule.name}: {name} has no label {', '.join(sorted(extra))}")
    return problems
