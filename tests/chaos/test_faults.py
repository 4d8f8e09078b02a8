"""Each fault by itself: a reader saw all that one undisturbed worker makes of the same log, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.cluster import Cluster
from tests.chaos.faults import FAULTS
from tests.chaos.round import run_round

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

SEED = 1


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost(cluster: Cluster, tmp_path: Path, name: str) -> None:
    judgement = run_round(cluster, tmp_path, [FAULTS[name]], seed=SEED)
    (result,) = judgement.results
    assert not judgement.failed, (result.outcome, judgement.differences)
    assert result.recovery_s is not None


def test_a_crash_between_send_and_commit_is_seen_to_repeat(cluster: Cluster, tmp_path: Path) -> None:
    """A comparer that missed the repeats would miss anything."""
    judgement = run_round(cluster, tmp_path, [FAULTS["kill-between-send-and-commit"]], seed=SEED)
    assert judgement.differences is not None
    assert judgement.differences.doubled
    assert judgement.differences.none_but_repeats
