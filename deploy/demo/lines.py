"""A demo told in lines: for a log or a pipe as text, for programs as JSON."""

from __future__ import annotations

import time
from typing import Any, Final, Self, TextIO

import msgspec

from core.model.timestamps import rfc3339
from deploy.demo.progress import Progress, Summary
from deploy.demo.readings import ReadEvent
from deploy.demo.story import first_since, what_happened
from deploy.demo.summary import summary_lines, summary_record

PROGRESS_INTERVAL_S: Final = 4.0
"""A line at least so often: whoever looks at a log must see that it goes on."""
EVENT_ROW: Final = "{time:<20}  {definition:<30}  {pair:<9}  {state:<10}  {what}"


class PlainView:
    """Lines for people.

    Args:
        stream: Where they go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told_s = time.monotonic()

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to restore."""

    def milestone(self, text: str) -> None:
        """See `View.milestone`."""
        self._tell(text)

    def show(self, progress: Progress) -> None:
        """See `View.show`."""
        if time.monotonic() - self._told_s < PROGRESS_INTERVAL_S:
            return
        if progress.clock_ns is None:
            self._tell(f"... {progress.phase}")
        else:
            self._tell(
                f"... {rfc3339(progress.clock_ns)}: {progress.trades_sent:,} of {progress.trades:,} trades, "
                f"{progress.ticks_per_s:,.0f} ticks/s, {progress.lag_records:,} frames behind"
            )

    def event(self, event: ReadEvent) -> None:
        """See `View.event`."""
        data = event.data
        self._tell(
            EVENT_ROW.format(
                time=data["event_time"],
                definition=data["definition"],
                pair=data["pair"],
                state=data["state"],
                what=what_happened(data),
            )
        )
        since = first_since(data)
        if data["state"] == "opened" and since is not None:
            self._tell(f"{'':<20}  {since}")

    def finished(self, summary: Summary) -> None:
        """See `View.finished`."""
        self._tell("")
        for line in summary_lines(summary):
            self._tell(line)

    def _tell(self, line: str) -> None:
        self._told_s = time.monotonic()
        print(line, file=self._stream, flush=True)


class JsonView:
    """One JSON object a line; `kind` says which: `milestone`, `serving`, `event` or `summary`.

    Args:
        stream: Where they go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._serving = False

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to restore."""

    def milestone(self, text: str) -> None:
        """See `View.milestone`."""
        self._tell({"kind": "milestone", "text": text})

    def show(self, progress: Progress) -> None:
        """See `View.show`; programs are only told where the metrics are."""
        if progress.metrics_url and not self._serving:
            self._serving = True
            self._tell({"kind": "serving", "metrics_url": progress.metrics_url})

    def event(self, event: ReadEvent) -> None:
        """See `View.event`."""
        self._tell({"kind": "event", "id": event.event_id, "data": event.data})

    def finished(self, summary: Summary) -> None:
        """See `View.finished`."""
        self._tell({"kind": "summary", **summary_record(summary)})

    def _tell(self, record: dict[str, Any]) -> None:
        print(msgspec.json.encode(record).decode(), file=self._stream, flush=True)
