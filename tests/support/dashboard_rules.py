"""Rules for dashboards. Each takes a dashboard and yields what is wrong with it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import promql_parser

from core.model.metrics import MetricKind
from tests.support.dashboards import (
    EVERYTHING,
    LABEL_VALUES,
    VARIABLE,
    PanelQuery,
    panels,
    row_of,
    selectors,
    variables,
)

Board = Mapping[str, Any]
Rule = Callable[[Board], Iterator[str]]

COLUMNS: Final = 24
TARGET_LABELS: Final = frozenset({"job", "instance"})
UNITS: Final = frozenset(
    (
        *"percent percentunit none short s bytes Bps cps dateTimeAsIso".split(),
        *("suffix: σ", "suffix: ×", "suffix: bp", "suffix: s/s"),
    )
)
RATES: Final = {"rate", "increase"}
STRETCHES: Final = {"$__rate_interval", "$__range"}
BUILT_IN: Final = frozenset(
    {"__rate_interval", "__range", "__interval", "__url_time_range", "__data", "__value"}
)


def identity(board: Board) -> Iterator[str]:
    """A fixed uid, a title, a description, a tag, not editable, no number of one database."""
    if not re.fullmatch(r"rotascope-[a-z]+", board.get("uid", "")):
        yield f"uid {board.get('uid')!r}"
    for name in ("title", "description"):
        if not board.get(name):
            yield f"no {name}"
    if board.get("editable") is not False:
        yield "may be edited, and the change would be lost"
    if board.get("id") is not None:
        yield "has the number of one Grafana"
    if "rotascope" not in board.get("tags", []):
        yield "no tag, so the others do not link to it"


def data_source(board: Board) -> Iterator[str]:
    """The data source is a variable, and everything asks it."""
    variable = variables(board).get("datasource", {})
    if (variable.get("type"), variable.get("query")) != ("datasource", "prometheus"):
        yield "no variable datasource of type prometheus"
    asking = [(p["title"], p) for p in panels(board)]
    asking += [(p["title"], target) for p in panels(board) for target in p["targets"]]
    asking += [(v["name"], v) for v in variables(board).values() if v["type"] == "query"]
    asking += [(a["name"], a) for a in board["annotations"]["list"]]
    for name, each in asking:
        if each["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            yield f"{name}: asks {each['datasource']}"


def jobs_and_instances(board: Board) -> Iterator[str]:
    """Job and instance can be chosen, several at a time; every query is limited to them."""
    for name in ("job", "instance"):
        variable = variables(board).get(name, {})
        if not (variable.get("multi") and variable.get("includeAll") and variable.get("allValue") == ".+"):
            yield f"variable {name}: not several, or not all"
    for query in _queries(board):
        for selector in _selectors(query, keep=True):
            found = {(m.name, str(m.op), m.value) for m in selector.matchers.matchers}
            for name in TARGET_LABELS:
                if (name, "MatchOp.Re", f"${name}") not in found:
                    yield f"{query}: {selector} is not limited to the chosen {name}"


def words(board: Board) -> Iterator[str]:
    """Every panel has a title of its own, a description in sentences, a unit; a variable has a label."""
    titles = [panel.get("title", "") for panel in panels(board)]
    yield from (f"two panels {title!r}" for title in set(titles) if titles.count(title) > 1)
    for panel in panels(board):
        description = panel.get("description", "")
        if not panel.get("title") or panel["title"] != panel["title"].strip():
            yield f"panel {panel['id']}: no title"
        if len(description) < 10 or not description.endswith("."):
            yield f"{panel['title']}: no description"
        unit = panel["fieldConfig"]["defaults"].get("unit")
        if unit not in UNITS:
            yield f"{panel['title']}: unit {unit!r}"
    yield from (f"{each['name']}: no label" for each in variables(board).values() if not each.get("label"))


def places(board: Board) -> Iterator[str]:
    """Numbers are unique, panels stay within the columns and do not overlap."""
    numbers = [panel["id"] for panel in board["panels"]]
    if len(set(numbers)) != len(numbers):
        yield "two panels with one number"
    taken: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        at = panel["gridPos"]
        if at["x"] + at["w"] > COLUMNS:
            yield f"{panel['title']}: beyond the {COLUMNS} columns"
        for cell in itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])):
            if cell in taken:
                yield f"{panel['title']}: over {taken[cell]}"
                break
            taken[cell] = panel["title"]


def exported(board: Board) -> Iterator[str]:
    """Queries parse, name only exported metrics, and match and keep only labels that these have."""
    for query in _queries(board):
        try:
            tree = promql_parser.parse(query.filled())
        except ValueError as error:
            yield f"{query}: {error}"
            continue
        labels = set(TARGET_LABELS) | {"le"}
        for selector in selectors(tree):
            if selector.name is None:
                names = [m.value for m in selector.matchers.matchers if m.name == "__name__"]
                rows = [row_of(name) for name in names[0].split("|")]
            else:
                try:
                    rows = [row_of(selector.name)]
                except KeyError:
                    yield f"{query}: {selector.name} is not exported"
                    continue
            own = {label for row in rows for label in row.labels} | TARGET_LABELS | {"le", "__name__"}
            labels |= own
            for matcher in selector.matchers.matchers:
                if matcher.name not in own:
                    yield f"{query}: {selector.name} has no label {matcher.name}"
        for label in _grouped_by(query.expression) - labels:
            yield f"{query}: no series has the label {label}"


def counters(board: Board) -> Iterator[str]:
    """A counter is shown by its rate or increase, a gauge never; rates take Grafana's interval."""
    for query in _queries(board, variables_too=False):
        for selector, function in _calls(query):
            row = row_of(selector.name or "")
            counts = row.kind is not MetricKind.GAUGE
            if counts and function not in RATES:
                yield f"{query}: the counter {row.name} without rate or increase"
            if not counts and function in RATES:
                yield f"{query}: {function} of the gauge {row.name}"
        for function, stretch in re.findall(
            r"(\w+)\((?:[^\[\]()]|\([^\[\]()]*\))*\[([^\]]+)\]", query.expression
        ):
            allowed = STRETCHES if function != "rate" else {"$__rate_interval"}
            if stretch not in allowed:
                yield f"{query}: {function} over {stretch}"


