"""Observes a running demo through its public outputs, and keeps the state to show."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from deploy.demo.processes import Program
from deploy.demo.progress import Progress, View
from deploy.demo.readings import EventReader, Page, ReadEvent, scrape
from deploy.demo.time_order import TimeOrder

SCRAPE_INTERVAL_S: Final = 0.25
RATE_OVER_S: Final = 1.0
_NS_PER_SECOND: Final = 1_000_000_000


class Observer:
    """Reads values from /metrics and events from their topics, and passes them to a view.

    Args:
        view: Shows the state.
        reader: Reader of the event topics.
        partition_of: Symbol of a numerator → partition of its ticks.
    """

    def __init__(self, view: View, reader: EventReader, partition_of: Callable[[str], int]) -> None:
        self.progress = Progress()
        self.events: list[ReadEvent] = []
        self.ticks_before_playing = 0
        self._view = view
        self._reader = reader
        self._server: Program | None = None
        self._page: Page | None = None
        self._scraped_s = 0.0
        self._order = TimeOrder(partition_of)
        self._clocks_s: Mapping[int, int] = {}
        self._found = 0
        self._latest_clocks_s: Mapping[int, int] = {}
        self._latest_found = 0
        self._rates: deque[tuple[float, int]] = deque()

    def phase(self, text: str) -> None:
        """Set the current phase."""
        self.progress.phase = text

    def metrics_at(self, url: str) -> None:
        """Set the URL of the worker's /metrics page."""
        self.progress.metrics_url = url

    def playing(self, server: Program, trades: int) -> None:
        """Record that playback has started."""
        self._server = server
        self.progress.trades = trades
        self.progress.phase = "playing"
        self._scrape()
        self.ticks_before_playing = self.progress.ticks

    @property
    def broker_away(self) -> bool:
        """Whether the broker is unreachable."""
        return self._reader.away

    @property
    def stepped(self) -> tuple[int, int]:
        """Frames and ticks that the worker had processed at the last scrape."""
        return self.progress.frames, self.progress.ticks

    def look(self) -> None:
        """Read new events, periodically the metrics, and show them."""
        self._take(self._reader.new())
        if self.progress.metrics_url and time.monotonic() - self._scraped_s >= SCRAPE_INTERVAL_S:
            self._scrape()
        self._show(self._order.release(self._clocks_s, self._found))
        if self._server is not None:
            status = self._server.said("served") or self._server.said("progress") or {}
            self.progress.trades_sent = int(status.get("trades_sent", 0))
        self._view.show(self.progress)

    def has_stepped(self, ends: Mapping[int, int]) -> bool:
        """Whether, at the last scrape, the worker had processed up to these offsets and published its output.

        Args:
            ends: Partition → end of the log.
        """
        if self._page is None:
            return False
        places = self._page.by_labels("rotascope_partition_next_offset", "partition")
        stepped = all(places.get((str(partition),), -1) >= end for partition, end in ends.items())
        return stepped and self._page.total("rotascope_worker_outbox_records") == 0

    def last_events(self) -> None:
        """Read the event topics to their current end."""
        self._take(self._reader.rest())
        self._show(self._order.rest())

    def _take(self, events: Sequence[ReadEvent]) -> None:
        self.events.extend(events)
        self._order.hold(events)

    def _show(self, events: Iterable[ReadEvent]) -> None:
        for event in events:
            self._view.event(event)

    def _scrape(self) -> None:
        self._scraped_s = time.monotonic()
        page = scrape(self.progress.metrics_url)
        if page is None:
            return
        self._page = page
        progress = self.progress
        progress.ticks = int(page.total("rotascope_worker_ticks_total"))
        self._note_clocks(page)
        progress.frames = int(page.total("rotascope_worker_frames_total"))
        progress.lag_records = int(page.total("rotascope_partition_lag_records"))
        progress.ticks_per_s = self._rate(progress.ticks)
        clocks = page.by_labels("rotascope_partition_clock_timestamp_seconds", "partition")
        progress.clock_ns = int(min(clocks.values()) * _NS_PER_SECOND) if clocks else None
        behind = page.by_labels("rotascope_partition_event_time_lag_seconds", "partition").values()
        progress.lag_s = max(behind, default=0.0)
        progress.ratios = page.by_labels("rotascope_ratio", "pair")
        progress.strength = page.by_labels("rotascope_relative_strength_percent", "pair", "window")

    def _note_clocks(self, page: Page) -> None:
        """Keep the partitions' clocks with the number of events that had been found up to them.

        A page counts events a moment before it reads the clocks. Where the next page counts as many, none
        was found in between, so the number belongs to the clocks.
        """
        found = int(page.total("rotascope_event_transitions_total"))
        if found == self._latest_found:
            self._clocks_s, self._found = self._latest_clocks_s, found
        clocks = page.by_labels("rotascope_partition_clock_timestamp_seconds", "partition")
        self._latest_clocks_s = {int(partition): round(clock) for (partition,), clock in clocks.items()}
        self._latest_found = found

    def _rate(self, ticks: int) -> float:
        """Ticks a second over the last second or so."""
        now_s = time.monotonic()
        self._rates.append((now_s, ticks))
        while len(self._rates) > 2 and now_s - self._rates[1][0] >= RATE_OVER_S:
            self._rates.popleft()
        first_s, first = self._rates[0]
        return (ticks - first) / (now_s - first_s) if now_s > first_s else 0.0
