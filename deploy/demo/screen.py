"""The live screen: clock, relative strength by window, events as they open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

from rich.align import Align
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
from deploy.demo.progress import Progress, Summary, View
from deploy.demo.readings import ReadEvent
from deploy.demo.story import how_often, rarity_order, when
from deploy.demo.summary import summary_lines

WINDOWS: Final = ("1m", "5m", "15m", "1h", "1d", "5d", "21d", "63d", "252d", "week", "month", "year")
NARROW_WINDOWS: Final = ("5m", "15m", "1h", "1d", "5d", "21d", "252d", "year")
WIDE: Final = 124
"""Minimum number of columns that fits all windows."""
FRAMES_PER_S: Final = 8
_NS_PER_SECOND: Final = 1_000_000_000
_EVENT_COLUMNS: Final = (
    ("time, UTC", 16, True),
    ("state", 11, True),
    ("legs", 26, True),
    ("how often", 12, False),
)
"""Heading, width, and whether a narrow terminal has it too."""
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
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(
            console=console, get_renderable=self.picture, refresh_per_second=FRAMES_PER_S, transient=False
        )

    def __enter__(self) -> Self:
        """Take over the lower part of the terminal."""
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave the last frame on the screen."""
        self._live.stop()

    @override
    def milestone(self, text: str) -> None:
        """It is printed above the live display."""
        self._live.console.print(Text(text, style="dim"))

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
        """Return the current display."""
        progress = self._progress
        board = self._board(progress)
        parts: list[RenderableType] = [self._head(progress)]
        if progress.clock_ns is not None:
            parts.append(board)
        room = self._console.height - len(progress.ratios) - 14
        parts.append(self._story(max(3, room)))
        return Group(*parts)

    def _head(self, progress: Progress) -> RenderableType:
        """Render the clock, the progress of the recording, and the stream's figures."""
        clock = Text("no event time yet", style="dim")
        if progress.clock_ns is not None:
            instant = datetime.fromtimestamp(progress.clock_ns // _NS_PER_SECOND, UTC)
            clock = Text(f"{instant:%a %Y-%m-%d  %H:%M:%S} UTC", style="bold")
        self._spinner.update(text=Text(f" {progress.phase}"))
        share = progress.trades_sent / progress.trades if progress.trades else 0.0
        grid = Table.grid(expand=True, padding=(0, 1))
        grid.add_column(ratio=1)
        grid.add_column(justify="right")
        grid.add_row(clock, self._spinner)
        grid.add_row(
            ProgressBar(total=1.0, completed=share, complete_style="cyan", finished_style="green"),
            f"{progress.trades_sent:,} of {progress.trades:,} trades",
        )
        figures = Text.assemble(
            ("ticks/s ", "dim"), f"{progress.ticks_per_s:>8,.0f}",
            ("   ticks ", "dim"), f"{progress.ticks:>8,}",
            ("   frames ", "dim"), f"{progress.frames:>6,}",
            ("   lag ", "dim"), f"{progress.lag_records:,} frames, {progress.lag_s:,.0f} s",
        )  # fmt: skip
        grid.add_row(figures, Text(progress.metrics_url, style="dim"))
        return Panel(grid, title="Rotascope", title_align="left", border_style="cyan")

    def _board(self, progress: Progress) -> RenderableType:
        """Render the change of each pair's strength line by window, in percent."""
        windows = WINDOWS if self._console.width >= WIDE else NARROW_WINDOWS
        table = Table(
            title="relative strength, % (numerator against benchmark)",
            title_justify="left",
            title_style="dim",
            box=None,
            padding=(0, 1),
            header_style="dim",
        )
        table.add_column("pair", no_wrap=True)
        table.add_column("ratio", justify="right", no_wrap=True)
        for window in windows:
            table.add_column(window, justify="right", min_width=6, no_wrap=True)
        for (pair,), ratio in progress.ratios.items():
            cells = [_percent(progress.strength.get((pair, window))) for window in windows]
            table.add_row(Text(pair, style="bold"), f"{ratio:.4f}", *cells)
        return Align.left(table)

    def _story(self, rows: int) -> RenderableType:
        """Render the latest events, oldest first; the rarest openings are kept longest."""
        table = Table(box=None, padding=(0, 1), header_style="dim", expand=True)
        columns = [each for each in _EVENT_COLUMNS if self._console.width >= WIDE or each[2]]
        for heading, width, _ in columns:
            table.add_column(heading, no_wrap=True, width=width)
        table.add_column("what", no_wrap=True, overflow="ellipsis", ratio=1)
        for event in latest(self._events, rows):
            data = event.data
            cells = _cells(data)
            table.add_row(
                *(cells[heading] for heading, _, _ in columns),
                summary_of_event(data),
                style=_STATE_STYLES.get(data["state"], ""),
            )
        title = f"events ({len(self._events)})" if self._events else "events: none yet"
        return Panel(table, title=title, title_align="left", border_style="dim")


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


def _cells(data: Any) -> dict[str, str]:
    """Cells of an event by heading; legs name their symbols, so the pair is not repeated."""
    return {
        "time, UTC": when(data),
        "state": data["state"],
        "legs": legs_moved(data),
        "how often": how_often(data) if per_year(data) is not None else "",
    }


def _percent(value: float | None) -> Text:
    if value is None:
        return Text("·", style="dim")
    if abs(value) < 0.005:
        return Text("0.00", style="dim")
    return Text(f"{value:+.2f}", style="green" if value > 0 else "red")
