"""The demo on a terminal: a live display that shows the clock, relative strength, and events as they open.

It is drawn on the terminal's alternate screen, each time as a whole, so that a change of the terminal's
size leaves nothing behind. The last picture stays on the normal screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from consumers.inspect.event_lines import legs_moved, per_year
from consumers.inspect.event_lines import summary as summary_of_event
from deploy.demo.board import TITLE_LINES, board
from deploy.demo.fitting import fitting_parts, whole_words
from deploy.demo.progress import Progress, Summary, View
from deploy.demo.readings import ReadEvent
from deploy.demo.story import how_often, rarity_order, when
from deploy.demo.summary import summary_lines

WIDE: Final = 124
"""From here on an event takes one line; on a narrower terminal it takes two."""
TALL: Final = 30
"""From here on there is room for the line that explains ticks and trades."""
FRAMES_PER_S: Final = 8
GLOSSARY: Final = (
    "a trade is a line of the recording; ticks are trades, history and clock marks, "
    "benchmarks' once for every partition"
)
_FRAME: Final = 4
"""Columns that a panel takes for its border and padding."""
_HEAD_LINES: Final = 5
_LEAST_STORY_LINES: Final = 4
_NS_PER_SECOND: Final = 1_000_000_000
_COLUMNS: Final = (("time, UTC", 16), ("state", 11), ("legs", 26), ("how often", 12))
_STATE_STYLES: Final = {"opened": "bold green", "candidate": "yellow", "withdrawn": "dim", "resolved": "dim"}


class Screen(View):
    """Shows a demo on a terminal.

    Args:
        console: The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress()
        self._events: list[ReadEvent] = []
        self._milestones: list[str] = []
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(
            console=console, get_renderable=self.picture, refresh_per_second=FRAMES_PER_S, screen=True
        )

    def __enter__(self) -> Self:
        """Take over the terminal."""
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Give the terminal back, with the milestones and the last picture on it."""
        self._live.stop()
        for text in self._milestones:
            self._console.print(Text(text, style="dim"))
        self._console.print(self.picture())

    @override
    def milestone(self, text: str) -> None:
        """It is printed when the display ends."""
        self._milestones.append(text)

    @override
    def show(self, progress: Progress) -> None:
        """A separate thread draws the display."""
        self._progress = progress

    @override
    def event(self, event: ReadEvent) -> None:
        self._events.append(event)

    @override
    def finished(self, summary: Summary) -> None:
        self._console.print()
        for line in summary_lines(summary):
            self._console.print(line, soft_wrap=True, highlight=False, markup=False)

    def picture(self) -> RenderableType:
        """Return the current display, as large as the terminal at most."""
        progress = self._progress
        width, height = self._console.size
        head_lines = _HEAD_LINES + (height >= TALL)
        parts: list[RenderableType] = [self._head(progress, width, height)]
        left = height - head_lines
        rows = min(len(progress.ratios), left - TITLE_LINES - _LEAST_STORY_LINES)
        if progress.clock_ns is not None and rows > 0:
            parts.append(board(progress, width, rows))
            left -= TITLE_LINES + rows
        if left > 2:
            parts.append(self._story(width, left - 2))
        return Group(*parts)

    def _head(self, progress: Progress, width: int, height: int) -> RenderableType:
        """Render the clock, the progress of the recording, and the stream's figures."""
        inner = max(1, width - _FRAME)
        clock = "no event time yet"
        if progress.clock_ns is not None:
            instant = datetime.fromtimestamp(progress.clock_ns // _NS_PER_SECOND, UTC)
            clock = f"{instant:%a %Y-%m-%d  %H:%M:%S} UTC"
        self._spinner.update(text=Text(whole_words(f" {progress.phase}", inner - 1), no_wrap=True))
        figures = [
            f"ticks/s {progress.ticks_per_s:,.0f}",
            f"ticks {progress.ticks:,}",
            f"lag {progress.lag_records:,} frames, {progress.lag_s:,.0f} s",
            f"frames {progress.frames:,}",
            progress.metrics_url,
        ]
        lines: list[RenderableType] = [
            self._spinner,
            _sent(progress, inner),
            Text(fitting_parts(figures, inner), no_wrap=True),
        ]
        if height >= TALL:
            lines.append(Text(whole_words(GLOSSARY, inner), style="dim", no_wrap=True))
        title = whole_words(f"Rotascope   {clock}", max(1, width - 6))
        return Panel(Group(*lines), title=title, title_align="left", border_style="cyan")

    def _story(self, width: int, lines: int) -> RenderableType:
        """Render the latest events, oldest first; openings are kept longer."""
        inner = max(1, width - _FRAME)
        content = (
            self._one_line_events(inner, lines) if width >= WIDE else self._two_line_events(inner, lines)
        )
        title = f"events ({len(self._events)})" if self._events else "events: none yet"
        return Panel(
            content, title=whole_words(title, inner), title_align="left", border_style="dim", height=lines + 2
        )

    def _one_line_events(self, inner: int, lines: int) -> RenderableType:
        table = Table(box=None, padding=(0, 1), header_style="dim", pad_edge=False)
        room = inner
        for heading, columns in _COLUMNS:
            table.add_column(heading, no_wrap=True, width=columns)
            room -= columns + 1
        table.add_column("what", no_wrap=True)
        for event in latest(self._events, lines - 1):
            data = event.data
            table.add_row(
                *_cells(data),
                whole_words(summary_of_event(data), room - len(_COLUMNS)),
                style=_STATE_STYLES.get(data["state"], ""),
            )
        return table

    def _two_line_events(self, inner: int, lines: int) -> RenderableType:
        parts: list[RenderableType] = []
        for event in latest(self._events, lines // 2):
            data = event.data
            style = _STATE_STYLES.get(data["state"], "")
            named = list(_cells(data))
            parts.append(Text(fitting_parts(named, inner, "  "), style=style, no_wrap=True))
            summary = whole_words(f"  {summary_of_event(data)}", inner)
            parts.append(Text(summary, style=style, no_wrap=True))
        return Group(*parts)


def latest(events: Sequence[ReadEvent], rows: int) -> list[ReadEvent]:
    """Select the rows to show: half for the rarest openings, the rest for the newest events.

    Args:
        events: Events in order.
        rows: Number of available rows.

    Returns:
        At most `rows` events, in order.
    """
    opened = [number for number, event in enumerate(events) if event.data["state"] == "opened"]
    # Of equally rare openings the newer one is shown.
    opened.sort(key=lambda number: (rarity_order(events[number].data), -number))
    chosen = set(opened[: rows // 2])
    others = [number for number in range(len(events)) if number not in chosen]
    chosen.update(others[max(0, len(others) + len(chosen) - rows) :])
    return [events[number] for number in sorted(chosen)]


def _cells(data: Any) -> tuple[str, ...]:
    """Return the cells of `_COLUMNS`; legs name their symbols, so the pair is not repeated."""
    known = per_year(data) is not None
    return when(data), data["state"], legs_moved(data), how_often(data) if known else ""


def _sent(progress: Progress, inner: int) -> RenderableType:
    """Render how much of the recording has been sent: in figures, with a bar where there is room."""
    figures = fitting_parts([f"{progress.trades_sent:,} of {progress.trades:,} trades"], inner)
    share = progress.trades_sent / progress.trades if progress.trades else 0.0
    room = inner - len(figures) - 1
    if room < _FRAME:
        return Text(figures, no_wrap=True)
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=room)
    grid.add_column(no_wrap=True)
    bar = ProgressBar(total=1.0, completed=share, complete_style="cyan", finished_style="green", width=room)
    grid.add_row(bar, figures)
    return grid
