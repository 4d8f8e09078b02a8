"""core.definitions.lifecycle: properties that hold for random answers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.definitions.lifecycle import Rule
from tests.support.life_desk import FALSE, TRUE, UNKNOWN, LifeDesk, Told

answers = st.sampled_from([UNKNOWN, FALSE, TRUE])


@settings(deadline=None)
@given(
    days=st.lists(
        st.tuples(st.lists(answers, max_size=4), answers, answers, answers, answers, answers, answers),
        min_size=1,
        max_size=40,
    ),
    point=st.booleans(),
    cool_down=st.integers(0, 3),
    expires=st.integers(0, 4),
    dwell=st.integers(1, 3),
    extends=st.booleans(),
)
def test_every_sequence_of_transitions_is_well_formed(
    days: list[tuple[list[int], int, int, int, int, int, int]],
    point: bool,
    cool_down: int,
    expires: int,
    dwell: int,
    extends: bool,
) -> None:
    """Whatever the answers: ids never repeat, openings and endings take turns, watching changes no number."""
    watched = LifeDesk(Rule(0, point, cool_down, expires, dwell, extends))
    unwatched = LifeDesk(Rule(0, point, cool_down, expires, dwell, extends))
    told: list[Told] = []
    told_at_closes: list[Told] = []
    true_on: list[int] = []
    for session, (minutes, enter, leave, invalid, confirm, fade, extend) in enumerate(days, start=1):
        for number, answer in enumerate(minutes):
            told += watched.minute(answer, session=session, number=number)
        at_close = watched.close(
            enter, leave, invalid, confirm=confirm, fade=fade, extend=extend, session=session
        )
        assert len(at_close) <= 1
        told += at_close
        told_at_closes += unwatched.close(
            enter, leave, invalid, confirm=confirm, fade=fade, extend=extend, session=session
        )
        if extend == TRUE if extends else watched.life["held"] >= dwell:
            true_on.append(session)
        for life in (watched.life, unwatched.life):
            assert life["sessions_true"] == len(true_on)
            assert [life["previous_true"], life["last_true"]] == [0, 0, *true_on][-2:]
    numbers = [(episode, transition) for _, _, _, episode, transition in told]
    assert len(set(numbers)) == len(numbers)
    settled = [t for t in told if t[1] not in ("candidate", "withdrawn")]
    assert [(s, e, n) for _, s, _, e, n in settled] == [(s, e, n) for _, s, _, e, n in told_at_closes]
    confirmed = [(e, p) for _, s, p, e, _ in settled if s == "confirmed"]
    assert len(set(confirmed)) == len(confirmed)
    assert {previous for _, previous in confirmed} <= {"opened"}
    extended = [(s, p) for _, s, p, *_ in settled if s == "extended"]
    assert {previous for _, previous in extended} <= {"opened", "confirmed"}
    assert extends or not extended
    states = [state for _, state, *_ in settled if state not in ("confirmed", "extended")]
    if point:
        assert set(states) <= {"opened"}
    else:
        assert states[0::2] == ["opened"] * len(states[0::2])
        assert "opened" not in states[1::2]
    candidates = [e for _, s, _, e, _ in told if s == "candidate"]
    ends = [e for _, s, p, e, _ in told if p == "candidate" and s in ("opened", "withdrawn")]
    assert candidates == ends


step = st.tuples(
    st.sampled_from(["minute", "minute", "minute", "close"]),
    *(st.lists(st.sampled_from([TRUE, FALSE, FALSE, UNKNOWN]), min_size=4, max_size=4) for _ in range(2)),
)


@settings(max_examples=100)
@given(
    steps=st.lists(step, max_size=30),
    rule=st.builds(
        Rule,
        st.just(1),
        point=st.booleans(),
        cool_down=st.integers(0, 2),
        expires=st.integers(0, 3),
        dwell=st.integers(1, 3),
        extends=st.booleans(),
    ),
    staging=st.sampled_from([1, 3, 256]),
)
def test_what_is_passed_over_unread_would_not_have_changed(
    steps: list[tuple[str, list[int], list[int]]], rule: Rule, staging: int
) -> None:
    """Beside it: one that reads every episode, and one that is restored before every step."""
    desk, reading, restored = (LifeDesk(rule, pairs=4, staging=staging) for _ in range(3))
    for session, (kind, enter, leave) in enumerate(steps, start=7):
        reading.lifecycle._may_fall.fill(True)
        fresh = LifeDesk(rule, pairs=4, staging=staging)
        np.copyto(fresh.lifecycle.episodes, restored.lifecycle.episodes)
        np.copyto(fresh.lifecycle.tally, restored.lifecycle.tally)
        restored = fresh
        told = [
            each.minute(enter, session=session)
            if kind == "minute"
            else each.close(enter, leave, extend=enter, session=session)
            for each in (desk, reading, restored)
        ]
        assert told[0] == told[1] == told[2]
        for other in (reading, restored):
            assert desk.lifecycle.episodes.tobytes() == other.lifecycle.episodes.tobytes()
            assert desk.lifecycle.tally.tobytes() == other.lifecycle.tally.tobytes()
