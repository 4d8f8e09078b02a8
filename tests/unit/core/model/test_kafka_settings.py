"""core.model.kafka_settings: the topics of a generation, and the number of partitions."""

import pytest

from core.model.errors import ConfigurationError
from core.model.kafka_settings import KafkaSettings
from core.model.settings import parse_settings


def test_the_defaults_that_other_parts_rely_on() -> None:
    assert KafkaSettings().partitions == 12
    assert KafkaSettings().ticks_topic == "rotascope.ticks.v1"


def test_topics_carry_their_generation() -> None:
    settings = KafkaSettings(topic_generation=2)
    assert settings.ticks_topic == "rotascope.ticks.v2"
    assert settings.snapshots_topic == "rotascope.snapshots.v2"


@pytest.mark.parametrize(
    ("partitions", "message"),
    [
        (0, "kafka.partitions: must be at least 1"),
        (1_025, "kafka.partitions: must be at most 1024"),
        ("many", "kafka.partitions: must be an integer"),
    ],
)
def test_partitions_are_a_number_within_bounds(partitions: object, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_settings({"kafka": {"partitions": partitions}})
