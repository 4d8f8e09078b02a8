"""Events as words, put together, summed up, and told in lines."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from deploy.demo.episodes import episodes
from deploy.demo.lines import JsonView, PlainView
from deploy.demo.progress import Progress, Summary
from deploy.demo.readings import ReadEvent, in_order
from deploy.demo.story import how_often, rarity_order, what_happened
from deploy.demo.summary import summary_lines, summary_record
from deploy.demo.time_order import MARGIN_S, TimeOrder
from tests.support.demo_events import read_back, story_of_2024_07_11
from tests.support.sample_events import SENTENCE, opposite_day, strength

OPENED_NS = 1_720_445_400_000_000_000
CLOSED_NS = 1_721_246_400_000_000_000


def summary_of(events: list[ReadEvent]) -> Summary:
    return Summary(
        trades=26_371,
        symbols=("RUT", "SPX"),
        first_ns=OPENED_NS,
        last_ns=CLOSED_NS,
        played_s=2.0,
        ticks=155_845,
        ticks_per_s=20_000.0,
        frames=308,
        partitions=4,
        transitions=events,
        episodes=episodes(events),
        metrics_url="http://127.0.0.1:9464/metrics",
        wall_s=20.0,
    )


def test_an_event_tells_both_legs_and_its_summary() -> None:
    told = what_happened(read_back(opposite_day()).data)
    assert told == f"RUT +3.57 %, SPX -0.88 %; {opposite_day().summary}"
    told = what_happened(read_back(strength()).data)
    assert told == f"IWM +3.57 %, SPY -0.88 %; {strength().summary}"


def test_a_leg_that_is_not_known_is_called_so() -> None:
    event = opposite_day(legs={"numerator": {"return_pct": None}, "benchmark": {"return_pct": -0.876}})
    assert what_happened(read_back(event).data).startswith("RUT unknown (unknown), SPX -0.88 %; Small caps")


def test_rarity_ranks_and_is_told() -> None:
    rare, common = read_back(opposite_day()).data, read_back(opposite_day(openings_per_year=12.345)).data
    young = read_back(opposite_day(openings_per_year=None, reasons={"openings_per_year": "x"})).data
    assert sorted([young, common, rare], key=rarity_order) == [rare, common, young]
    assert [how_often(each) for each in (rare, common, young)] == [
        "0.03 a year", "12.35 a year", "less than a year of history",
    ]  # fmt: skip


def test_the_summary_leads_with_the_three_rarest() -> None:
    story = [
        read_back(opposite_day(pair=f"RUT/X{number}", openings_per_year=float(rate)))
        for number, rate in enumerate((4, 1, 3, 2))
    ]
    lines = list(summary_lines(summary_of(story)))
    assert lines[0] == "Rarest events, by how often the definition opened on the pair before"
    assert [line.split()[1:3] for line in lines[1:4]] == [
        ["RUT/X1", "1.00"],
        ["RUT/X3", "2.00"],
        ["RUT/X2", "3.00"],
    ]
    assert lines[1].endswith(opposite_day().summary)
    assert lines[4] == ""
    assert lines[5] == "Summary"


def test_events_come_in_the_order_in_which_they_could_be_known() -> None:
    story = story_of_2024_07_11()
    shuffled = [story[2], story[0], story[3], story[1]]
    assert in_order(shuffled) == in_order(story)
    assert [event.data["state"] for event in in_order(shuffled)] == [
        "candidate", "candidate", "withdrawn", "opened",
    ]  # fmt: skip


def test_transitions_become_one_event_from_candidate_to_end() -> None:
    story = [*story_of_2024_07_11(), read_back(opposite_day(state="resolved", transition=2))]
    opened, withdrawn = episodes(story)
    assert (opened.pair, withdrawn.pair) == ("RUT/SPX", "RUT/QQQ")
    assert opened.candidate is not None
    assert opened.candidate["event_time"] == "2024-07-11T14:31:00Z"
    assert opened.opened is not None
    assert opened.opened["event_time"] == "2024-07-11"
    assert opened.ended is not None
    assert opened.ended["state"] == "resolved"
    assert withdrawn.opened is None
    assert withdrawn.ended is not None
    assert withdrawn.ended["state"] == "withdrawn"


def test_an_event_that_goes_on_has_no_end() -> None:
    (still,) = episodes([read_back(opposite_day())])
    assert still.ended is None


def test_the_summary_names_figures_and_every_event_with_its_times() -> None:
    text = "\n".join(summary_lines(summary_of(story_of_2024_07_11())))
    for figure in ("26,371 trades", "155,845 ticks", "308 frames", "20,000 ticks/s", "9464/metrics"):
        assert figure in text
    assert "4 transitions of 2 events: 2 candidate, 1 opened, 1 withdrawn" in text
    by_definition = text[text.index("Events by definition") :]
    opened = next(line for line in by_definition.splitlines() if line.startswith("    2024-07-11"))
    assert opened.split("RUT/SPX   ")[1] == (
        f"RUT +3.57 %, SPX -0.88 %; {opposite_day().summary}; 0.03 a year; candidate at 14:31"
    )
    assert "not opened: RUT/QQQ 2024-07-11 14:31 (withdrawn)" in text


def test_an_event_that_opened_in_the_history_is_said_to_be_of_it() -> None:
    event = read_back(opposite_day(state="resolved", transition=2))
    text = "\n".join(summary_lines(summary_of([event])))
    assert "not opened: RUT/SPX from the history (resolved 2024-07-11)" in text


def test_programs_get_the_summary_as_one_object() -> None:
    record = json.loads(json.dumps(summary_record(summary_of(story_of_2024_07_11()))))
    assert (record["transitions_with_base_rate"], record["transitions_with_rarity"]) == (0, 0)
    assert record["opened"] == {"opposite_day_up": [{"pair": "RUT/SPX", "event_time": "2024-07-11"}]}
    assert (record["transitions"], record["events"]) == (4, 2)
    assert [(one["pair"], one["openings_per_year"]) for one in record["rarest"]] == [("RUT/SPX", 0.02897)]


def told_by(view: type[PlainView] | type[JsonView]) -> list[str]:
    stream = io.StringIO()
    events = story_of_2024_07_11()
    with view(stream) as teller:
        teller.milestone("worker started")
        teller.show(Progress(metrics_url="http://127.0.0.1:9464/metrics"))
        teller.show(Progress(metrics_url="http://127.0.0.1:9464/metrics"))
        for event in events:
            teller.event(event)
    teller.finished(summary_of(events))
    return stream.getvalue().splitlines()


def test_plain_lines_tell_the_story() -> None:
    lines = told_by(PlainView)
    assert lines[0] == "worker started"
    legs, other, told = "RUT +3.57 %, SPX -0.88 %;", "RUT +3.57 %, QQQ -0.88 %;", opposite_day().summary
    assert [" ".join(line.split()) for line in lines[1:5]] == [
        f"2024-07-11T14:31:00Z opposite_day_up RUT/SPX candidate {legs} so far today: {SENTENCE}",
        f"2024-07-11T14:31:00Z opposite_day_up RUT/QQQ candidate {other} so far today: {SENTENCE}",
        f"2024-07-11 opposite_day_up RUT/SPX opened {legs} {told}",
        f"2024-07-11 opposite_day_up RUT/QQQ withdrawn {other} {told}",
    ]
    assert "Summary" in lines


def test_json_lines_say_what_they_are() -> None:
    records: list[dict[str, Any]] = [json.loads(line) for line in told_by(JsonView)]
    assert [record["kind"] for record in records] == ["milestone", "serving", *["event"] * 4, "summary"]
    assert records[1]["metrics_url"] == "http://127.0.0.1:9464/metrics"
    assert records[4]["id"] == opposite_day().event_id
    assert records[4]["data"]["first_since"]["last_true"] == "2008-10-10"


@pytest.mark.parametrize("clock_ns", [None, OPENED_NS])
def test_a_log_shows_that_it_goes_on(monkeypatch: pytest.MonkeyPatch, clock_ns: int | None) -> None:
    monkeypatch.setattr("deploy.demo.lines.PROGRESS_INTERVAL_S", 0.0)
    stream = io.StringIO()
    progress = Progress(phase="stepping the history", clock_ns=clock_ns, trades=10, trades_sent=3)
    PlainView(stream).show(progress)
    expected = "stepping the history" if clock_ns is None else "2024-07-08T13:30:00Z: 3 of 10 trades"
    assert stream.getvalue().startswith(f"... {expected}")


def test_the_summary_names_the_dead_letters() -> None:
    clean = summary_of([])
    assert "  refused   nothing: no dead letters" in list(summary_lines(clean))
    found = {"worker": {"price": 1_200}, "producer": {"unknown_symbol": 3}}
    refused = replace(clean, dead_letters=found)
    (line,) = [line for line in summary_lines(refused) if line.startswith("  refused ")]
    assert "worker: price 1,200, producer: unknown_symbol 3" in line
    assert "rotascope.dead-letters" in line
    assert summary_record(refused)["dead_letters"] == found


def test_events_of_several_partitions_come_in_time_order() -> None:
    """One partition is ahead of the other: what it found waits until nothing earlier can follow."""
    story = in_order(story_of_2024_07_11())
    ahead, behind = story[2:], story[:2]
    closed_s = CLOSED_NS // 10**9 + MARGIN_S
    order = TimeOrder(lambda numerator: 0)
    order.hold(ahead[::-1])
    assert order.release({0: OPENED_NS // 10**9, 1: closed_s}, 0) == [], "not before the slowest partition"
    assert order.release({0: closed_s, 1: closed_s}, len(story)) == [], "two are still on their way"
    order.hold(behind[::-1])
    assert order.release({0: closed_s, 1: closed_s}, len(story)) == story
    assert order.rest() == []
    order.hold(story[::-1])
    assert order.rest() == story


def test_what_a_fast_partition_finds_later_does_not_stand_for_what_is_missing() -> None:
    """Guards against counting alone: a later event of one partition once made up for another's unread one."""
    early, late = in_order(story_of_2024_07_11())[0], in_order(story_of_2024_07_11())[-1]
    early_s, late_s = (round(rfc3339_s(event)) + MARGIN_S for event in (early, late))
    order = TimeOrder(lambda numerator: 1)
    order.hold([late])
    assert order.release({0: late_s, 1: early_s}, 1) == []
    order.hold([early])
    assert order.release({0: late_s, 1: early_s}, 1) == [early]


def rfc3339_s(event: ReadEvent) -> float:
    return datetime.fromisoformat(event.data["knowable_time"]).timestamp()
