"""Runs a replay server until all clients are served or it is stopped."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from core.runtime.signals import stop_event
from producers.replay.recording import Recording
from producers.replay.report import PlaybackReport, PlaybackStatus, Start
from producers.replay.server import ReplayServer
from producers.replay.settings import ReplaySettings

REPORT_INTERVAL_S: Final = 0.5


async def run_server(recording: Recording, settings: ReplaySettings, report: PlaybackReport) -> bool:
    """Serve a recording.

    Args:
        recording: The recording to play.
        settings: Address, keys, pace.
        report: Receives the progress.

    Returns:
        Whether the recording was played to its end; SIGINT and SIGTERM stop it early.

    Raises:
        ConfigurationError: The server cannot listen on the address.
    """
    with stop_event() as stop:
        async with ReplayServer(recording, settings, on_refusal=report.refused) as server:
            report.started(_start(recording, settings, server))
            return await _watch(server, report, stop)


async def _watch(server: ReplayServer, report: PlaybackReport, stop: asyncio.Event) -> bool:
    served = asyncio.create_task(server.wait_served())
    stopped = asyncio.create_task(stop.wait())
    started_wall_s: float | None = None
    try:
        while True:
            done, _ = await asyncio.wait(
                {served, stopped}, timeout=REPORT_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED
            )
            if started_wall_s is None and server.trades_sent:
                started_wall_s = time.monotonic() - REPORT_INTERVAL_S / 2
            wall_s = 0.0 if started_wall_s is None else time.monotonic() - started_wall_s
            status = PlaybackStatus(
                server.trades_sent, server.frames_sent, server.trades_missed, server.ts_event_ns, wall_s
            )
            if done:
                report.ended(status, complete=served.done())
                return served.done()
            report.progress(status)
    finally:
        served.cancel()
        stopped.cancel()


def _start(recording: Recording, settings: ReplaySettings, server: ReplayServer) -> Start:
    instants = recording.trades["ts_event"]
    return Start(
        server.url(),
        server.port,
        len(recording),
        recording.symbols_traded(),
        int(instants[0]),
        int(instants[-1]),
        settings.speed,
    )
