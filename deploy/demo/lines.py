"""Line views of a demo: text for a log or a pipe, JSON for programs."""

from __future__ import annotations

import time
from typing import Any, Final, Self, TextIO

import msgspec
from typing_extensions import override

from core.model.timestamps import rfc3339
from deploy.demo.progress import Progress, Summary, View
from deploy.demo.readings import ReadEvent
from deploy.demo.story import what_happened
from deploy.demo.summary import summary_lines, summary_record

PROGRESS_INTERVAL_S: Final = 4.0
"""Maximum time between two lines, so that progress is visible in a log."""
EVENT_ROW: Final = "{time:<20}  {definition:<30}  {pair:<9}  {state:<10}  {what}"


class PlainView(View):
    """Text lines.

    Args:
        stream: Output stream.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._told_s = time.monotonic()

    def __enter__(self) -> Self:
        """Nothing to set up."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to restore."""

    @override
    def milestone(self, text: str) -> None:
        self._write(text)

    @override
    def show(self, progress: Progress) -> None:
        if time.monotonic() - self._told_s < PROGRESS_INTERVAL_S:
            return
        if progress.clock_ns is None:
            self._write(f"... {progress.phase}")
        else:
            self._write(
                f"... {rfc3339(progress.clock_ns)}: {progress.trades_sent:,} of {progress.trades:,} trades, "
                f"{progress.ticks_per_s:,.0f} ticks/s, {progress.lag_records:,} frames behind"
            )

    @override
    def event(self, event: ReadEvent) -> None:
        data = event.data
        self._write(
            EVENT_ROW.format(
                time=data["event_time"],
                definition=data["definition"],
                pair=data["pair"],
                state=data["state"],
                what=what_happened(data),
            )
        )

    @override
    def finished(self, summary: Summary) -> None:
        self._write("")
        for line in summary_lines(summary):
            self._write(line)

    def _write(self, line: str) -> None:
        self._told_s = time.monotonic()
        print(line, file=self._stream, flush=True)


class JsonView(View):
    """One JSON object per line, by `kind`: `milestone`, `serving`, `event` or `summary`.

    Args:
        stream: Output stream.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._serving = False

    def __enter__(self) -> Self:
        """Nothing to set up."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to restore."""

    @override
    def milestone(self, text: str) -> None:
        self._write({"kind": "milestone", "text": text})

    @override
    def show(self, progress: Progress) -> None:
        """Only the URL of the metrics is printed."""
        if progress.metrics_url and not self._serving:
            self._serving = True
            self._write({"kind": "serving", "metrics_url": progress.metrics_url})

    @override
    def event(self, event: ReadEvent) -> None:
        self._write({"kind": "event", "id": event.event_id, "data": event.data})

    @override
    def finished(self, summary: Summary) -> None:
        self._write({"kind": "summary", **summary_record(summary)})

    def _write(self, record: dict[str, Any]) -> None:
        print(msgspec.json.encode(record).decode(), file=self._stream, flush=True)
