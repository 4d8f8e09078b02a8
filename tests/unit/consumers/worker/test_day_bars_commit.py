"""A day's own bars are committed with the frame that finished the day: both or neither."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from consumers.transport.seam import Outcome, OutcomeKind
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.engine.step_output import StepOutput
from core.kafka.records import Committed, OutgoingRecord
from core.model.records import BAR
from core.model.settings import KafkaSettings
from core.model.topics import DAY_BARS_TOPIC
from tests.support.fake_engine import FakeEngine, clock, frame
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.worker_in_memory import IDLE, worker_settings

LAST_FRAME = 3


class DayEngine(FakeEngine):
    """A clock mark ends a day of instruments 7 and 8."""

    def step(self, payload: bytes, offset: int) -> StepOutput:
        output = super().step(payload, offset)
        if output.minute_bars:
            bars = np.zeros(2, BAR)
            bars["instrument_id"], bars["session"] = [7, 8], 19_915
            output.day_bars.append(bars)
        return output


class Watched(FakeTransport):
    """Keeps what each transaction was asked to do."""

    def __init__(self, broker: FakeBroker) -> None:
        super().__init__(broker)
        self.asked: list[tuple[list[OutgoingRecord], dict[int, Committed]]] = []

    def transact(
        self, sends: Sequence[OutgoingRecord], offsets: Mapping[int, Committed], *rest: Any
    ) -> Outcome:
        self.asked.append((list(sends), dict(offsets)))
        return super().transact(sends, offsets, *rest)


def test_day_bars_and_the_offset_behind_their_frame_are_one_transaction() -> None:
    broker = FakeBroker()
    for number in range(LAST_FRAME):
        broker.append(frame([100], sequence=number))
    broker.append(clock(1, sequence=LAST_FRAME))
    transport = Watched(broker)
    transport.outcomes.append(Outcome(OutcomeKind.ABORTED, "the broker was away"))
    Worker(
        transport,
        lambda partition, _: DayEngine(partition),
        kafka=KafkaSettings(partitions=1),
        settings=worker_settings(delivery="exactly_once"),
        state=WorkerState(),
    ).run(IDLE)
    keys = [record.key for record in broker.published if record.topic == DAY_BARS_TOPIC]
    assert keys == [b"7/2024-07-11", b"8/2024-07-11"]
    with_bars = [
        offsets for sends, offsets in transport.asked if any(r.topic == DAY_BARS_TOPIC for r in sends)
    ]
    assert len(with_bars) == 2, "aborted, and sent again whole"
    assert {offsets[0].offset for offsets in with_bars} == {LAST_FRAME + 1}
    without = [offsets for _, offsets in transport.asked if offsets not in with_bars]
    assert all(offsets[0].offset <= LAST_FRAME for offsets in without)
