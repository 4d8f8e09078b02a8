"""An artefacts mark says from where events carry which base rates and rarity, whatever files a worker has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pytest

from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.engine.snapshot import Snapshot, pack
from core.events.artefact_set import NO_SET, ArtefactSet
from core.events.artefacts import Artefacts
from core.events.events import Event
from core.events.lookups import Lookups
from core.model.errors import ArtefactsError, TransportError
from core.model.records import TickKind
from tests.support.artefact_sets import named_set
from tests.support.logs import LogBuilder, Run, Sequences, cut, run
from tests.support.rich_log import rich_log, warm_start
from tests.support.worlds import CATALOGUE, HISTORY, make_engine, session_open, small_universe

PAIRS = small_universe().pairs
FIRST = named_set("first", parse_catalogue(CATALOGUE), PAIRS)
SECOND = named_set("second", parse_catalogue(CATALOGUE), PAIRS)


def knowing(*sets: ArtefactSet) -> Callable[[int], Lookups]:
    """What a worker finds that has these sets."""
    found: dict[int, Lookups] = {one.mark: Artefacts.of(one, None) for one in sets}
    found[NO_SET] = Artefacts()

    def by_mark(mark: int) -> Lookups:
        if mark not in found:
            raise ArtefactsError(f"no set {mark:x}")
        return found[mark]

    return by_mark


def mark_frame(mark: int, epoch: int) -> bytes:
    log = LogBuilder()
    log.add(TickKind.ARTEFACTS, session_open(0), source=HISTORY, trade_id=mark)
    (payload,) = cut(log.records, sequences=Sequences(epoch=epoch))
    return payload


@cache
def live() -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """History, and the trades after it, whose events half the frames come before."""
    history, trades = warm_start(), rich_log(1)
    sequences = Sequences()
    before = tuple(cut(history, range(0, len(history), 50), sequences))
    return before, tuple(cut(trades, range(0, len(trades), 50), sequences))


def log_of(*marks: tuple[float, int]) -> list[bytes]:
    """The log with marks, each at a share of the trades."""
    before, after = live()
    frames = list(after)
    for epoch, (share, mark) in reversed(list(enumerate(marks, start=2))):
        frames.insert(int(share * len(after)), mark_frame(mark, epoch))
    return [*before, *frames]


def sets_of(events: list[Event]) -> list[str | None]:
    """Which set each event has its base rates from."""
    return [None if event.base_rate is None else str(event.base_rate["set"]) for event in events]


def payloads(said: Run) -> Mapping[str, bytes]:
    return dict(said.told()[0])


def test_events_carry_the_set_of_the_latest_mark() -> None:
    said = run(
        make_engine(lookups_by_mark=knowing(FIRST, SECOND)), log_of((0.2, FIRST.mark), (0.6, SECOND.mark))
    )
    found = sets_of(said.events)
    assert set(found) == {None, "first", "second"}
    assert found == sorted(found, key=[None, "first", "second"].index)
    for event, of_set in zip(said.events, found, strict=True):
        assert (event.rarity or {}).get("set") == of_set
        digests = {None: None, "first": FIRST.rates.digest[:16], "second": SECOND.rates.digest[:16]}
        assert event.provenance.get("base_rates") == digests[of_set]
    assert said.reasons() == run(make_engine(), log_of()).reasons()


def test_a_mark_of_no_set_ends_it() -> None:
    said = run(make_engine(lookups_by_mark=knowing(FIRST)), log_of((0.0, FIRST.mark), (0.5, NO_SET)))
    found = sets_of(said.events)
    assert found == sorted(found, key=["first", None].index)
    assert set(found) == {"first", None}


def test_two_workers_with_different_files_give_no_id_two_payloads() -> None:
    """Each also knows a set that the other has not; the log names one that both find."""
    log = log_of((0.3, FIRST.mark))
    one = run(make_engine(lookups_by_mark=knowing(FIRST)), log)
    other = run(make_engine(lookups_by_mark=knowing(SECOND, FIRST)), log)
    assert one.told() == other.told()
    assert "first" in sets_of(one.events)


def test_a_worker_that_takes_over_from_a_snapshot_gives_the_same_events() -> None:
    log = log_of((0.2, FIRST.mark), (0.7, SECOND.mark))
    whole = payloads(run(make_engine(lookups_by_mark=knowing(FIRST, SECOND)), log))
    for share in (0.1, 0.5, 0.9):
        here = int(share * len(log))
        engine = make_engine(lookups_by_mark=knowing(FIRST, SECOND))
        before = payloads(run(engine, log[:here]))
        again = make_engine(lookups_by_mark=knowing(SECOND, FIRST))
        again.restore(engine.snapshot())
        assert again.artefacts_mark == engine.artefacts_mark
        after = run(again, log[here:], first_offset=here)
        assert {**before, **payloads(after)} == whole


def test_a_change_of_definitions_keeps_the_set() -> None:
    log = log_of((0.0, FIRST.mark))
    engine = make_engine(lookups_by_mark=knowing(FIRST))
    run(engine, log[: len(log) // 2])
    fewer = CATALOGUE.replace('id = "opposite_up"', 'id = "opposite_up_too"')
    again = make_engine(catalogue=fewer, lookups_by_mark=knowing(FIRST))
    again.restore(engine.snapshot())
    again.adopt()
    said = run(again, log[len(log) // 2 :], first_offset=len(log) // 2)
    kept = [event for event in said.events if event.definition != "opposite_up_too"]
    assert set(sets_of(kept)) == {"first"}


def test_a_snapshot_of_an_earlier_release_restores_without_a_set() -> None:
    log = log_of()
    engine = make_engine()
    run(engine, log[: len(log) // 2])
    snapshot = Snapshot(engine.snapshot())
    sections = {name: snapshot.section(name) for name in snapshot.versions if name != "artefacts"}
    again = make_engine(lookups_by_mark=knowing(FIRST))
    again.restore(pack(snapshot.head, sections))
    assert again.artefacts_mark == NO_SET
    assert set(sets_of(run(again, log[len(log) // 2 :], first_offset=len(log) // 2).events)) == {None}


@pytest.mark.parametrize("error", [ArtefactsError("gone"), TransportError("away")])
def test_a_set_that_is_not_found_leaves_the_state_as_it_was(error: Exception) -> None:
    here = len(live()[0]) + len(live()[1]) // 2
    log = log_of((0.5, FIRST.mark))
    missing = True

    def by_mark(mark: int) -> Lookups:
        if mark == FIRST.mark and missing:
            raise error
        return knowing(FIRST)(mark)

    engine = make_engine(lookups_by_mark=by_mark)
    run(engine, log[:here])
    before = engine.snapshot()
    with pytest.raises(type(error)):
        engine.step(log[here], here)
    assert engine.snapshot() == before
    with pytest.raises(type(error)):
        _restored_under(FIRST, by_mark)
    missing = False
    said = run(engine, log[here:], first_offset=here)
    assert payloads(said) == payloads_from(here, log)


def _restored_under(one: ArtefactSet, by_mark: Callable[[int], Lookups]) -> PartitionEngine:
    marked = make_engine(lookups_by_mark=knowing(one))
    marked.step(mark_frame(one.mark, 2), 0)
    engine = make_engine(lookups_by_mark=by_mark)
    engine.restore(marked.snapshot())
    return engine


def payloads_from(here: int, log: list[bytes]) -> Mapping[str, bytes]:
    engine = make_engine(lookups_by_mark=knowing(FIRST))
    run(engine, log[:here])
    return payloads(run(engine, log[here:], first_offset=here))


def test_a_mark_of_a_source_that_the_universe_lacks_is_not_looked_for() -> None:
    record = LogBuilder()
    record.add(TickKind.ARTEFACTS, session_open(0), source=77, trade_id=FIRST.mark)
    (payload,) = cut(record.records)
    engine = make_engine(lookups_by_mark=knowing())
    assert [letter.reason for letter in engine.step(payload, 0).dead_letters] == ["unknown_source"]
    assert engine.artefacts_mark == NO_SET


def test_fixed_lookups_are_kept_whatever_the_log_says() -> None:
    """A study knows what it looks up; a log of a real system may still be stepped with it."""
    said = run(make_engine(lookups=Artefacts.of(SECOND, None)), log_of((0.0, FIRST.mark)))
    assert set(sets_of(said.events)) == {"second"}
    assert np.all([event.rarity is not None for event in said.events])
