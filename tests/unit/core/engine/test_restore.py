"""A restored engine continues as if nothing had happened: the same bytes at every later moment."""

from __future__ import annotations

import random
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from core.engine.engine import PartitionEngine
from core.engine.evaluation import PairEvaluator
from core.model.records import EventState, TickKind
from core.model.windows import NO_SESSION
from tests.support.compiled import COMPILED
from tests.support.logs import cut, run
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import MINUTE, SECOND, make_engine, session_close, session_open

SEED = 1
FRAME_RECORDS = 5
"""Small frames, so that a restore hits the middle of a second."""


@cache
def log() -> NDArray[np.void]:
    return np.concatenate([warm_start(), rich_log(SEED)])


@cache
def frames() -> list[bytes]:
    return cut(log(), range(0, len(log()), FRAME_RECORDS))


class Checkpoint(NamedTuple):
    """Where the uninterrupted run stood after a frame."""

    frame: int
    snapshot: bytes
    clock_ns: int
    candidates: int
    opened: int
    cooling: int
    waiting: int
    """Pairs that have finished the session while others of their block still wait."""


@cache
def checkpoints() -> tuple[Checkpoint, ...]:
    """The uninterrupted run at random frames, and at all frames around the closes."""
    everywhere = random.Random(SEED).sample(range(len(frames())), 40)
    engine = make_engine()
    found = []
    for number, payload in enumerate(frames()):
        engine.step(payload, number)
        seconds_past = [(engine.clock_ns - session_close(session)) / SECOND for session in range(2)]
        if number in everywhere or any(-2 <= past <= 45 for past in seconds_past):
            found.append(_checkpoint(engine, number))
    return tuple(found)


def _checkpoint(engine: PartitionEngine, frame: int) -> Checkpoint:
    episodes = engine.evaluator.lifecycle.episodes
    done = engine.pair_time.arrays()["pair_done"]
    return Checkpoint(
        frame=frame,
        snapshot=engine.snapshot(),
        clock_ns=engine.clock_ns,
        candidates=int((episodes["candidate"] == 1).sum()),
        opened=int((episodes["state"] == int(EventState.OPENED)).sum()),
        cooling=int((episodes["cool_down"] > 0).sum()),
        waiting=sum(len(set(done[block.rows].tolist())) > 1 for block in engine.world.blocks),
    )


def test_checkpoints_lie_in_the_middle_of_everything() -> None:
    """Mid-second, mid-minute, mid-day, with whatever may be alive."""
    inside = [c for c in checkpoints() if session_open(0) < c.clock_ns < session_close(1)]
    assert len(inside) >= 20
    assert any(c.clock_ns % MINUTE for c in inside)
    assert any(c.candidates for c in inside)
    assert any(c.opened for c in inside)
    assert any(c.cooling for c in inside)
    assert any(c.candidates and c.opened and c.cooling for c in inside)
    assert any(c.waiting for c in inside)
    assert any(log()["kind"][c.frame * FRAME_RECORDS] == TickKind.TRADE for c in inside)


@pytest.mark.parametrize("start", range(0, 200, 5 if COMPILED else 25))
def test_every_later_state_is_the_uninterrupted_one(start: int) -> None:
    start %= len(checkpoints())
    first = checkpoints()[start]
    engine = make_engine()
    engine.restore(first.snapshot)
    assert engine.snapshot() == first.snapshot
    done = first.frame + 1
    for later in checkpoints()[start + 1 :: 3]:
        run(engine, frames()[done : later.frame + 1], first_offset=done)
        done = later.frame + 1
        assert engine.snapshot() == later.snapshot, f"from frame {first.frame} to {later.frame}"


def test_what_is_said_after_a_restore_is_what_would_have_been_said() -> None:
    middle = checkpoints()[len(checkpoints()) // 3]
    restored, uninterrupted = make_engine(), make_engine()
    restored.restore(middle.snapshot)
    run(uninterrupted, frames()[: middle.frame + 1])
    rest = frames()[middle.frame + 1 :]
    after_restore = run(restored, rest, first_offset=middle.frame + 1)
    assert after_restore.events
    assert after_restore.told() == run(uninterrupted, rest, first_offset=middle.frame + 1).told()


def test_a_restore_looks_once_at_the_pairs_whose_session_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    warm = PairEvaluator.warm

    def note(self: PairEvaluator, rows: NDArray[np.int32], session: int) -> None:
        looked.extend(rows.tolist())
        warm(self, rows, session)

    monkeypatch.setattr(PairEvaluator, "warm", note)
    engine = make_engine()
    engine.restore(next(c for c in checkpoints() if c.waiting).snapshot)
    done, (sessions, _) = engine.pair_time.arrays()["pair_done"], engine.pair_time.standing()
    assert sorted(looked) == np.flatnonzero((sessions != NO_SESSION) & (done < sessions)).tolist()
    assert 0 < len(looked) < len(sessions)


def test_a_running_engine_can_go_back() -> None:
    """A restore forgets everything that came after the snapshot, in whatever state the engine is."""
    engine = make_engine()
    run(engine, frames())
    end = engine.snapshot()
    middle = checkpoints()[len(checkpoints()) // 2]
    engine.restore(middle.snapshot)
    assert engine.snapshot() == middle.snapshot
    assert engine.clock_ns == middle.clock_ns
    run(engine, frames()[middle.frame + 1 :], first_offset=middle.frame + 1)
    assert engine.snapshot() == end


def test_a_snapshot_of_a_fresh_engine_restores() -> None:
    engine, other = make_engine(), make_engine()
    run(engine, frames())
    engine.restore(other.snapshot())
    assert engine.snapshot() == other.snapshot()
    assert run(engine, frames()).told() == run(other, frames()).told()


def test_taking_a_snapshot_changes_nothing() -> None:
    engine = make_engine()
    run(engine, frames()[:300])
    first = engine.snapshot()
    assert engine.snapshot() == first
