"""The demo's observer shows events in time order, although a page counts before it reads the clocks."""

from __future__ import annotations

from typing import Any, cast

import pytest

from deploy.demo import observer as module
from deploy.demo.observer import Observer
from deploy.demo.progress import View
from deploy.demo.readings import EventReader, Page, ReadEvent

EARLY_S, LATE_S = 1_720_700_000, 1_720_800_000


def event(name: str, instant: str, numerator: str) -> ReadEvent:
    data = {"knowable_time": instant, "definition": name, "pair": f"{numerator}/SPX", "numerator": numerator}
    return ReadEvent(name, data | {"transition": 1})


class Stage:
    """An observer whose page and topics are set by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.unread: list[ReadEvent] = []
        self.shown: list[str] = []
        self.text = ""
        monkeypatch.setattr(module, "scrape", lambda url: Page(self.text))
        monkeypatch.setattr(module, "SCRAPE_INTERVAL_S", 0.0)
        self.observer = Observer(
            cast("View", self), cast("EventReader", self), lambda symbol: 0 if symbol == "RUT" else 1
        )
        self.observer.metrics_at("http://127.0.0.1/metrics")

    def new(self) -> list[ReadEvent]:
        unread, self.unread = self.unread, []
        return unread

    def show(self, progress: Any) -> None:
        """Nothing is looked at."""

    def event(self, event: ReadEvent) -> None:
        self.shown.append(event.event_id)

    def look(self, found: int, *clocks_s: int) -> list[str]:
        lines = [f'rotascope_event_transitions_total{{definition="d",state="opened"}} {found}.0']
        for partition, clock_s in enumerate(clocks_s):
            labels = f'partition="{partition}"'
            lines.append(f"rotascope_partition_clock_timestamp_seconds{{{labels}}} {clock_s}.0")
            lines.append(f"rotascope_partition_event_time_lag_seconds{{{labels}}} 0.0")
        self.text = "\n".join(lines) + "\n"
        self.observer.look()
        return self.shown


def test_an_event_waits_for_an_earlier_one_that_was_found_while_the_page_was_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage(monkeypatch)
    stage.unread = [event("late", "2024-07-12T12:00:00Z", "RUT")]
    # The early one was found after the count of 1 and before the clocks were read; it is not read yet.
    assert stage.look(1, LATE_S, LATE_S) == []
    assert stage.look(2, LATE_S, LATE_S) == []
    assert stage.look(2, LATE_S, LATE_S) == [], "two are found and one is read"
    stage.unread = [event("early", "2024-07-11T12:00:00Z", "SPY")]
    assert stage.look(2, LATE_S, LATE_S) == ["early", "late"]
    assert [each.event_id for each in stage.observer.events] == ["late", "early"]


def test_nothing_is_shown_before_the_slowest_partition_has_come_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage(monkeypatch)
    stage.unread = [event("late", "2024-07-12T12:00:00Z", "RUT")]
    for _ in range(3):
        assert stage.look(1, LATE_S, EARLY_S) == []
    for _ in range(2):
        stage.look(1, LATE_S, LATE_S)
    assert stage.look(1, LATE_S, LATE_S) == ["late"]
