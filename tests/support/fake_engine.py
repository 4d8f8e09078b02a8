"""An engine small enough to predict by hand, with the interface the worker sees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from core.engine.exposed import Exposed
from core.engine.snapshot import Section
from core.engine.step_output import DeadLetter, StepOutput
from core.events.events import Event, event_id
from core.model.errors import SnapshotError
from core.model.frames import decode_frame, encode_frame
from core.model.records import BAR, TICK, TickKind
from tests.support.exposed import exposed_values

RAISING_PRICE = 666
"""A tick at this price makes `step` raise, after it has changed the state."""
BAD_PRICE = 0
"""A tick at this price becomes a dead letter."""


@dataclass(frozen=True)
class FakeCapture:
    """As `core.engine.engine.Capture`."""

    data: bytes
    sections: Mapping[str, Section] = field(default_factory=dict)

    def pack(self) -> bytes:
        return self.data


class FakeEngine:
    """Counts the trades since the last baseline and opens an event at every `every`-th of them.

    The event's id depends on the count and on the sum of all prices so far, so that a state
    which lost, doubled or reordered a tick gives other ids. The definitions are a name, and a change
    of them withdraws one event.
    """

    snapshots_are_earlier: ClassVar[bool] = False
    """Whether every snapshot comes from an earlier release, so that a restore translates."""

    def __init__(self, partition: int, *, every: int = 10, definitions: str = "first") -> None:
        self.partition = partition
        self.every = every
        self.definitions = self.in_force = definitions
        self.steps = 0
        self.rebuilt = False
        self.translated = False
        self.trades = 0
        self.price_sum = 0
        self.clock_ns = 0
        self.baseline_offset = 0

    def step(self, payload: bytes, offset: int) -> StepOutput:
        _, ticks = decode_frame(payload)
        self.steps += 1
        output = StepOutput()
        for tick in ticks:
            kind, price, ts_event = int(tick["kind"]), int(tick["price"]), int(tick["ts_event"])
            if kind == TickKind.BASELINE:
                self.trades = self.price_sum = 0
                self.baseline_offset = offset
            elif kind == TickKind.CLOCK:
                self.clock_ns = ts_event
                output.minute_bars.append(self._bar(ts_event))
            elif price == BAD_PRICE:
                output.dead_letters.append(DeadLetter("price", tick.tobytes()))
            else:
                self.trades += 1
                self.price_sum += price
                if price == RAISING_PRICE:
                    raise ValueError("this tick cannot be stepped")
                if self.trades % self.every == 0:
                    output.events.append(self._event(ts_event))
        return output

    @property
    def definitions_wait(self) -> bool:
        return self.in_force != self.definitions

    @property
    def adoption_is_due(self) -> bool:
        return self.definitions_wait

    def adopt(self) -> list[Event]:
        self.in_force = self.definitions
        return [self._event(self.clock_ns, "withdrawn")]

    def keep_published_versions(self) -> bool:
        translated, self.translated = self.translated, False
        return translated

    def capture(self) -> FakeCapture:
        state = (self.trades, self.price_sum, self.clock_ns, self.baseline_offset, self.in_force)
        return FakeCapture(json.dumps(state).encode())

    def restore(self, data: bytes) -> None:
        try:
            state = json.loads(data)
        except ValueError as error:
            raise SnapshotError("the snapshot belongs to something else") from error
        self.trades, self.price_sum, self.clock_ns, self.baseline_offset, self.in_force = state
        self.translated = self.snapshots_are_earlier

    def mark_rebuilt(self) -> None:
        self.rebuilt = True

    def expose(self) -> Exposed:
        known = {f"P{self.partition}/SPX": self.price_sum, f"Q{self.partition}/SPX": self.trades}
        return exposed_values({pair: {"ratio": float(value)} for pair, value in known.items()})

    def _bar(self, ts_start: int) -> NDArray[np.void]:
        bar = np.zeros(1, BAR)
        bar["ts_start"], bar["close"], bar["frequency"] = ts_start, self.price_sum, 1
        return bar

    def _event(self, ts_event: int, state: str = "opened") -> Event:
        version = f"{self.price_sum}-{self.in_force}"
        identity = (
            "every_nth",
            version,
            f"P{self.partition}/SPX",
            "1s",
            self.trades,
            int(state == "withdrawn"),
        )
        return Event(
            event_id=event_id(*identity),
            definition="every_nth",
            version=version,
            title="Every nth trade",
            summary="A trade was the nth",
            family="divergence",
            pair=f"P{self.partition}/SPX",
            frequency="1s",
            state=state,
            previous_state="idle",
            episode=self.trades,
            transition=int(state == "withdrawn"),
            ts_event_ns=ts_event,
            ts_knowable_ns=ts_event,
            event_time="2024-07-11T14:30:00Z",
            values={"trades": float(self.trades)},
            threshold={"every": float(self.every)},
            legs={},
            first_since=None,
            reasons={"openings_per_year": "no history"},
            quality="ok",
            provenance={},
        )


def frame(
    prices: list[int], *, sequence: int, ts_event_ns: int = 1, kind: TickKind = TickKind.TRADE
) -> bytes:
    """One frame of trades at these prices, or of marks."""
    ticks = np.zeros(len(prices), TICK)
    ticks["price"], ticks["kind"], ticks["ts_event"] = prices, int(kind), ts_event_ns
    return encode_frame(ticks, source=1, epoch=1, sequence=sequence)


def clock(ts_event_ns: int, *, sequence: int) -> bytes:
    """One frame with a clock mark."""
    return frame([1], sequence=sequence, ts_event_ns=ts_event_ns, kind=TickKind.CLOCK)


def baseline(*, sequence: int) -> bytes:
    """One frame that starts a new baseline."""
    return frame([1], sequence=sequence, kind=TickKind.BASELINE)
