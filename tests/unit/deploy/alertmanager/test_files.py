"""Who is told of what: the places that an operator changes, and no secret in the file."""

from __future__ import annotations

import yaml

from tests.support.program import CHECKOUT
from tests.support.prometheus_rules import rules_of

CONFIGURATION = yaml.safe_load(
    (CHECKOUT / "deploy/alertmanager/alertmanager.yml").read_text(encoding="utf-8")
)


def test_receivers_are_operators_and_market_on_this_machine() -> None:
    assert [each["name"] for each in CONFIGURATION["receivers"]] == ["operators", "market"]
    for receiver in CONFIGURATION["receivers"]:
        (hook,) = receiver["webhook_configs"]
        assert hook["url"].startswith("http://127.0.0.1:")


def test_inhibitions_name_alerts_that_exist() -> None:
    alerts = {rule.name for rule in rules_of() if rule.is_alert}
    for rule in CONFIGURATION["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            assert set(matcher.split('"')[1].split("|")) <= alerts
