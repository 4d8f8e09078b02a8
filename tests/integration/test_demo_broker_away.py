"""The demo on a real broker that goes away in the middle: it ends by itself, with every event once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from core.model.errors import RotascopeError
from deploy.kafka.broker import LocalKafka
from tests.support.demo_run import DEADLINE_S, DemoRun, run_demo
from tests.support.program import StartedProgram

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

AWAY_S = 45.0
"""Longer than a delivery may take (15 s), so that records expire on their way."""


@pytest.fixture
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A broker that may be stopped: nobody else uses it."""
    broker = LocalKafka(tmp_path_factory.mktemp("kafka-demo"))
    try:
        broker.start()
    except RotascopeError as error:
        pytest.fail(f"Apache Kafka could not be started: {error}", pytrace=False)
    yield broker
    broker.stop()


def test_a_broker_that_is_away_in_the_middle_changes_no_event(own_kafka: LocalKafka) -> None:
    undisturbed = run_demo()
    arguments = ("--bootstrap-servers", own_kafka.bootstrap_servers, "--speed", "40000")
    with StartedProgram("demo", "--format", "json", *arguments) as program:
        program.said('"kind":"event"', DEADLINE_S)
        own_kafka.stop()
        time.sleep(AWAY_S)
        own_kafka.restart(1)
        assert program.wait(DEADLINE_S) == 0, program.errors
    disturbed = DemoRun([json.loads(line) for line in program.output])
    assert disturbed.events == undisturbed.events
    milestones = [each["text"] for each in disturbed.records if each["kind"] == "milestone"]
    # Said once, and each time with its end; on a starved machine the broker may be silent for a second time.
    lost = sum(text.startswith("no answer from the broker") for text in milestones)
    assert 1 <= lost <= 3
    assert sum("answers again after" in text for text in milestones) == lost
