"""Another generation of the ticks, and a settings mark, as an operator makes them on Apache Kafka."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.definitions.catalogue import parse_catalogue
from core.model.frames import decode_frame
from core.model.records import TickKind
from core.runtime.files import CATALOGUE, read_text
from deploy.kafka.broker import LocalKafka
from deploy.kafka.cluster import connect
from tests.support.kafka_broker import TEST_PARTITIONS, delete_topics, reset_topics
from tests.support.kafka_log import TICKS, read
from tests.support.program import StartedProgram

pytestmark = pytest.mark.integration

MORE = TEST_PARTITIONS + 2
CSV = "date,close\n2024-07-03,2036.62\n2024-07-05,2026.73\n"


@pytest.fixture
def topics(kafka: LocalKafka) -> Iterator[LocalKafka]:
    """The topics of the first generation; what the second leaves behind goes away."""
    reset_topics(kafka)
    yield kafka
    delete_topics(kafka)


def run(*words: str) -> list[str]:
    with StartedProgram(*words) as program:
        assert program.wait() == 0, program.errors
    return program.output


def test_a_second_generation_begins_with_the_daily_bars(topics: LocalKafka, tmp_path: Path) -> None:
    servers = ["--bootstrap-servers", topics.bootstrap_servers]
    migrate = ["topics", "migrate", "--to", "2", "--partitions", str(MORE), *servers]
    file = tmp_path / "RUT.csv"
    file.write_text(CSV)

    def left() -> list[str]:
        (text,) = run(*migrate, "--format", "json")
        return [step["what"] for step in json.loads(text) if step["state"] == "to do"]

    before = left()
    run("backfill", "csv", f"RUT={file}", *servers, "--partitions", str(TEST_PARTITIONS))
    run("topics", "apply", "--generation", "2", "--partitions", str(MORE), *servers)
    with connect(topics.bootstrap_servers) as client:
        described = {each["name"]: len(each["partitions"]) for each in client.describe_topics()}
    assert described[TICKS] == TEST_PARTITIONS
    grown = ("rotascope.ticks.v2", "rotascope.snapshots.v2", "rotascope.bars.1d", "rotascope.bars.1m")
    assert {described[name] for name in grown} == {MORE}
    # A close at the right place among more partitions, although the bar stays where it was.
    said = run(
        "backfill", "baseline", "--topic-generation", "2", "--partitions", str(MORE),
        "--history-until", "2024-07-05", *servers,
    )  # fmt: skip
    assert said == ["published 2 sessions to rotascope.ticks.v2, 0 already existed\n"]
    homes = {
        record.partition
        for record in read(topics, ["rotascope.ticks.v2"])
        if 1 in decode_frame(record.value)[1]["instrument_id"].tolist()
    }
    assert homes == {1}
    assert set(before) - set(left()) == {
        "topics of generation 2", "daily bars exist", "rotascope.ticks.v2 starts with the daily bars",
    }  # fmt: skip
    assert run(*migrate)[-1] == "Next: workers run on it\n"


def test_a_settings_mark_stands_in_every_partition(topics: LocalKafka) -> None:
    reach = ["--bootstrap-servers", topics.bootstrap_servers, "--partitions", str(TEST_PARTITIONS)]
    (said,) = run("produce", "settings-mark", *reach)
    mark = parse_catalogue(read_text(None, CATALOGUE)).mark
    assert f"({mark:016x}) are in force from here, in 4 partitions" in said
    records = read(topics, [TICKS])
    assert sorted(record.partition for record in records) == list(range(TEST_PARTITIONS))
    for record in records:
        _, (tick,) = decode_frame(record.value)
        assert (tick["kind"], int(tick["trade_id"])) == (TickKind.SETTINGS, mark)
