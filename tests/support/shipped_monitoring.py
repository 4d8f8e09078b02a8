"""The shipped files of Prometheus and Alertmanager, copied with the addresses of a test."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.support.program import CHECKOUT
from tests.support.prometheus_rules import DIRECTORY

SCRAPE_INTERVAL = "1s"


class Shipped:
    """A copy in a directory of the test.

    What an operator changes is changed the same way: targets, and the addresses of the receivers. Besides,
    the copy scrapes every second instead of every 15 s, because a recording is over in a minute.

    Args:
        directory: Where the copy is made.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "prometheus"
        shutil.copytree(DIRECTORY, self.directory)
        self.prometheus = self.directory / "prometheus.yml"
        self.alertmanager = directory / "alertmanager.yml"
        text = self.prometheus.read_text()
        assert "scrape_interval: 15s" in text
        assert "scrape_timeout: 10s" in text
        text = text.replace("15s", SCRAPE_INTERVAL).replace("10s", SCRAPE_INTERVAL)
        self.prometheus.write_text(text)
        for name in ("workers", "producers", "forwarders", "alertmanagers"):
            self.targets(name, [])

    def targets(self, name: str, ports: Sequence[int]) -> None:
        """Write one of the files of targets; a running Prometheus reads it by itself."""
        file = self.directory / "targets" / f"{name}.yml"
        labels = {} if name == "alertmanagers" else {"labels": {"deployment": "main"}}
        text = yaml.safe_dump([{"targets": [f"127.0.0.1:{port}" for port in ports], **labels}])
        half = file.with_suffix(".new")
        half.write_text(text)
        half.replace(file)

    def receivers(self, port: int, *, group_interval: str | None = None) -> None:
        """Write Alertmanager's file with a webhook's port.

        Args:
            port: Where the webhook listens.
            group_interval: In place of the shipped 5 minutes, where a test waits for a resolved alert.
        """
        text = (CHECKOUT / "deploy" / "alertmanager" / "alertmanager.yml").read_text()
        assert "127.0.0.1:9099" in text
        text = text.replace("127.0.0.1:9099", f"127.0.0.1:{port}")
        if group_interval is not None:
            assert "group_interval: 5m" in text
            text = text.replace("group_interval: 5m", f"group_interval: {group_interval}")
        self.alertmanager.write_text(text)

    def wait_less(self, durations: Mapping[str, str]) -> None:
        """Give alerts another `for`: name → duration."""
        for file in (self.directory / "rules").glob("*.yml"):
            document = yaml.safe_load(file.read_text())
            for group in document["groups"]:
                for rule in group["rules"]:
                    if rule.get("alert") in durations:
                        rule["for"] = durations[rule["alert"]]
            file.write_text(yaml.safe_dump(document))
