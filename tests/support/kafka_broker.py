"""Apache Kafka for tests: one broker a session, fresh topics for each test that asks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping

import pytest

from core.model.errors import RotascopeError
from deploy.kafka.broker import LocalKafka
from deploy.kafka.cluster import apply, connect
from deploy.kafka.topics import load_topics

TEST_PARTITIONS = 4
DELETION_TIMEOUT_S = 20.0

MakeTopic = Callable[..., str]


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """One Apache Kafka broker for the whole session; without Java and Maven the tests fail."""
    broker = LocalKafka(tmp_path_factory.mktemp("kafka"))
    try:
        broker.start()
    except RotascopeError as error:
        pytest.fail(f"Apache Kafka could not be started: {error}", pytrace=False)
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def _topic_numbers() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def make_topic(kafka: LocalKafka, _topic_numbers: Iterator[int]) -> MakeTopic:
    """Give a function that creates an empty topic and returns its name, unique in the session."""

    def make(prefix: str = "test", *, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        name = f"{prefix}-{next(_topic_numbers)}"
        with connect(kafka.bootstrap_servers) as client:
            client.create_topics(
                {
                    name: {
                        "num_partitions": partitions,
                        "replication_factor": -1,
                        "configs": dict(config or {}),
                    }
                },
                wait_for_metadata=True,
            )
        return name

    return make


@pytest.fixture
def kafka_with_topics(kafka: LocalKafka) -> LocalKafka:
    """The session's broker with Rotascope's own topics, all empty, four partitions each."""
    reset_topics(kafka)
    return kafka


def delete_topics(kafka: LocalKafka, prefix: str = "rotascope.") -> None:
    """Delete every topic whose name starts so, and wait until the broker has forgotten them."""
    deadline = time.monotonic() + DELETION_TIMEOUT_S
    with connect(kafka.bootstrap_servers) as client:
        names = [name for name in client.list_topics() if name.startswith(prefix)]
        if names:
            # A broker may still list what the controller has dropped already; that is no error here.
            client.delete_topics(names, raise_errors=False)
        while any(name in names for name in client.list_topics()):
            assert time.monotonic() < deadline, f"topics still listed after {DELETION_TIMEOUT_S:g} s"
            time.sleep(0.05)


def reset_topics(kafka: LocalKafka, partitions: int = TEST_PARTITIONS) -> None:
    """Give the broker Rotascope's topics anew, empty."""
    delete_topics(kafka)
    with connect(kafka.bootstrap_servers) as client:
        apply(client, load_topics(partitions=partitions))
