from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from core.model import topics
from core.model.errors import ConfigurationError
from core.model.event_families import EVENT_FAMILIES
from core.model.kafka_settings import KafkaSettings
from deploy.kafka.topics import TOPICS_FILE, Topic, load_topics, parse_topics, resolve

DAY_MS = 86_400_000
FAMILIES = (
    "relative-strength", "divergence", "rotation", "breadth", "level", "volume", "flow", "regime", "quality",
)  # fmt: skip


@pytest.fixture
def wanted() -> dict[str, Topic]:
    return {topic.name: topic for topic in load_topics()}


def entry(**changes: object) -> str:
    topic = {
        "name": "rotascope.x",
        "purpose": "p",
        "key": "k",
        "partitions": 1,
        "cleanup": "compact",
    } | changes
    topic = {name: value for name, value in topic.items() if value is not None}
    text: str = yaml.safe_dump(
        {"generation_partitions": 12, "replication_factor": "broker-default", "topics": [topic]}
    )
    return text


class TestTheFile:
    def test_holds_every_topic_of_the_design(self, wanted: dict[str, Topic]) -> None:
        names = {"instruments", "artefacts", "ticks.v1", "bars.1m", "bars.1d", "snapshots.v1", "values.v1"}
        names |= {"dead-letters"}
        names |= {f"events.{family}" for family in FAMILIES}
        assert set(wanted) == {f"rotascope.{name}" for name in names}

    def test_holds_the_topics_that_the_code_names(self, wanted: dict[str, Topic]) -> None:
        names = {
            topics.INSTRUMENTS_TOPIC,
            topics.ARTEFACTS_TOPIC,
            topics.MINUTE_BARS_TOPIC,
            topics.DAY_BARS_TOPIC,
            topics.DEAD_LETTERS_TOPIC,
            topics.ticks_topic(1),
            topics.snapshots_topic(1),
            topics.values_topic(1),
            *(topics.EVENTS_PREFIX + family for family in EVENT_FAMILIES),
        }
        assert set(wanted) == names

    def test_ticks_live_long_enough_to_rebuild_a_state(self, wanted: dict[str, Topic]) -> None:
        assert int(wanted["rotascope.ticks.v1"].config["retention.ms"]) >= 8 * DAY_MS

    def test_topics_that_share_the_ticks_partition_numbers_have_as_many(
        self, wanted: dict[str, Topic]
    ) -> None:
        bound = {name for name, topic in wanted.items() if topic.generation_bound}
        assert bound == {f"rotascope.{name}" for name in ("ticks.v1", "bars.1m", "bars.1d", "snapshots.v1")}
        assert {wanted[name].partitions for name in bound} == {12}

    def test_cleanup_is_that_of_the_design(self, wanted: dict[str, Topic]) -> None:
        compacted = {n for n, topic in wanted.items() if topic.config["cleanup.policy"] == "compact"}
        names = {"instruments", "artefacts", "bars.1d", "snapshots.v1"}
        assert compacted == {f"rotascope.{name}" for name in names}

    def test_a_replay_of_old_days_is_not_deleted_for_its_age(self, wanted: dict[str, Topic]) -> None:
        assert {topic.config["message.timestamp.type"] for topic in wanted.values()} == {"LogAppendTime"}

    def test_a_snapshot_chunk_fits_its_topic(self, wanted: dict[str, Topic]) -> None:
        chunk_and_headers = 512 * 1024 + 4096
        assert int(wanted["rotascope.snapshots.v1"].config["max.message.bytes"]) > chunk_and_headers


class TestFigures:
    def test_partitions_given_replace_those_of_the_generation_only(self) -> None:
        topics = {topic.name: topic for topic in load_topics(partitions=4)}
        assert topics["rotascope.ticks.v1"].partitions == 4
        assert topics["rotascope.dead-letters"].partitions == 1

    def test_the_values_have_as_many_partitions_as_there_are_shards(self, wanted: dict[str, Topic]) -> None:
        assert wanted["rotascope.values.v1"].partitions == KafkaSettings().value_shards
        of_five = {topic.name: topic for topic in load_topics(value_shards=5)}
        assert of_five["rotascope.values.v1"].partitions == 5
        assert of_five["rotascope.values.v1"].sharded
        assert [name for name in wanted if of_five[name].partitions != wanted[name].partitions] == [
            "rotascope.values.v1"
        ]

    def test_without_a_replication_factor_the_cluster_decides(self, wanted: dict[str, Topic]) -> None:
        ticks = wanted["rotascope.ticks.v1"]
        assert ticks.replication_factor is None
        assert "min.insync.replicas" not in ticks.config

    @pytest.mark.parametrize(("factor", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
    def test_one_replica_may_be_away(self, factor: int, in_sync: str) -> None:
        for topic in load_topics(replication_factor=factor):
            assert topic.replication_factor == factor
            assert topic.config["min.insync.replicas"] == in_sync

    def test_the_file_may_give_a_replication_factor(self) -> None:
        file = parse_topics(entry().replace("broker-default", "2"))
        assert resolve(file)[0].replication_factor == 2
        assert resolve(file, replication_factor=3)[0].replication_factor == 3

    def test_further_settings_reach_the_broker_as_text(self) -> None:
        (topic,) = resolve(parse_topics(entry(config={"segment.ms": 600000})))
        assert topic.config["segment.ms"] == "600000"


class TestBadFiles:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            pytest.param(entry(name="ticks"), "topics.0.name", id="foreign name"),
            pytest.param(entry(partitions=0), "topics.0.partitions", id="no partitions"),
            pytest.param(entry(cleanup="delete"), "retention_days", id="delete without retention"),
            pytest.param(entry(retention_days=3), "drop retention_days", id="compact with retention"),
            pytest.param(entry(compression="zstd"), "compression", id="a codec no client is sure to have"),
            pytest.param(entry(config={"compression.type": "lz4"}), "compression.type", id="codec twice"),
            pytest.param(entry(config={"retention.ms": 1}), "retention.ms", id="setting said twice"),
            pytest.param(entry(partition=3), "topics.0.partition", id="unknown key"),
            pytest.param(
                entry(name="rotascope.ticks.v2", cleanup="delete", retention_days=7),
                "8 days",
                id="short ticks",
            ),
            pytest.param("topics: [", "not YAML", id="not YAML"),
            pytest.param("just text", "file", id="no mapping"),
        ],
    )
    def test_are_refused_and_the_place_is_named(self, text: str, names: str) -> None:
        with pytest.raises(ConfigurationError, match=names):
            parse_topics(text)

    def test_a_topic_listed_twice(self) -> None:
        content = yaml.safe_load(entry())
        content["topics"] *= 2
        with pytest.raises(ConfigurationError, match=r"listed twice: rotascope\.x"):
            parse_topics(yaml.safe_dump(content))

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="No such file"):
            load_topics(tmp_path / "none.yaml")


def test_another_generation_has_ticks_and_snapshots_of_its_own(wanted: dict[str, Topic]) -> None:
    second = {topic.name: topic for topic in load_topics(generation=2, partitions=24)}
    own = {"rotascope.ticks.v2", "rotascope.snapshots.v2", "rotascope.values.v2"}
    assert set(second) - set(wanted) == own
    assert second["rotascope.ticks.v2"].partitions == second["rotascope.bars.1m"].partitions == 24
    assert second["rotascope.dead-letters"].partitions == 1


def test_the_file_ships_beside_the_code() -> None:
    assert TOPICS_FILE.is_file()
