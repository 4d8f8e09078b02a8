"""The rules that every dashboard keeps, and that each rule notices what it is for."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from core.model.metrics import METRICS
from tests.support import dashboard_rules as rules
from tests.support.dashboard_rules import RULES, Rule
from tests.support.dashboards import (
    annotation_queries,
    dashboards,
    panel_queries,
    panels,
    row_of,
    selectors,
    variable_queries,
    variables,
)

BOARDS = dashboards()
MARKET = frozenset({"rotation", "instrument", "events"})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", BOARDS)
def test_every_dashboard_keeps_every_rule(name: str, rule: Rule) -> None:
    assert list(rule(BOARDS[name])) == []


def test_there_are_six_dashboards_with_uids_of_their_own() -> None:
    assert set(BOARDS) == MARKET | {"pipeline", "feeds", "forwarders"}
    assert len({board["uid"] for board in BOARDS.values()}) == 6


def test_every_metric_is_on_a_dashboard() -> None:
    import promql_parser

    shown = {
        row_of(selector.name or "").name
        for query in [*panel_queries(), *annotation_queries()]
        for selector in selectors(promql_parser.parse(query.filled()))
    }
    assert {row.name for row in METRICS} - shown == set()


def test_every_template_query_asks_for_a_label_that_its_metric_has() -> None:
    asked = [
        (board["uid"], each["name"], each["query"]["query"])
        for board in BOARDS.values()
        for each in variables(board).values()
        if each["type"] == "query"
    ]
    assert len(asked) == len(variable_queries()) > 10
    for _, name, query in asked:
        metric = re.search(r"rotascope_\w+", query)
        assert metric is not None
        assert name in {*row_of(metric[0]).labels, "job", "instance"}


@pytest.mark.parametrize("name", BOARDS)
def test_links_lead_to_a_dashboard_and_set_what_can_be_chosen_there(name: str) -> None:
    by_uid = {board["uid"]: board for board in BOARDS.values()}
    text = json.dumps(BOARDS[name], ensure_ascii=False)
    for uid, arguments in re.findall(r'"/d/([\w-]+)/[\w-]+\?([^"]*)"', text):
        assert uid in by_uid
        assert set(re.findall(r"var-(\w+)=", arguments)) <= set(variables(by_uid[uid]))
        assert "${__url_time_range}" in arguments
        assert "${datasource:queryparam}" in arguments


@pytest.mark.parametrize("name", BOARDS)
def test_a_link_takes_its_words_from_columns_of_its_own_table(name: str) -> None:
    for panel in panels(BOARDS[name]):
        fields = set(re.findall(r"__data\.fields\.(\w+)", json.dumps(panel)))
        if fields:
            assert fields <= set(panel["transformations"][-1]["options"]["renameByName"].values())


@pytest.mark.parametrize(
    "title", ["What is open now", "All pairs: lead or lag, strongest of 21 sessions first"]
)
def test_a_row_of_rotation_leads_to_its_pair(title: str) -> None:
    (panel,) = [each for each in panels(BOARDS["rotation"]) if each["title"] == title]
    links = [
        each["value"][0]["url"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == "Pair"
        for each in override["properties"]
        if each["id"] == "links"
    ]
    assert len(links) == 1
    assert links[0].startswith("/d/rotascope-instrument/")
    assert "var-pair=${__data.fields.Pair}" in links[0]


def test_a_desk_sees_no_words_of_the_machinery() -> None:
    for panel in panels(BOARDS["rotation"]):
        words = f"{panel['title']} {panel['description']}".casefold()
        assert not re.search(
            r"\b(partition|offset|broker|kafka|numerator|benchmark|scrape|watermark)\b", words
        )
    shown = {each["name"] for each in variables(BOARDS["rotation"]).values() if each.get("hide", 0) == 0}
    assert shown == {"datasource", "pair"}


# --- each rule notices what it is for ----------------------------------------------------------------------


def _panel(board: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in board["panels"] if each["type"] == kind)
    return found


def _expression(text: str, kind: str = "timeseries") -> Callable[[dict[str, Any]], None]:
    def change(board: dict[str, Any]) -> None:
        _panel(board, kind)["targets"][0]["expr"] = text

    return change


def _variable(name: str, **values: object) -> Callable[[dict[str, Any]], None]:
    return lambda board: variables(board)[name].update(values)


def _of(kind: str, **values: object) -> Callable[[dict[str, Any]], None]:
    return lambda board: _panel(board, kind).update(values)


HERE = 'job=~"$job", instance=~"$instance"'
FAULTS: list[tuple[Rule, str, Callable[[dict[str, Any]], object]]] = [
    (rules.identity, "uid", lambda board: board.update(uid="3f2a")),
    (rules.identity, "edited", lambda board: board.update(editable=True)),
    (rules.identity, "number of one Grafana", lambda board: board.update(id=7)),
    (rules.identity, "no description", lambda board: board.update(description="")),
    (rules.identity, "no tag", lambda board: board.update(tags=[])),
    (rules.data_source, "no variable datasource", _variable("datasource", query="loki")),
    (rules.data_source, "asks", _of("stat", datasource={"type": "prometheus", "uid": "P1"})),
    (rules.data_source, "asks", _variable("pair", datasource=None)),
    (rules.jobs_and_instances, "variable job", _variable("job", multi=False)),
    (rules.jobs_and_instances, "variable instance", _variable("instance", allValue=None)),
    (rules.jobs_and_instances, "chosen job", _expression("rotascope_ratio{instance=~'$instance'}")),
    (rules.jobs_and_instances, "chosen instance", _expression("rotascope_ratio{job=~'$job', instance='a'}")),
    (rules.words, "no description", _of("stat", description="")),
    (rules.words, "unit", lambda board: _panel(board, "stat")["fieldConfig"]["defaults"].pop("unit")),
    (
        rules.words,
        "unit",
        lambda board: _panel(board, "stat")["fieldConfig"]["defaults"].update(unit="furlong"),
    ),
    (
        rules.words,
        "two panels",
        lambda board: _panel(board, "timeseries").update(title=_panel(board, "stat")["title"]),
    ),
    (rules.words, "no label", _variable("pair", label="")),
    (rules.places, "beyond", lambda board: _panel(board, "stat")["gridPos"].update(w=25)),
    (
        rules.places,
        "over",
        lambda board: _panel(board, "table")["gridPos"].update(_panel(board, "stat")["gridPos"]),
    ),
    (rules.places, "one number", lambda board: _panel(board, "table").update(id=_panel(board, "stat")["id"])),
    (rules.exported, "not exported", _expression(f"rotascope_worker_events_total{{{HERE}}}")),
    (rules.exported, "not exported", _expression(f"rotascope_ratio_bucket{{{HERE}}}")),
    (rules.exported, "has no label", _expression(f'rotascope_ratio{{{HERE}, window="1d"}}')),
    (rules.exported, "has the label", _expression(f"max by (symbol) (rotascope_ratio{{{HERE}}})")),
    (rules.exported, "expected type", _expression(f"rate(rotascope_ratio{{{HERE}}})")),
    (rules.exported, "unclosed", _expression(f"max(rotascope_ratio{{{HERE}}}")),
    (rules.counters, "without rate", _expression(f"sum(rotascope_worker_ticks_total{{{HERE}}})")),
    (rules.counters, "of the gauge", _expression(f"rate(rotascope_ratio{{{HERE}}}[$__rate_interval])")),
    (rules.counters, "over 5m", _expression(f"rate(rotascope_worker_ticks_total{{{HERE}}}[5m])")),
    (rules.counters, "over $__range", _expression(f"rate(rotascope_worker_ticks_total{{{HERE}}}[$__range])")),
    (rules.chosen_is_used, "cannot be chosen", _expression(f'rotascope_ratio{{{HERE}, pair="$par"}}')),
    (
        rules.chosen_is_used,
        "nothing asks",
        lambda board: board["templating"]["list"].append(variables(board)["pair"] | {"name": "window"}),
    ),
    (
        rules.scales,
        "thresholds",
        lambda board: _panel(board, "stat")["fieldConfig"]["defaults"]["thresholds"]["steps"].reverse(),
    ),
    (
        rules.scales,
        "high is",
        lambda board: _panel(board, "stat")["fieldConfig"]["defaults"].update(
            mappings=[{"type": "value", "options": {"high": {"text": "high", "color": "red"}}}]
        ),
    ),
    (
        rules.legends,
        "not kept",
        lambda board: _panel(board, "timeseries")["targets"][0].update(legendFormat="{{feed}}"),
    ),
    (
        rules.legends,
        "without legend",
        lambda board: _panel(board, "timeseries")["targets"][0].pop("legendFormat"),
    ),
    (
        rules.legends,
        "one legend",
        lambda board: [each.update(legendFormat="it") for each in _panel(board, "timeseries")["targets"]],
    ),
    (rules.tables, "fields", lambda board: _panel(board, "table")["targets"].pop()),
    (
        rules.tables,
        "columns",
        lambda board: _panel(board, "table")["fieldConfig"]["overrides"].pop(),
    ),
    (rules.tables, "not a table", lambda board: _panel(board, "table")["targets"][0].update(instant=False)),
    (rules.tables, "keeps none", _expression(f"max(rotascope_ratio{{{HERE}}})", "table")),
    (
        rules.tables,
        "no column",
        lambda board: _panel(board, "table")["options"]["sortBy"][0].update(displayName="Age"),
    ),
]


@pytest.mark.parametrize(
    ("rule", "expected", "fault"), FAULTS, ids=[f"{rule.__name__}: {text}" for rule, text, _ in FAULTS]
)
def test_a_rule_notices(rule: Rule, expected: str, fault: Callable[[dict[str, Any]], object]) -> None:
    board = copy.deepcopy(BOARDS["rotation"])
    fault(board)
    found = list(rule(board))
    assert any(expected in each for each in found), found
