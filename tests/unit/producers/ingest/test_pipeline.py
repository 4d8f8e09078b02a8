"""From raw messages to frames: everything counted, nothing lost, in one order."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from core.model.errors import ConfigurationError, FeedError
from core.model.records import TickKind
from producers.feeds.base import MAX_REJECTS, RawMessage
from producers.framing.framer import Framer
from producers.ingest.clock import ClockMode, FeedClock
from producers.ingest.dedup import Deduplicator
from producers.ingest.history_ahead import HistoryAhead
from producers.ingest.pipeline import Pipeline
from producers.ingest.queue import GapMark, MessageQueue, Overflow
from producers.metrics import ProducerCounters
from tests.support.fake_sender import KeepingSender, publisher_to
from tests.support.feed_samples import NOON_NS, SOURCE, UNIVERSE, alpaca_feed, new_york_2024, trade, wire

SECOND = 10**9
DEADLINE_S = 10.0


class Stage:
    """A pipeline whose clocks stand still unless moved."""

    def __init__(
        self, mode: ClockMode = ClockMode.RECORDED, partitions: int = 1, history_ns: int | None = None
    ) -> None:
        self.counters = ProducerCounters("alpaca")
        self.sender = KeepingSender()
        self.notices: list[FeedError] = []
        self.wall_ns = NOON_NS
        self.monotonic_ms = 0.0
        self.pauses: list[float] = []
        self.queue = MessageQueue(1_000, 60_000, Overflow.WAIT, self.counters)
        self.pipeline = Pipeline(
            alpaca_feed(),
            self.queue,
            Deduplicator(bucket_bits=8),
            FeedClock(SOURCE, [new_york_2024()], mode=mode, known_delay_ms=1_000),
            Framer(UNIVERSE, partitions=partitions, source_id=SOURCE.source_id, epoch=1, max_age_ms=8),
            publisher_to(self.sender, self.counters),
            self.counters,
            history_ahead=HistoryAhead(history_ns),
            on_notice=self.notices.append,
            wall_ns=lambda: self.wall_ns,
            monotonic_ms=lambda: self.monotonic_ms,
            pause=self.pauses.append,
        )

    def log(self) -> list[tuple[int, int]]:
        """Kind and trade id of what partition 0 got."""
        records = self.sender.log(0)
        return list(zip(records["kind"].tolist(), records["trade_id"].tolist(), strict=True))

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = threading.Event()
        for _ in range(1_000):
            if condition():
                return
            deadline.wait(DEADLINE_S / 1_000)
        raise AssertionError("it did not happen")


def raw(*messages: dict[str, object], at_ns: int = NOON_NS) -> RawMessage:
    return RawMessage(wire(messages), at_ns)


def test_everything_that_comes_in_is_counted_once() -> None:
    stage = Stage()
    stage.pipeline.process(
        [
            raw(trade(i=1), trade(i=2, p=-1.0)),
            raw(trade(i=1), {"T": "error", "code": 407, "msg": "slow client"}),
            raw(trade(i=3, c=["?"]), {"T": "new"}),
            RawMessage(b"junk", NOON_NS),
            raw(trade(NOON_NS + 10**15, i=9), trade(i=4), trade(i=5), trade(i=6)),
        ]
    )
    stage.pipeline.finish(end_of_recording=False, timeout_s=1)
    assert stage.log() == [(TickKind.CLOCK, 0), *[(TickKind.TRADE, number) for number in (1, 3, 4, 5, 6)]]
    counters = stage.counters
    assert counters.items == {"accepted": 7, "rejected": 2, "control": 1, "unknown": 1}
    assert counters.rejects == {"price": 1, "malformed": 1, "future": 1}
    assert (counters.ticks, counters.repeated, counters.unknown_conditions) == (5, 1, 1)
    assert counters.vendor_errors == {"407": 1}
    assert [notice.action for notice in stage.notices] == ["reconnect"]
    assert counters.clock_ns == NOON_NS
    assert [json.loads(value)["reason"] for value in stage.sender.dead_letters()] == [
        "price",
        "malformed",
        "future",
    ]
    assert [json.loads(value)["where"] for value in stage.sender.dead_letters()] == ["feed", "feed", "clock"]


def test_refused_items_that_share_a_dead_letter_are_all_counted() -> None:
    stage = Stage()
    bad = [trade(S="NOPE", i=number) for number in range(MAX_REJECTS + 10)]
    stage.pipeline.process([raw(*bad, trade(i=1))])
    stage.pipeline.finish(end_of_recording=False, timeout_s=1)
    assert stage.counters.rejects == {"unknown_symbol": MAX_REJECTS + 10}
    assert stage.counters.items == {"accepted": 1, "rejected": MAX_REJECTS + 10}
    letters = stage.sender.dead_letters()
    assert len(letters) == MAX_REJECTS + 1
    assert "represents 10 items" in json.loads(letters[-1])["message"]


def test_refused_messages_are_logged_once_for_each_reason_with_the_first() -> None:
    stage = Stage()
    with capture_logs() as logged:
        stage.pipeline.process(
            [raw(*(trade(S="NOPE", i=number) for number in range(40))), raw(trade(p=-1.0))]
        )
    assert [(line["reason"], line["where"]) for line in logged] == [
        ("unknown_symbol", "feed"),
        ("price", "feed"),
    ]
    assert '"NOPE"' in logged[0]["example"]
    assert logged[0]["feed"] == "alpaca"


def test_a_correction_counts_and_its_repetition_after_a_reconnect_does_not() -> None:
    stage = Stage()
    common = {"T": "c", "S": "IWM", "x": "P", "z": "B", "oi": 5, "os": 10, "ci": 5, "cs": 10}
    moves = [(200.0, 201.0), (201.0, 202.0), (202.0, 200.0)]
    chain = [common | {"t": NOON_NS + k, "op": old, "cp": new} for k, (old, new) in enumerate(moves)]
    stage.pipeline.process([raw(*chain), GapMark("lost", 5), raw(*chain)])
    assert (stage.counters.ticks, stage.counters.repeated) == (6, 6)


def test_a_gap_mark_stands_where_the_loss_was_and_in_every_partition() -> None:
    stage = Stage(partitions=3)
    stage.pipeline.process(
        [raw(trade(S="SPY", i=1), trade(S="SPY", i=2)), GapMark("lost", 5), raw(trade(S="SPY", i=3))]
    )
    stage.pipeline.finish(end_of_recording=False, timeout_s=1)
    for partition in range(3):
        assert stage.sender.log(partition)["kind"].tolist() == [
            TickKind.CLOCK, TickKind.TRADE, TickKind.TRADE, TickKind.GAP, TickKind.TRADE
        ]  # fmt: skip
    assert (stage.counters.gaps.total(), stage.counters.ticks) == (1, 3)


def test_the_end_of_a_recording_sends_what_is_held_and_the_last_mark() -> None:
    stage = Stage()
    stage.pipeline.process([raw(trade(i=1), trade(i=2), trade(NOON_NS + 60 * SECOND, i=3))])
    stage.pipeline.finish(end_of_recording=True, timeout_s=1)
    kinds = [kind for kind, _ in stage.log()]
    assert (
        kinds
        == [TickKind.CLOCK, TickKind.TRADE, TickKind.TRADE, TickKind.CLOCK, TickKind.TRADE]
        + [TickKind.CLOCK] * 2
    )


def test_frames_leave_when_they_are_old_and_an_idle_live_clock_goes_on() -> None:
    stage = Stage(ClockMode.LIVE)
    stage.counters.connected = True
    thread = threading.Thread(target=stage.pipeline.run)
    thread.start()
    try:
        stage.until(lambda: stage.counters.clock_ns == NOON_NS - SECOND)
        asyncio.run(stage.queue.put(raw(trade(i=1))))
        stage.until(lambda: stage.counters.ticks == 1)
        assert stage.sender.records == []
        stage.monotonic_ms = 8.0
        stage.until(lambda: len(stage.sender.records) == 1)
        stage.wall_ns = NOON_NS + 3 * SECOND
        stage.until(lambda: stage.counters.clock_ns == NOON_NS + 2 * SECOND)
        stage.counters.connected = False
        stage.wall_ns = NOON_NS + 30 * SECOND
    finally:
        stage.queue.close()
        thread.join(DEADLINE_S)
    stage.pipeline.finish(end_of_recording=False, timeout_s=1)
    assert stage.log() == [*[(TickKind.CLOCK, 0)] * 2, (TickKind.TRADE, 1), (TickKind.CLOCK, 0)]
    assert stage.pauses == [pytest.approx(0.001)]


def test_a_recording_of_a_session_that_the_history_contains_is_refused() -> None:
    stage = Stage(history_ns=NOON_NS + 4 * 3600 * SECOND)
    with pytest.raises(ConfigurationError, match="the history in the log contains sessions up to") as refusal:
        stage.pipeline.process([raw(trade(i=1))])
    assert "--history-until" in str(refusal.value.operator_action)
    assert stage.sender.dead_letters() == []


def test_only_the_first_trade_is_compared_with_the_history() -> None:
    stage = Stage(history_ns=NOON_NS - 20 * 3600 * SECOND)
    stage.pipeline.process([raw({"T": "new"}), raw(trade(i=1))])
    stage.pipeline.process([raw(trade(NOON_NS - 21 * 3600 * SECOND, i=2))])
    assert stage.counters.items["accepted"] == 2
