"""All dashboards, and the files they are written to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.grafana import events, feeds, forwarders, instrument, pipeline, rotation
from deploy.grafana.board import Board

DIRECTORY: Final = Path(__file__).parent / "dashboards"


def boards() -> tuple[Board, ...]:
    """Return all dashboards, the desk's first."""
    desk = (rotation.board(), instrument.board(), events.board())
    return (*desk, pipeline.board(), feeds.board(), forwarders.board())


def files() -> Mapping[Path, str]:
    """Return the text of each generated file."""
    return {DIRECTORY / f"{board.name}.json": board.json() for board in boards()}
