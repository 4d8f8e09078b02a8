"""One three-broker cluster for all tests of faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.model.errors import RotascopeError
from tests.chaos.cluster import Cluster
from tests.chaos.warm import warm_up


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three brokers for the whole session; without Java and Maven the tests fail."""
    warm_up()
    brokers = Cluster(tmp_path_factory.mktemp("chaos") / "kafka")
    try:
        brokers.__enter__()
    except RotascopeError as error:
        pytest.fail(f"Apache Kafka could not be started: {error}", pytrace=False)
    try:
        yield brokers
    finally:
        brokers.__exit__(None, None, None)
