"""From one generation of the ticks to the next: which step comes when."""

from __future__ import annotations

from deploy.kafka.generation import ClusterView, Log, StepState, next_step, steps

NOTHING = Log({}, {})
DONE, TO_DO, ASK = StepState.DONE, StepState.TO_DO, StepState.ASK


def states(view: ClusterView) -> list[StepState]:
    return [step.state for step in steps(view, 2, 24)]


def test_each_step_is_done_when_the_cluster_shows_it() -> None:
    old = Log({0: 100, 1: 90}, {0: 100, 1: 80})
    start = ClusterView(["rotascope.ticks.v2"], old, NOTHING, day_bars=0)
    assert states(start) == [TO_DO, ASK, TO_DO, TO_DO, TO_DO, TO_DO, ASK, TO_DO]
    assert "10 records" in steps(start, 2, 24)[2].detail

    caught_up = Log({0: 100, 1: 90}, {0: 100, 1: 90})
    warm = Log({0: 7, 1: 7}, {})
    begun = ClusterView([], caught_up, warm, day_bars=500)
    assert states(begun) == [DONE, ASK, DONE, DONE, DONE, TO_DO, ASK, TO_DO]
    following = next_step(steps(begun, 2, 24))
    assert following is not None
    assert following.command == "ROTASCOPE_KAFKA__TOPIC_GENERATION=2 rotascope consume --partitions 24"

    over = ClusterView([], NOTHING, Log({0: 9, 1: 9}, {0: 9, 1: 9}), day_bars=500)
    assert states(over) == [DONE, ASK, DONE, DONE, DONE, DONE, ASK, DONE]
    assert next_step(steps(over, 2, 24)) is None


def test_a_partition_without_its_baseline_is_not_warm() -> None:
    view = ClusterView([], NOTHING, Log({0: 7, 1: 0}, {}), day_bars=500)
    assert steps(view, 2, 24)[4].state is TO_DO
    assert "--topic-generation 2 --partitions 24" in steps(view, 2, 24)[4].command
