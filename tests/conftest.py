"""Before any test: kernels from a cache that fits these sources. For all tests: the broker's fixtures."""

from __future__ import annotations

import os

from core.runtime.numba_cache import configure_numba_cache

# Before anything imports Numba, which reads the variable only once.
configure_numba_cache(os.environ)

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from tests.support.compiled import COMPILED  # noqa: E402
from tests.support.kafka_broker import _topic_numbers, kafka, kafka_with_topics, make_topic  # noqa: E402
from tests.support.secured_broker import secured  # noqa: E402
from tests.support.transports import connect  # noqa: E402

__all__ = ["_topic_numbers", "connect", "kafka", "kafka_with_topics", "make_topic", "secured"]

# A busy machine is slow, not wrong: how long an example takes never decides a test.
settings.register_profile("rotascope", deadline=None)
settings.load_profile("rotascope")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse at once what needs compiled kernels, or would take minutes without."""
    if not COMPILED and item.get_closest_marker("compiled") is not None:
        pytest.fail("runs with compiled kernels only: unset NUMBA_DISABLE_JIT", pytrace=False)
