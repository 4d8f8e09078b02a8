"""A set of base rates and rarity, published and put in force as an operator does it on Apache Kafka."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.definitions.catalogue import parse_catalogue
from core.events.artefact_set import NO_SET
from core.kafka.artefact_topic import ArtefactTopic
from core.model.frames import decode_frame
from core.model.instruments import parse_universe
from core.model.records import TickKind
from core.model.settings import KafkaSettings
from core.model.topics import ARTEFACTS_TOPIC
from core.runtime.files import CATALOGUE, UNIVERSE, read_text
from deploy.kafka.broker import LocalKafka
from tests.support.artefact_sets import named_set
from tests.support.kafka_broker import TEST_PARTITIONS, delete_topics, reset_topics
from tests.support.kafka_log import TICKS, read
from tests.support.program import StartedProgram

pytestmark = pytest.mark.integration


@pytest.fixture
def topics(kafka: LocalKafka) -> Iterator[LocalKafka]:
    reset_topics(kafka)
    yield kafka
    delete_topics(kafka)


def run(*words: str) -> list[str]:
    with StartedProgram(*words) as program:
        assert program.wait() == 0, program.errors
    return program.output


def test_a_set_is_published_once_and_a_mark_of_it_stands_in_every_partition(
    topics: LocalKafka, tmp_path: Path
) -> None:
    catalogue, universe = (
        parse_catalogue(read_text(None, CATALOGUE)),
        parse_universe(read_text(None, UNIVERSE)),
    )
    one = named_set("one", catalogue, universe.pairs)
    file = tmp_path / "set.json.gz"
    file.write_bytes(one.encode())
    reach = ["--bootstrap-servers", topics.bootstrap_servers, "--partitions", str(TEST_PARTITIONS)]
    (said,) = run("produce", "artefacts-mark", "--artefacts", str(file), *reach)
    assert f"set {one.digest[:16]} is in force from here, in {TEST_PARTITIONS} partitions" in said
    run("produce", "artefacts-mark", "--none", *reach)
    (again,) = run("produce", "artefacts-mark", "--digest", one.digest[:12], *reach)
    assert again.endswith("published before\n")

    published = read(topics, [ARTEFACTS_TOPIC])
    assert [record.key for record in published][-1] == one.digest.encode()
    manifest = json.loads(published[-1].value)
    assert (manifest["chunks"], manifest["pairs"]) == (len(published) - 1, len(universe.pairs))
    sets, problems = ArtefactTopic(KafkaSettings(bootstrap_servers=topics.bootstrap_servers)).read()
    assert (sets[one.mark].parse().digest, problems) == (one.digest, ())

    marks: dict[int, list[int]] = {}
    for record in read(topics, [TICKS]):
        _, (tick,) = decode_frame(record.value)
        assert tick["kind"] == TickKind.ARTEFACTS
        marks.setdefault(record.partition, []).append(int(tick["trade_id"]))
    assert marks == {number: [one.mark, NO_SET, one.mark] for number in range(TEST_PARTITIONS)}


def test_a_worker_whose_log_names_a_set_that_is_nowhere_ends_and_says_what_to_do(
    topics: LocalKafka, tmp_path: Path
) -> None:
    catalogue, universe = (
        parse_catalogue(read_text(None, CATALOGUE)),
        parse_universe(read_text(None, UNIVERSE)),
    )
    one = named_set("one", catalogue, universe.pairs)
    file = tmp_path / "set.json"
    file.write_bytes(one.as_json())
    reach = ["--bootstrap-servers", topics.bootstrap_servers, "--partitions", str(TEST_PARTITIONS)]
    run("produce", "artefacts-mark", "--artefacts", str(file), *reach)
    worker = ["consume", *reach, "--until", "idle", "--metrics-port", "0"]
    run(*worker, "--group-id", "finds-it")
    delete_topics(topics, ARTEFACTS_TOPIC)
    with StartedProgram(*worker, "--group-id", "does-not") as program:
        assert program.wait() == 2
    said = "".join(program.errors)
    assert f"the log puts set {one.digest[:15]}… of base rates and rarity in force" in said
    assert "Operator action: publish the set again" in said
