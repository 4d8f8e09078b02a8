"""However the log is cut into frames and frames into polls: same state, same output."""

from __future__ import annotations

import itertools
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.engine.engine import PartitionEngine
from core.model.records import TickKind
from tests.support.logs import Run, cut, run, state_of
from tests.support.rich_log import BASELINE_DAYS, Features, features_of, rich_log, warm_start
from tests.support.worlds import make_engine

pytestmark = pytest.mark.compiled

EXAMPLES = 30
SEEDS = (1, 2)


class Outcome(NamedTuple):
    """One run of a whole log."""

    state: dict[str, str]
    said: Run


@cache
def whole_log(seed: int) -> NDArray[np.void]:
    return np.concatenate([warm_start(), rich_log(seed)])


@cache
def reference(seed: int) -> Outcome:
    """The log in frames as large as they may be."""
    engine = make_engine()
    said = run(engine, cut(whole_log(seed)))
    return Outcome(state_of(engine), said)


def polled(engine: PartitionEngine, frames: list[bytes], polls: list[int]) -> tuple[PartitionEngine, Run]:
    """Step frames poll by poll; after each poll the engine moves to another process by its snapshot."""
    said = Run()
    bounds = [0, *sorted({poll % (len(frames) + 1) for poll in polls}), len(frames)]
    for first, last in itertools.pairwise(bounds):
        run(engine, frames[first:last], first_offset=first, into=said)
        successor = make_engine()
        successor.restore(engine.snapshot())
        engine = successor
    return engine, said


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_has_everything_that_could_make_a_cut_matter(seed: int) -> None:
    found = features_of(whole_log(seed))
    assert found.closed_seconds >= 100
    assert found.longest_silence_s > 60
    least = Features(
        closed_seconds=100,
        longest_silence_s=61,
        late=3,
        gaps=1,
        halts=1,
        resumptions=1,
        corrections=3,
        cancels=2,
        official_closes=4,
        trades_of_second_session=100,
        day_closes=2,
        sources=3,
    )
    assert [f for f, wanted in zip(found, least, strict=True) if f < wanted] == []
    baseline = whole_log(seed)["kind"] == TickKind.BASELINE
    assert baseline[: BASELINE_DAYS * 6].all()
    assert not baseline[BASELINE_DAYS * 6 :].any()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_log_makes_the_engine_say_all_kinds_of_things(seed: int) -> None:
    said = reference(seed).said
    assert {"candidate", "opened", "withdrawn", "revised", "expired"} <= {e.state for e in said.events}
    assert len(said.minute_bars) > 8
    assert {int(bar["instrument_id"]) for bars in said.day_bars for bar in bars} == {1, 2, 3, 4, 5}
    assert set(said.reasons()) == {
        "unknown_instrument",
        "price",
        "future",
        "wrong_source",
        "kind",
        "revision_too_late",
        "mark_backwards",
    }


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [1, 2, 7, 512])
def test_frames_of_one_size_give_the_reference(seed: int, size: int) -> None:
    log = whole_log(seed)
    engine = make_engine()
    said = run(engine, cut(log, range(0, len(log), size)))
    assert state_of(engine) == reference(seed).state
    assert said.told() == reference(seed).said.told()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("after", [0, 1], ids=["mark first in its frame", "mark last in its frame"])
def test_a_boundary_first_or_last_in_its_frame_gives_the_reference(seed: int, after: int) -> None:
    log = whole_log(seed)
    marks = np.flatnonzero(log["kind"] == TickKind.CLOCK)
    engine = make_engine()
    said = run(engine, cut(log, (marks + after).tolist()))
    assert state_of(engine) == reference(seed).state
    assert said.told() == reference(seed).said.told()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.sampled_from(SEEDS),
    cuts=st.sets(st.integers(1, 3_000), max_size=300),
    polls=st.lists(st.integers(0, 400), max_size=12),
)
def test_any_cut_and_any_polls_give_the_reference(seed: int, cuts: set[int], polls: list[int]) -> None:
    engine, said = polled(make_engine(), cut(whole_log(seed), cuts), polls)
    assert state_of(engine) == reference(seed).state
    assert said.told() == reference(seed).said.told()


def test_another_log_gives_another_state() -> None:
    assert reference(SEEDS[0]).state != reference(SEEDS[1]).state
