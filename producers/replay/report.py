"""Reports the progress of a replay, as text or JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from typing_extensions import override

from core.model.timestamps import rfc3339
from producers.replay.refusal import RefusedClient


@dataclass(frozen=True, slots=True)
class Start:
    """State of a server that has started listening."""

    url: str
    port: int
    trades: int
    symbols: tuple[str, ...]
    first_ts_event_ns: int
    last_ts_event_ns: int
    speed: float


@dataclass(frozen=True, slots=True)
class PlaybackStatus:
    """Progress of a replay."""

    trades_sent: int
    frames_sent: int
    trades_missed: int
    ts_event_ns: int
    wall_s: float

    @property
    def trades_per_s(self) -> float:
        """Mean rate since the first client subscribed."""
        return self.trades_sent / self.wall_s if self.wall_s > 0 else 0.0


class PlaybackReport(Protocol):
    """Receives the progress of a run."""

    def started(self, start: Start) -> None:
        """Report that the server is listening."""
        ...

    def progress(self, status: PlaybackStatus) -> None:
        """Report progress; called a few times a second while playing."""
        ...

    def refused(self, refusal: RefusedClient) -> None:
        """Report that a client was refused."""
        ...

    def ended(self, status: PlaybackStatus, *, complete: bool) -> None:
        """Report that everything was played, or that the run was stopped."""
        ...


class PlainReport(PlaybackReport):
    """Lines for a log: at the start, every ten seconds, at the end."""

    INTERVAL_S = 10.0

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._trades = 0
        self._reported_wall_s = 0.0

    @override
    def started(self, start: Start) -> None:
        self._trades = start.trades
        for line in _start_lines(start):
            self._write(line)

    @override
    def progress(self, status: PlaybackStatus) -> None:
        if status.wall_s - self._reported_wall_s >= self.INTERVAL_S:
            self._reported_wall_s = status.wall_s
            self._write(f"{rfc3339(status.ts_event_ns)}  {status.trades_sent:,} of {self._trades:,} trades")

    @override
    def refused(self, refusal: RefusedClient) -> None:
        for line in _refusal_lines(refusal):
            self._write(line)

    @override
    def ended(self, status: PlaybackStatus, *, complete: bool) -> None:
        self._write(_end_line(status, self._trades, complete))

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class JsonReport(PlaybackReport):
    """One JSON object per line, for programs."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    @override
    def started(self, start: Start) -> None:
        self._write("listening", asdict(start))

    @override
    def progress(self, status: PlaybackStatus) -> None:
        if status.trades_sent:
            self._write("progress", asdict(status))

    @override
    def refused(self, refusal: RefusedClient) -> None:
        self._write("refused", refusal._asdict())

    @override
    def ended(self, status: PlaybackStatus, *, complete: bool) -> None:
        self._write("served" if complete else "stopped", asdict(status))

    def _write(self, event: str, values: dict[str, object]) -> None:
        print(json.dumps({"event": event, **values}), file=self._stream, flush=True)


class TerminalReport(PlaybackReport):
    """A progress bar with the recording's clock."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]} trades/s"),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._task: TaskID | None = None
        self._trades = 0

    @override
    def started(self, start: Start) -> None:
        self._trades = start.trades
        for line in _start_lines(start):
            self._console.print(line, highlight=False)
        self._task = self._bar.add_task("waiting for a client", total=start.trades, rate="0")
        self._bar.start()

    @override
    def progress(self, status: PlaybackStatus) -> None:
        if self._task is not None and status.ts_event_ns:
            done = status.trades_sent + status.trades_missed
            self._bar.update(
                self._task,
                completed=done,
                description=rfc3339(status.ts_event_ns),
                rate=f"{status.trades_per_s:,.0f}",
            )

    @override
    def refused(self, refusal: RefusedClient) -> None:
        for line in _refusal_lines(refusal):
            self._console.print(line, highlight=False, markup=False)

    @override
    def ended(self, status: PlaybackStatus, *, complete: bool) -> None:
        self.progress(status)
        self._bar.stop()
        self._console.print(_end_line(status, self._trades, complete), highlight=False)


def _start_lines(start: Start) -> list[str]:
    pace = f"{start.speed:g} event seconds per second" if start.speed else "as fast as the client reads"
    return [
        f"listening on {start.url}",
        f"{start.trades:,} trades of {', '.join(start.symbols)}, "
        f"{rfc3339(start.first_ts_event_ns)} to {rfc3339(start.last_ts_event_ns)}, {pace}",
        "waiting for a client to subscribe",
    ]


def _refusal_lines(refusal: RefusedClient) -> list[str]:
    return [f"warning: {refusal.message}", f"Operator action: {refusal.operator_action}"]


def _end_line(status: PlaybackStatus, trades: int, complete: bool) -> str:
    missed = f", {status.trades_missed:,} missed by disconnected clients" if status.trades_missed else ""
    return (
        f"{'end of recording' if complete else 'stopped before the end'}: "
        f"{status.trades_sent:,} of {trades:,} trades in {status.frames_sent:,} frames and "
        f"{status.wall_s:.1f} s ({status.trades_per_s:,.0f} trades/s){missed}"
    )
