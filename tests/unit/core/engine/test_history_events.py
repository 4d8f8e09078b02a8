"""History that speaks: the events of baseline sessions are those a live run of the same days gives."""

from __future__ import annotations

from collections.abc import Mapping

from core.definitions.definition import Definition
from core.engine.engine import PartitionEngine
from core.events.events import Event, event_data
from core.model.instruments import Pair
from tests.support.desk import Desk
from tests.support.logs import LogBuilder, Sequences, cut, run
from tests.support.worlds import (
    BIG,
    SML,
    exchange_universe,
    make_engine,
    session_close,
)

CLOSES = [(100.0, 200.0), (102.0, 199.0), (101.0, 200.0), (103.5, 199.5), (101.0, 201.0), (100.0, 201.0)]
"""SML and BIG, a session each: up against down on the second and fourth, the reverse on the fifth."""
NEXT_OPEN_S = 1_200
CLOSE_S = 240


def told_live() -> list[Event]:
    """The sessions as official closes."""
    desk = Desk(baseline_days=0)
    for number, (sml, big) in enumerate(CLOSES):
        start = number * NEXT_OPEN_S
        desk.mark(start + CLOSE_S)
        desk.official(start + CLOSE_S + 1, SML, sml)
        desk.official(start + CLOSE_S + 1, BIG, big)
        desk.mark(start + CLOSE_S + 70)
    return desk.said.events


def told_as_history(*, history_events: bool) -> tuple[list[Event], PartitionEngine]:
    """The same sessions as baseline."""
    engine = make_engine(exchange_universe(), history_events=history_events)
    log = LogBuilder()
    for number, (sml, big) in enumerate(CLOSES):
        log.baseline(session_close(number), {SML: sml, BIG: big})
    return run(engine, cut(log.records, sequences=Sequences())).events, engine


def test_ids_and_content_are_those_of_a_live_run() -> None:
    live, (history, _) = told_live(), told_as_history(history_events=True)
    assert [(event.definition, event.state) for event in history] == [
        ("opposite_up", "opened"),
        ("opposite_up", "opened"),
        ("opposite_down", "opened"),
    ]
    assert [event.event_id for event in history] == [event.event_id for event in live]
    for one, other in zip(history, live, strict=True):
        expected = event_data(other)
        expected["knowable_time"] = event_data(one)["knowable_time"]
        assert event_data(one) == expected
        assert one.ts_knowable_ns == one.ts_event_ns == other.ts_event_ns


def test_history_is_silent_unless_asked_and_the_state_is_the_same() -> None:
    history, speaking = told_as_history(history_events=True)
    nothing, silent = told_as_history(history_events=False)
    assert (len(history), nothing) == (3, [])
    assert speaking.snapshot() == silent.snapshot()


class Found:
    """A base rate for one definition, a tag for every session."""

    @property
    def digests(self) -> dict[str, str]:
        return {"base_rates": "abc", "calendar_events": "def"}

    def base_rate(
        self, definition: Definition, pair: Pair, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        return {"n": 4} if definition.definition_id == "opposite_up" else None

    def rarity(self, definition: Definition, pair: Pair, ts_knowable_ns: int) -> dict[str, object] | None:
        return {"count": 2, "as_of_ns": ts_knowable_ns}

    def tags(self, session: int, ts_knowable_ns: int) -> tuple[str, ...]:
        return ("fomc",)


def test_what_lookups_give_stands_in_every_event() -> None:
    engine = make_engine(exchange_universe(), lookups=Found(), history_events=True)
    log = LogBuilder()
    for number, (sml, big) in enumerate(CLOSES):
        log.baseline(session_close(number), {SML: sml, BIG: big})
    events = run(engine, cut(log.records, sequences=Sequences())).events
    assert [event.base_rate for event in events] == [{"n": 4}, {"n": 4}, None]
    assert {event.tags for event in events} == {("fomc",)}
    assert {event.provenance["base_rates"] for event in events} == {"abc"}
    assert event_data(events[0])["base_rate"] == {"n": 4}
