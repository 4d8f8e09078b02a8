"""The shipped files of Prometheus and Alertmanager, judged by promtool and amtool."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.definitions.catalogue import parse_catalogue
from core.runtime.files import CATALOGUE, read_text
from deploy.prometheus.market_rules import market_rules
from tests.support.monitoring import run_tool
from tests.support.program import CHECKOUT
from tests.support.prometheus_rules import DIRECTORY, RULE_FILES, TEST_FILES

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

ALERTMANAGER = CHECKOUT / "deploy" / "alertmanager" / "alertmanager.yml"

MARKET_TEST = CHECKOUT / "tests" / "support" / "market_rules_test.yml"


def test_prometheus_accepts_its_configuration() -> None:
    assert run_tool("promtool", "check", "config", DIRECTORY / "prometheus.yml")[0] == 0
    status, said = run_tool("promtool", "check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)
    assert status == 0, said


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
def test_every_alert_fires_and_stays_silent(file: Path) -> None:
    status, said = run_tool("promtool", "test", "rules", file)
    assert status == 0, said


def test_rules_for_market_events(tmp_path: Path) -> None:
    catalogue = parse_catalogue(read_text(None, CATALOGUE))
    wanted = [catalogue.get("opposite_day_up"), catalogue.get("ratio_high_year")]
    (tmp_path / "market.yml").write_text(market_rules(wanted, ["RUT/SPX"]))
    (tmp_path / "test.yml").write_text(MARKET_TEST.read_text())
    status, said = run_tool("promtool", "test", "rules", tmp_path / "test.yml")
    assert status == 0, said


def test_prometheus_reads_the_rules_of_every_definition(tmp_path: Path) -> None:
    catalogue = parse_catalogue(read_text(None, CATALOGUE))
    file = tmp_path / "all.yml"
    file.write_text(market_rules(catalogue.definitions, ["RUT/SPX", 'A"{{\\B/C']))
    status, said = run_tool("promtool", "check", "rules", "--lint=all", "--lint-fatal", file)
    assert status == 0, said


def test_alertmanager_accepts_its_configuration() -> None:
    status, said = run_tool("amtool", "check-config", ALERTMANAGER)
    assert status == 0, said


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=RotascopeFeedMute", "severity=critical"], "operators"),
        (["alertname=RotascopeBehind", "severity=warning"], "operators"),
        (["alertname=RotascopeMarketEvent", "severity=market", "pair=RUT/SPX"], "market"),
        (["alertname=RotascopeMarketAlertBlind", "severity=warning", "pair=RUT/SPX"], "operators"),
        (["alertname=SomebodyElses"], "operators"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-1],
)
def test_an_alert_reaches_its_receiver(labels: list[str], receiver: str) -> None:
    options = [f"--config.file={ALERTMANAGER}", f"--verify.receivers={receiver}"]
    status, said = run_tool("amtool", "config", "routes", "test", *options, *labels)
    assert status == 0, said
