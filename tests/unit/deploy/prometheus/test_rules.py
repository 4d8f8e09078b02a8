"""The shipped rules: what they select exists, and every alert is tested, explained and routed by severity."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.prometheus.market_rules import BLIND_ALERT, EVENT_ALERT
from tests.support.program import CHECKOUT
from tests.support.prometheus_rules import DIRECTORY, TEST_FILES, AlertingRule, rules_of, unknown_names

RUNBOOK = CHECKOUT / "docs" / "runbook.md"
RULES = rules_of()
RECORDED = frozenset(rule.name for rule in RULES if not rule.is_alert)
ALERTS = [rule for rule in RULES if rule.is_alert]
ABOUT = re.compile(r"(Rotascope\w+) (fires|stays silent)( .+)?")


def test_every_selector_names_a_metric_and_labels_of_the_table() -> None:
    assert unknown_names(RULES, RECORDED) == []


def test_a_metric_or_label_that_nobody_exports_is_found() -> None:
    wrong = [
        AlertingRule("A", {"alert": "A", "expr": "rate(rotascope_worker_tiks_total[5m]) > 0"}),
        AlertingRule("B", {"alert": "B", "expr": 'rotascope_partition_state{phase="running"} == 1'}),
    ]
    assert unknown_names(wrong, RECORDED) == [
        "A: no metric rotascope_worker_tiks_total",
        "B: rotascope_partition_state has no label phase",
    ]


def test_every_recording_rule_is_named_by_labels_metric_and_operation() -> None:
    assert all(re.fullmatch(r"deployment[a-z_]*:rotascope_\w+:\w+", name) for name in RECORDED), RECORDED


def test_no_name_stands_twice() -> None:
    names = [rule.name for rule in RULES]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_what_happened_where_and_what_to_do(alert: AlertingRule) -> None:
    annotations = alert.entry["annotations"]
    assert set(annotations) == {"summary", "description", "runbook_url"}
    assert alert.entry["labels"] == {"severity": alert.entry["labels"]["severity"]}
    assert alert.entry["labels"]["severity"] in {"critical", "warning"}
    assert len(annotations["summary"]) < 120
    assert annotations["description"].splitlines()[-1].startswith("Operator action: ")
    assert annotations["runbook_url"] == f"docs/runbook.md#{alert.name.lower()}"


def headings() -> dict[str, str]:
    """Section → its text."""
    parts = re.split(r"^## (.+)$", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_runbook_has_a_section_for_every_alert_and_no_other() -> None:
    assert set(headings()) == {alert.name for alert in ALERTS} | {EVENT_ALERT, BLIND_ALERT}
    for name, text in headings().items():
        for part in ("**What it means.**", "**First look**", "**What to do**", "Severity: "):
            assert part in text, name


def test_the_runbook_says_the_severity_of_each_alert() -> None:
    sections = headings()
    for alert in ALERTS:
        assert f"Severity: {alert.entry['labels']['severity']}." in sections[alert.name]


def test_the_runbook_names_metrics_that_exist() -> None:
    from core.model.metrics import METRICS_BY_NAME

    named = set(re.findall(r"(?<![:\w])rotascope_[a-z_]+", RUNBOOK.read_text(encoding="utf-8")))
    assert named <= set(METRICS_BY_NAME), named - set(METRICS_BY_NAME)


def promtool_tests() -> list[dict[str, Any]]:
    return [test for file in TEST_FILES for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]]


def fired(test: dict[str, Any]) -> set[str]:
    """Alerts that a test expects."""
    labels = [sample["labels"] for each in test["promql_expr_test"] for sample in each.get("exp_samples", ())]
    return {name for text in labels for name in re.findall(r'alertname="(\w+)"', text)}


def test_every_alert_is_seen_to_fire_and_to_stay_silent() -> None:
    shown: dict[str, set[str]] = {"fires": set(), "stays silent": set()}
    for test in promtool_tests():
        about = ABOUT.fullmatch(test["name"])
        assert about is not None, test["name"]
        name, what = about[1], about[2]
        assert fired(test) == ({name} if what == "fires" else set()), test["name"]
        assert test["promql_expr_test"]
        shown[what].add(name)
    names = {alert.name for alert in ALERTS}
    assert shown == {"fires": names, "stays silent": names}


def test_no_alert_is_raised_by_a_recording() -> None:
    """Every alert has the join, directly or through what it joins with."""
    silent = {
        about[1]
        for test in promtool_tests()
        if (about := ABOUT.fullmatch(test["name"])) and "recording" in (about[3] or "")
    }
    assert silent >= {alert.name for alert in ALERTS}
    joins = (
        "deployment:rotascope_recording:bool",
        "deployment_instance_feed:rotascope_producer_expected:bool",
    )
    assert all(any(join in alert.expression for join in joins) for alert in ALERTS)


def test_what_an_operator_changes_stands_in_targets() -> None:
    configuration = yaml.safe_load((DIRECTORY / "prometheus.yml").read_text(encoding="utf-8"))
    places = [*configuration["scrape_configs"], *configuration["alerting"]["alertmanagers"]]
    files = [file for place in places for each in place["file_sd_configs"] for file in each["files"]]
    assert len(files) == 4
    assert all(isinstance(yaml.safe_load(Path(DIRECTORY / file).read_text()), list) for file in files)
