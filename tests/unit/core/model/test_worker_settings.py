"""core.model.worker_settings: keys of a worker that contradict each other are refused."""

from typing import Any

import pytest

from core.model.errors import ConfigurationError
from core.model.settings import parse_settings
from core.model.worker_settings import WorkerSettings


def test_the_defaults_that_other_parts_rely_on() -> None:
    assert WorkerSettings().commit_interval_ms == 200
    assert WorkerSettings().dead_letter_max_bytes == 4_096


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"backoff_max_ms": 1}, "backoff_max_ms is less than backoff_initial_ms"),
        ({"eager_commit_interval_ms": 300}, "eager_commit_interval_ms is more than commit_interval_ms"),
        ({"assigned": [1]}, "assigned partitions need membership 'manual'"),
        ({"membership": "static"}, "membership 'static' needs a slot, the member's persistent name"),
        (
            {"heartbeat_interval_ms": 5_000},
            "heartbeat_interval_ms is more than a third of session_timeout_ms",
        ),
        (
            {"transaction_deadline_ms": 10_001},
            "transaction_deadline_ms is more than transaction_timeout_ms",
        ),
    ],
)
def test_keys_that_contradict_each_other_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_settings({"worker": values})
    assert error.value.message == f"settings: worker: {message}"


@pytest.mark.parametrize(
    "values", [{"membership": "manual", "assigned": [0, 2]}, {"membership": "static", "slot": "a"}]
)
def test_a_membership_with_what_it_needs_is_taken(values: dict[str, Any]) -> None:
    assert parse_settings({"worker": values}).worker.membership == values["membership"]
