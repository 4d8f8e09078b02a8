"""`run_worker`: what is refused before anything starts."""

from __future__ import annotations

import pytest

from consumers.run import run_worker
from core.errors import ConfigurationError
from core.settings import Settings


def test_a_membership_that_the_worker_cannot_keep_is_refused() -> None:
    """Guards a worker that would read all partitions beside its neighbours, and say nothing."""
    settings = Settings.model_validate({"worker": {"membership": "dynamic"}})
    with pytest.raises(ConfigurationError, match="cannot join a group yet") as refused:
        run_worker(settings, None)
    assert "--assign" in (refused.value.operator_action or "")