def chosen_is_used(board: Board) -> Iterator[str]:
    """Every variable is used, and every variable that is used can be chosen."""
    offered = set(variables(board))
    text = json.dumps(
        [board["panels"], board["annotations"], [v.get("query") for v in variables(board).values()]]
    )
    used = {found[1] or found[2] for found in re.finditer(r"\$(?:\{(\w+)[^}]*\}|(\w+))", text)}
    yield from (f"nothing asks for ${name}" for name in offered - used)
    yield from (f"${name} cannot be chosen" for name in used - offered - BUILT_IN)


def scales(board: Board) -> Iterator[str]:
    """Thresholds rise from nothing; words are given for numbers; what has words has a colour."""
    for panel in panels(board):
        fields = [panel["fieldConfig"]["defaults"]]
        fields += [
            {each["id"]: each.get("value") for each in override["properties"]}
            for override in panel["fieldConfig"]["overrides"]
        ]
        for field in fields:
            steps = [step["value"] for step in field.get("thresholds", {}).get("steps", [])]
            if steps and (steps[0] is not None or sorted(steps[1:]) != steps[1:]):
                yield f"{panel['title']}: thresholds {steps}"
            for mapping in field.get("mappings") or []:
                for value, result in mapping["options"].items():
                    if not (re.fullmatch(r"-?\d+", value) and result.get("text") and result.get("color")):
                        yield f"{panel['title']}: {value} is {result}"


def legends(board: Board) -> Iterator[str]:
    """Several curves in a panel can be told apart; a legend names only labels that are kept."""
    for panel in panels(board):
        if panel["type"] == "table":
            continue
        names = [target.get("legendFormat", "") for target in panel["targets"]]
        if len(set(names)) < len(names):
            yield f"{panel['title']}: two queries with one legend"
        if panel["type"] != "stat" and not all(names):
            yield f"{panel['title']}: a query without legend"
        for target, name in zip(panel["targets"], names, strict=True):
            kept = _grouped_by(target["expr"])
            for label in re.findall(r"{{(\w+)}}", name):
                if label not in kept:
                    yield f"{panel['title']}: the legend names {label}, which is not kept"


