"""Raw messages to frames in Kafka, in order, on one thread.

    queue → parse → drop repeats → clock marks → frames → publisher

It has its own thread so that a slow broker blocks the pipeline and not the reader. Clocks are read
here, at the edge, and passed to the pure parts as arguments.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model.errors import FeedError
from core.model.records import NO_INSTRUMENT
from core.runtime.reason_log import ReasonLog, printable_bytes
from producers.feeds.base import Feed, RawMessage, Reject
from producers.framing.framer import Frame, Framer
from producers.framing.outlet import Outlet
from producers.framing.rows import take
from producers.ingest.clock import FeedClock
from producers.ingest.clock_output import Clocked
from producers.ingest.dedup import Deduplicator
from producers.ingest.history_ahead import HistoryAhead
from producers.ingest.queue import GapMark, Item, MessageQueue
from producers.metrics import ProducerCounters

TAKE_BYTES: Final = 512 * 1024
"""Maximum bytes parsed per batch: less than ten milliseconds of work, with the fixed cost of a batch
(0.3 ms) spread over at least 4,000 trades."""

GATHER_S: Final = 0.001
"""Pause after a small batch. A batch has a fixed cost of half a millisecond, so messages that arrive
singly are collected instead of being processed one at a time."""

SMALL_BATCH: Final = 64
"""Messages."""

IDLE_S: Final = 0.05
"""How often an idle pipeline checks the wall clock."""


class Pipeline:
    """Converts the messages of one queue to frames.

    Args:
        feed: Parses messages.
        queue: Source of raw messages.
        deduplicator: Drops repeated trades.
        clock: Inserts marks between the ticks.
        framer: Cuts frames.
        publisher: Sends frames.
        counters: Counters of the producer.
        history_ahead: Refuses ticks of sessions that the history contains.
        on_notice: Called with every error that the vendor reports in the stream, on the pipeline's thread.
        wall_ns: Wall clock, ns UTC.
        monotonic_ms: Monotonic clock, ms.
        pause: Sleeps for a number of seconds.
    """

    def __init__(
        self,
        feed: Feed,
        queue: MessageQueue,
        deduplicator: Deduplicator,
        clock: FeedClock,
        framer: Framer,
        publisher: Outlet,
        counters: ProducerCounters,
        *,
        history_ahead: HistoryAhead,
        on_notice: Callable[[FeedError], None],
        wall_ns: Callable[[], int],
        monotonic_ms: Callable[[], float],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._feed = feed
        self._queue = queue
        self._deduplicator = deduplicator
        self._clock = clock
        self._framer = framer
        self._publisher = publisher
        self._counters = counters
        self._history_ahead = history_ahead
        self._on_notice = on_notice
        self._wall_ns = wall_ns
        self._monotonic_ms = monotonic_ms
        self._pause = pause
        self._reasons = ReasonLog("rotascope.producer", feed=feed.name)

    def run(self) -> None:
        """Run until the queue is closed and empty.

        Raises:
            ConfigurationError: The history in the log reaches beyond the recording's first tick.
            TransportError: A record could not be delivered.
        """
        while (items := self._queue.take(TAKE_BYTES, self._patience_s())) is not None:
            self.process(items)
            if not items and self._counters.connected:
                self._frame(self._clock.raise_to(self._wall_ns()))
            self._send(self._framer.due(self._monotonic_ms()))
            if 0 < len(items) < SMALL_BATCH and len(self._queue) < SMALL_BATCH:
                self._pause(GATHER_S)

    def process(self, items: Sequence[Item]) -> None:
        """Process items of the queue, in order."""
        for _, group in groupby(items, key=lambda item: isinstance(item, GapMark)):
            messages: list[RawMessage] = []
            for item in group:
                if isinstance(item, RawMessage):
                    messages.append(item)
                else:
                    self._counters.gaps[item.cause.label] += 1
                    self._frame(self._clock.gap(item.ts_recv_ns, item.cause))
            if messages:
                self._parse(messages)

    def finish(self, *, end_of_recording: bool, timeout_s: float | None) -> None:
        """Send what remains and wait for the broker.

        Args:
            end_of_recording: There is no more data, so the last session may be closed.
            timeout_s: How long to wait for acknowledgements; None for no limit.

        Raises:
            TransportError: A record could not be delivered.
        """
        if end_of_recording:
            self._pass(self._clock.finish())
        self._send(self._framer.flush())
        self._publisher.flush(timeout_s)

    def _patience_s(self) -> float:
        due_ms = self._framer.next_due_ms()
        if due_ms is None:
            return IDLE_S
        return min(IDLE_S, max(0.0, due_ms - self._monotonic_ms()) / 1000)

    def _parse(self, messages: Sequence[RawMessage]) -> None:
        counters = self._counters
        batch = self._feed.parse(messages)
        for outcome, count in batch.outcomes.items():
            counters.items.add(outcome.value, count)
        counters.unknown_conditions += batch.unknown_conditions
        self._refuse(batch.rejects, "feed")
        for notice in batch.notices:
            counters.vendor_errors.add(str(notice.code))
            self._on_notice(notice)
        ticks = batch.ticks
        if len(ticks) == 0:
            return
        self._history_ahead.check(ticks)
        counters.feed_delay_ns = int(ticks["ts_recv"][-1]) - int(ticks["ts_event"][-1])
        counters.last_tick_ns = self._wall_ns()
        fresh = self._deduplicator.fresh(ticks, batch.venues)
        if not fresh.all():
            counters.repeated += len(fresh) - int(np.count_nonzero(fresh))
            ticks = take(ticks, fresh)
        self._pass(self._clock.advance(ticks))

    def _pass(self, clocked: Clocked) -> None:
        self._refuse(clocked.rejects, "clock")
        self._frame(clocked.ticks)

    def _refuse(self, rejects: Sequence[Reject], where: str) -> None:
        for reject in rejects:
            self._counters.rejects.add(reject.reason, reject.items)
            example = partial(printable_bytes, reject.payload)
            self._reasons.note(reject.reason, example, items=reject.items, where=where)
            self._publisher.dead_letter(reject, where)

    def _frame(self, ticks: NDArray[np.void]) -> None:
        if len(ticks):
            self._counters.ticks += int(np.count_nonzero(ticks["instrument_id"] != NO_INSTRUMENT))
            self._counters.clock_ns = self._clock.mark_ns
            self._send(self._framer.add(ticks, self._monotonic_ms()))

    def _send(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self._publisher.send(frame)
