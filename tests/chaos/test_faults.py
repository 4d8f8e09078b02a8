"""Each fault by itself: what a reader saw is what one undisturbed worker makes of the same log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.cluster import Cluster
from tests.chaos.faults import FAULTS
from tests.chaos.fleet import Manner
from tests.chaos.mutations import MUTATIONS
from tests.chaos.plan import Turn
from tests.chaos.round import run_round

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(1_800)]

SEED = 1


@pytest.mark.parametrize("name", FAULTS)
def test_nothing_is_lost_or_doubled(cluster: Cluster, tmp_path: Path, name: str) -> None:
    judgement = run_round(cluster, tmp_path, (Turn(SEED, FAULTS[name]),), manner=Manner())
    (result,) = judgement.results
    assert result.outcome == "equal", judgement.differences
    assert judgement.differences is not None
    assert judgement.differences.none
    assert judgement.ticks is None or judgement.ticks.none
    assert result.recovery_s is not None


def test_without_transactions_the_repeats_are_seen(cluster: Cluster, tmp_path: Path) -> None:
    """A suite that cannot fail proves nothing."""
    by_hand = Manner(in_group=False, exactly_once=False)
    turn = Turn(SEED, FAULTS["kill-in-open-transaction"])
    judgement = run_round(cluster, tmp_path, (turn,), manner=by_hand)
    assert judgement.differences is not None
    assert judgement.differences.doubled
    assert not judgement.differences.lost


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_rule_taken_out_is_noticed(cluster: Cluster, tmp_path: Path, name: str) -> None:
    mutation = MUTATIONS[name]
    turn = Turn(SEED, FAULTS[mutation.fault])
    judgement = run_round(cluster, tmp_path, (turn,), manner=Manner(), mutations=[name])
    assert judgement.differs
