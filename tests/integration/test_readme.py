"""README.md's own commands, read out of it and run: from an empty Apache Kafka broker to events."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import delete_topics
from tests.support.ports import free_port

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

README = Path(__file__).resolve().parents[2] / "README.md"
DEADLINE_S = 540.0


def commands_under(heading: str) -> str:
    """The first block of commands under a heading, as a reader would copy it."""
    _, found, section = README.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    assert found, f"README.md has no section {heading!r}"
    block = re.search(r"(?:^    .*\n)+", section.partition("\n## ")[0], re.MULTILINE)
    assert block is not None
    return re.sub(r"^    ", "", block[0], flags=re.MULTILINE)


def on_this_machine(script: str, kafka: LocalKafka) -> str:
    """The script with the test's broker, and with ports that nobody else uses."""
    free = {"9701": free_port(), "9464": free_port(), "9465": free_port()}
    assert script.count("=127.0.0.1:9092\n") == 1
    script = script.replace("=127.0.0.1:9092\n", f"={kafka.bootstrap_servers}\n")
    for port, other in free.items():
        assert port in script
        script = re.sub(rf"\b{port}\b", str(other), script)
    return script


def test_every_metrics_port_of_a_section_is_its_own() -> None:
    for heading in ("From an empty broker to events", "Use it"):
        lines = commands_under(heading).splitlines()
        serving = [line for line in lines if re.search(r"rotascope (produce alpaca|consume)", line)]
        ports = [re.search(r"--metrics-port (\d+)", line) for line in serving]
        assert len(serving) >= 2
        assert all(ports), serving
        assert len({port[1] for port in ports if port}) == len(ports)


def test_the_readme_leads_from_an_empty_broker_to_events(kafka: LocalKafka, tmp_path: Path) -> None:
    delete_topics(kafka)
    script = on_this_machine(commands_under("From an empty broker to events"), kafka)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    environ = {name: text for name, text in os.environ.items() if not name.startswith("ROTASCOPE_")}
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            out, err = shell.communicate(timeout=DEADLINE_S)
        finally:
            if shell.poll() is None:
                os.killpg(shell.pid, signal.SIGKILL)
    assert shell.returncode == 0, f"{out}\n{err}"
    assert "Traceback" not in err
    # The last line of the script prints what opened: the day that README describes is among it.
    opened = [line for line in out[out.index("\nprocessed ") :].splitlines() if " opened " in line]
    assert any("opposite_day_up" in line and "2024-07-11" in line for line in opened), out
    assert all("RUT/SPX" in line for line in opened)
    assert (tmp_path / "history" / "RUT.csv").is_file()
