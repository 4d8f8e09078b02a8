"""The JSON in the repository is what the sources generate."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.grafana import __main__ as command
from deploy.grafana import boards

PROVISIONING = Path(boards.__file__).parent / "provisioning"


@pytest.mark.parametrize("path", boards.files(), ids=lambda path: path.name)
def test_a_committed_dashboard_is_the_generated_one(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == boards.files()[path], "run make dashboards"


def test_no_file_is_without_its_dashboard() -> None:
    assert set(boards.DIRECTORY.iterdir()) == set(boards.files())


def test_generating_twice_gives_the_same() -> None:
    assert boards.files() == boards.files()


def test_the_command_writes_what_is_missing_and_removes_what_is_not_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old.json").write_text("{}")
    monkeypatch.setattr(boards, "DIRECTORY", tmp_path)
    monkeypatch.setattr(command, "DIRECTORY", tmp_path)
    command.main()
    assert {path.name for path in tmp_path.iterdir()} == {f"{board.name}.json" for board in boards.boards()}
    assert "removed old.json" in capsys.readouterr().out


def test_grafana_finds_the_dashboards_and_may_not_change_them() -> None:
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards/rotascope.yaml").read_text())["providers"]
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
    assert Path(provider["options"]["path"]).is_absolute()


def test_the_data_source_is_a_prometheus_with_the_interval_of_the_scrapes() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources/prometheus.yaml").read_text())["datasources"]
    assert (source["type"], source["isDefault"], source["editable"]) == ("prometheus", True, False)
    assert source["jsonData"]["timeInterval"] == "15s"
    assert source["url"].startswith("$"), "an address belongs into the environment of Grafana"
