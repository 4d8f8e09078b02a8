"""Over the demo's days, what events look up in the shipped set once a mark at the log's head names it."""

from __future__ import annotations

import pytest

from consumers.worker.run import engine_factory
from core.engine.engine import PartitionEngine
from core.events.events import Event
from core.kafka.log_marks import mark_frame
from core.model.records import TickKind
from core.model.settings import Settings
from core.runtime.artefact_files import demo_set
from tests.support.artefact_sets import MemorySets
from tests.support.demo_log import HISTORY_SOURCE, demo_log

pytestmark = [pytest.mark.integration, pytest.mark.compiled, pytest.mark.slow]

BEFORE_THE_HISTORY = 0


def test_more_than_nine_in_ten_events_carry_base_rates_and_rarity() -> None:
    one = demo_set()
    make = engine_factory(Settings(), sets=MemorySets(one))
    mark = mark_frame(
        TickKind.ARTEFACTS, one.mark, source_id=HISTORY_SOURCE, ts_ns=1, epoch=BEFORE_THE_HISTORY
    )
    events: list[Event] = []
    for partition, payloads in demo_log(4).items():
        engine = make(partition, 4)
        assert isinstance(engine, PartitionEngine)
        for offset, payload in enumerate((mark, *payloads)):
            events += engine.step(payload, offset).events
    rates = sum(event.base_rate is not None for event in events)
    both = [event for event in events if event.base_rate is not None and event.rarity is not None]
    without = sorted({event.definition for event in events} - {event.definition for event in both})
    print(
        f"{len(events)} events: {rates} with base rates, {len(both)} with rarity as well; none of {without}"
    )
    assert len(events) > 150
    assert len(both) > 0.9 * len(events)