def tables(board: Board) -> Iterator[str]:
    """Each column of a table has its field, and each query its column."""
    for panel in panels(board):
        if panel["type"] != "table":
            continue
        *_, ordering = panel["transformations"]
        renamed = ordering["options"]["renameByName"]
        looks = {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]}
        if set(renamed.values()) != looks:
            yield f"{panel['title']}: columns {sorted(looks ^ set(renamed.values()))}"
        several = len(panel["targets"]) > 1
        values = {f"Value #{target['refId']}" if several else "Value" for target in panel["targets"]}
        labels = {field for field in renamed if not field.startswith("Value")}
        if values | labels != set(renamed):
            yield f"{panel['title']}: fields {sorted(set(renamed) ^ (values | labels))}"
        for target in panel["targets"]:
            if (target["format"], target["instant"]) != ("table", True):
                yield f"{panel['title']}: query {target['refId']} is not a table of the present"
            if not _grouped_by(target["expr"]) & labels:
                yield f"{panel['title']}: query {target['refId']} keeps none of {sorted(labels)}"
        sorted_by = panel["options"]["sortBy"][0]["displayName"]
        if sorted_by not in renamed.values():
            yield f"{panel['title']}: sorted by {sorted_by}, which is no column"


RULES: Final[tuple[Rule, ...]] = (
    identity,
    data_source,
    jobs_and_instances,
    words,
    places,
    exported,
    counters,
    chosen_is_used,
    scales,
    legends,
    tables,
)


def _queries(board: Board, *, variables_too: bool = True) -> Iterator[PanelQuery]:
    name = board.get("uid", "")
    for panel in panels(board):
        for target in panel["targets"]:
            yield PanelQuery(name, panel["title"], target["refId"], target["expr"])
    for each in board["annotations"]["list"]:
        yield PanelQuery(name, each["name"], "", each["expr"])
    if not variables_too:
        return
    for each in variables(board).values():
        match = LABEL_VALUES.fullmatch(each["query"]["query"]) if each["type"] == "query" else None
        # What job and instance are chosen from cannot be limited to what is chosen.
        if match is not None and each["name"] not in TARGET_LABELS:
            yield PanelQuery(name, each["name"], "", match["selector"])


def _selectors(query: PanelQuery, *, keep: bool = False) -> Iterator[promql_parser.VectorSelector]:
    """The selectors of a query; with `keep`, variables in matchers stay as they are written."""
    inside = {name: f"${name}" for name in EVERYTHING if not name.startswith("__")} if keep else {}
    return selectors(promql_parser.parse(query.filled({**EVERYTHING, **inside})))


def _calls(query: PanelQuery) -> Iterator[tuple[promql_parser.VectorSelector, str]]:
    """Each selector with the function that takes its stretch of time; empty for none."""
    found: list[tuple[promql_parser.VectorSelector, str]] = []
    inside: set[str] = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call):
            for argument in node.args:
                if isinstance(argument, promql_parser.MatrixSelector):
                    found.append((argument.vector_selector, node.func.name))
                    inside.add(str(argument.vector_selector))
        elif isinstance(node, promql_parser.VectorSelector) and str(node) not in inside:
            found.append((node, ""))

    promql_parser.walk(promql_parser.parse(query.filled()), pre_visit=visit)
    return iter(found)


def _grouped_by(expression: str) -> set[str]:
    """The labels that aggregations of a query keep, or that it brings in from another series."""
    lists = re.findall(r"(?:\bby|group_left|group_right) \(([^)]*)\)", expression)
    return {label.strip() for labels in lists for label in labels.split(",") if label.strip()}


def unknown_variables(expression: str) -> set[str]:
    """Return the variables of an expression that nothing fills in."""
    return {found[1] or found[2] for found in VARIABLE.finditer(expression)} - set(EVERYTHING)
