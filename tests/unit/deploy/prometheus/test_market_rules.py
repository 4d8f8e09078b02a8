"""`rotascope alerts rules`: rule files for the market events that a user picks."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import rotascope
from core.definitions.catalogue import Catalogue, parse_catalogue
from core.model.errors import ConfigurationError
from core.runtime.files import CATALOGUE, UNIVERSE, read_text
from deploy.prometheus.market_rules import BLIND_ALERT, EVENT_ALERT, market_rules
from tests.support.prometheus_rules import rules_of, unknown_names


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return parse_catalogue(read_text(None, CATALOGUE))


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(rotascope.app, ["alerts", "rules", *arguments], prog_name="rotascope")
    return result.exit_code, result.stdout, result.stderr


def test_every_definition_of_the_catalogue_gives_rules_over_known_metrics(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    file = tmp_path / "market.yml"
    file.write_text(market_rules(catalogue.definitions, ["RUT/SPX"]))
    rules = rules_of([file])
    assert unknown_names(rules, frozenset()) == []
    events = [rule.entry for rule in rules if rule.name == EVENT_ALERT]
    assert [each["labels"]["definition"] for each in events] == [
        each.definition_id for each in catalogue.definitions
    ]
    assert {each["labels"]["severity"] for each in events} == {"market"}
    assert {each["labels"]["pair"] for each in events} == {"RUT/SPX"}
    for each, definition in zip(events, catalogue.definitions, strict=True):
        assert each["annotations"]["title"] == definition.title
        assert each["annotations"]["summary"] == "{{ $labels.pair }}: " + definition.title
        assert ("last_opening" in each["expr"]) == definition.point


def test_without_a_pair_one_rule_covers_all(catalogue: Catalogue) -> None:
    (group,) = yaml.safe_load(market_rules([catalogue.get("opposite_day_up")], []))["groups"]
    event, blind = group["rules"]
    assert event["labels"] == {"severity": "market", "definition": "opposite_day_up"}
    assert 'pair="' not in event["expr"]
    assert blind["alert"] == BLIND_ALERT
    assert blind["labels"]["severity"] == "warning"


def test_a_title_with_braces_is_no_template() -> None:
    text = '[[definition]]\nid = "x"\nfamily = "level"\ntitle = "up"\nenter = ["return_1d_pct >= 3"]\n'
    (definition,) = parse_catalogue(text).definitions
    (group,) = yaml.safe_load(market_rules([definition], ['A{{"B/C']))["groups"]
    assert group["rules"][0]["labels"]["pair"] == 'A{{ "{{" }}"B/C'
    assert r'pair="A{{\"B/C"' in group["rules"][0]["expr"]


def test_a_pair_that_the_definition_does_not_watch_is_refused() -> None:
    text = '[[definition]]\nid = "x"\nfamily = "level"\npairs = ["RUT/SPX"]\nenter = ["return_1d_pct >= 3"]\n'
    (definition,) = parse_catalogue(text).definitions
    with pytest.raises(ConfigurationError, match="watches RUT/SPX only, and never opens on AAPL/SPX"):
        market_rules([definition], ["AAPL/SPX"])


def test_the_command_writes_the_file_and_says_what_to_do(tmp_path: Path) -> None:
    out = tmp_path / "market" / "rotation.yml"
    code, said, errors = run("--definition", "opposite_day_up", "--pair", "RUT/SPX", "--out", str(out))
    assert (code, errors) == (0, "")
    assert said == f"wrote {out}; Prometheus reads it on SIGHUP\n"
    assert [rule.name for rule in rules_of([out])] == [EVENT_ALERT, BLIND_ALERT, BLIND_ALERT]
    assert list(out.parent.iterdir()) == [out], "nothing half written is left"
    code, printed, _ = run("--definition", "opposite_day_up", "--pair", "RUT/SPX")
    assert (code, printed) == (0, out.read_text())


def test_a_name_given_twice_gives_one_rule() -> None:
    code, printed, _ = run("--definition", "opposite_day_up", "--definition", "opposite_day_up")
    assert code == 0
    assert printed.count(f"alert: {EVENT_ALERT}") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--definition", "opposite_day_upp"], "did you mean 'opposite_day_up'"),
        (["--definition", "opposite_day_up", "--pair", "RUT/SPXX"], "did you mean 'RUT/SPX'"),
        (["--definition", "opposite_day_up", "--catalogue", "/nowhere.toml"], "/nowhere.toml cannot be read"),
        (
            ["--definition", "opposite_day_up", "--out", "/dev/null/x.yml"],
            "/dev/null/x.yml cannot be written",
        ),
    ],
    ids=["definition", "pair", "catalogue", "out"],
)
def test_what_cannot_be_used_is_refused(arguments: list[str], said: str) -> None:
    code, printed, errors = run(*arguments)
    assert (code, printed) == (2, "")
    assert said in errors
    assert errors.splitlines()[-1].startswith("Operator action: ")


def test_pairs_that_metrics_may_hide_are_noted(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[metrics]\nwatched_pairs = ["RUT/SPX"]\n')
    known = ["--definition", "opposite_day_up", "--settings", str(settings)]
    assert "AAPL" in read_text(None, UNIVERSE)
    code, _, errors = run(*known)
    assert code == 0
    assert errors.startswith("note: workers show these pairs only while")
    assert run(*known, "--pair", "RUT/SPX")[2] == ""
