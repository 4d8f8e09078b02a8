"""A log that has everything in it that could make a cut of it matter.

Two sources, two sessions after a warm start, and in between whatever the contract knows: late ticks,
gaps, halts, corrections, cancels, silence, official closes and their correction.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.model.records import NANOSECONDS_PER_SECOND as SECOND
from core.model.records import TickKind, Update
from tests.support.logs import OFFICIAL_CLOSE, LogBuilder
from tests.support.worlds import (
    BIG,
    COIN,
    COINS,
    DAY,
    ETH,
    FEED,
    GOO,
    MINUTE,
    OFFICIAL_WAIT_S,
    OPEN,
    SML,
    session_close,
    session_open,
)

BASELINE_DAYS = 70
SILENCE_S = (60, 150)
"""Seconds of the first session in which nothing arrives, not even a mark."""

_START_PRICE = {SML: 100.0, BIG: 200.0, GOO: 50.0, COIN: 1000.0, ETH: 70.0}
_LATENESS_NS = {FEED: SECOND, COINS: 2 * SECOND}
_SPIKE_DAYS_BACK = 3


def warm_start(seed: int = 0, days: int = BASELINE_DAYS) -> NDArray[np.void]:
    """Finished sessions; three days back SML made a high that BIG did not confirm, and fell back.

    Args:
        seed: Decides the noise.
        days: How many sessions; 63 are needed for that high.

    Returns:
        TICK (n,), kind BASELINE.
    """
    noise = random.Random(seed)
    log = LogBuilder()
    for back in range(days, 0, -1):
        closes = {row: start * (1 + noise.uniform(-0.002, 0.002)) for row, start in _START_PRICE.items()}
        if back == _SPIKE_DAYS_BACK:
            closes[SML] = 103.0
        if back == days - 1:
            closes[BIG] = 210.0
        log.baseline(OPEN - 5 * MINUTE - (back - 1) * DAY, closes)
    return log.records


class _Script:
    """What happens when, put in the order of the log at the end."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.log = LogBuilder()
        self._acts: list[tuple[int, int, Callable[[], None]]] = []

    def at(self, log_time_ns: int, act: Callable[[], None]) -> None:
        self._acts.append((log_time_ns, len(self._acts), act))

    def play(self) -> NDArray[np.void]:
        for _, _, act in sorted(self._acts, key=lambda entry: entry[:2]):
            act()
        return self.log.records

    def trade(self, ts_event: int, instrument: int, *, source: int = FEED, late_ns: int = 0) -> None:
        """A trade near where the instrument is heading; `late_ns` after its time."""
        price = self._price(instrument, ts_event)
        size = self.random.randrange(1, 500)
        update = self.random.choice([Update.ALL] * 8 + [Update.REGULAR | Update.VOLUME, Update.VOLUME])
        self.at(
            ts_event + late_ns,
            lambda: self.log.trade(ts_event, instrument, price, size, update=update, source=source),
        )

    def _price(self, instrument: int, ts_event: int) -> float:
        start = _START_PRICE[instrument]
        minutes = (ts_event - OPEN) / MINUTE
        # SML swings around one percent up, BIG around half a percent down: the condition flaps.
        drift = {SML: 0.011 + 0.008 * np.sin(4 * minutes + 2.2), BIG: -0.004, GOO: 0.002, ETH: 0.01}
        return start * (1 + float(drift.get(instrument, 0.0)) + self.random.uniform(-0.0005, 0.0005))


def rich_log(seed: int) -> NDArray[np.void]:
    """Two live sessions of two sources.

    Args:
        seed: Decides times, prices, sizes and which seconds get a mark.

    Returns:
        TICK (n,) in the order of the log.
    """
    script = _Script(seed)
    for session in range(2):
        _trading(script, session)
        _closing(script, session)
    _incidents(script)
    _coins(script)
    return script.play()


def _trading(script: _Script, session: int) -> None:
    noise, log = script.random, script.log
    first = session_open(session) - 5 * SECOND
    seconds = (session_close(session) - first) // SECOND
    for number in range(seconds):
        start = first + number * SECOND
        elapsed = number - 5
        if session == 0 and SILENCE_S[0] <= elapsed < SILENCE_S[1]:
            continue
        if noise.random() < 0.85:
            script.at(start, lambda start=start: log.mark(start))  # type: ignore[misc]
        for _ in range(noise.randrange(4)):
            script.trade(start + noise.randrange(SECOND), noise.choice([SML, BIG, GOO]))
        if noise.random() < 0.05 and elapsed > 10 and not SILENCE_S[0] <= elapsed < SILENCE_S[1] + 20:
            script.trade(start - 6 * SECOND, noise.choice([SML, BIG]), late_ns=7 * SECOND)


def _closing(script: _Script, session: int) -> None:
    close, log = session_close(session), script.log
    for instrument, after_ms, price in ((SML, 1_200, 101.4), (BIG, 2_500, 199.1), (SML, 20_000, 90.0)):
        ts_event = close + after_ms * SECOND // 1000
        script.at(
            ts_event,
            lambda ts_event=ts_event, instrument=instrument, price=price: log.official(  # type: ignore[misc]
                ts_event, instrument, price + session
            ),
        )
    for after_s in (0, 1, 2, 3, 5, 21, 40, OFFICIAL_WAIT_S + 1, OFFICIAL_WAIT_S + 30):
        script.at(
            close + after_s * SECOND,
            lambda after_s=after_s: log.mark(close + after_s * SECOND),  # type: ignore[misc]
        )


def _incidents(script: _Script) -> None:
    log, start, close = script.log, session_open(0), session_close(0)
    script.at(start + 30 * SECOND + 5, lambda: log.gap(start + 30 * SECOND))
    script.at(start + 40 * SECOND + 5, lambda: log.status(start + 40 * SECOND, GOO, halted=True))
    script.at(start + 52 * SECOND + 5, lambda: log.status(start + 52 * SECOND, GOO, halted=False))
    for second, kind, price, size in (
        (45, TickKind.CANCEL, 100.7, 30.0),
        (45, TickKind.CORRECTION, 100.9, 20.0),
        (170, TickKind.CANCEL, 101.0, 10.0),
    ):
        script.at(
            start + second * SECOND + 7,
            lambda second=second, kind=kind, price=price, size=size: log.add(  # type: ignore[misc]
                kind, start + second * SECOND, instrument=SML, price=price, size=size, update=Update.ALL
            ),
        )
    for instrument, price, ahead_s in ((77, 1.0, 0), (SML, -1.0, 0), (BIG, 200.0, 12), (COIN, 1.0, 0)):
        script.at(
            start + 35 * SECOND + 9,
            lambda instrument=instrument, price=price, ahead_s=ahead_s: log.trade(  # type: ignore[misc]
                start + (35 + ahead_s) * SECOND, instrument, price
            ),
        )
    script.at(close + 100 * SECOND, lambda: log.add(99, close))
    script.at(close + 100 * SECOND, lambda: log.mark(close))
    script.at(
        close + 100 * SECOND,
        lambda: log.add(TickKind.ADJUSTMENT, close, instrument=GOO, price=1.0, size=2.0),
    )
    script.at(
        session_open(1) + 90 * SECOND,
        lambda: log.official(close + 1_200_000_000, SML, 98.0, kind=TickKind.CORRECTION),
    )
    for second in (20, 21):  # the second time it is dead already
        script.at(
            session_open(1) + second * SECOND + 11,
            lambda: log.add(TickKind.SOURCE_CLOSED, session_open(1), source=COINS),
        )
    # Too late for the day's bar: it has been final since two seconds after the close.
    script.at(
        close + 41 * SECOND,
        lambda: log.add(
            TickKind.CORRECTION, close + 1_200_000_000, instrument=SML, price=99.0, update=OFFICIAL_CLOSE
        ),
    )
    # Right behind it, so that one frame may hold both.
    script.at(close + 41 * SECOND + 1, lambda: log.mark(close + 41 * SECOND))


def _coins(script: _Script) -> None:
    noise, log = script.random, script.log
    for second in range(-6, (session_close(1) - OPEN) // SECOND + 100, 3):
        start = OPEN + second * SECOND
        # Up to a second behind, so that sometimes one source leads and sometimes the other.
        behind = noise.randrange(SECOND)
        if not 1_200 + 19 <= second < 1_200 + 60:  # it is declared dead, and comes back
            script.at(start + behind, lambda start=start: log.mark(start, COINS))  # type: ignore[misc]
        if not 400 <= second < 500:
            script.trade(start + noise.randrange(3) * SECOND, COIN, source=COINS, late_ns=SECOND)
            if noise.random() < 0.7:
                script.trade(start + noise.randrange(SECOND), ETH, source=COINS, late_ns=SECOND)


class Features(NamedTuple):
    """What a log has in it, read from its records alone."""

    closed_seconds: int
    """Marks that close at least one second."""
    longest_silence_s: int
    """Longest stretch of event time inside a session of the exchange without trade or mark."""
    late: int
    gaps: int
    halts: int
    resumptions: int
    corrections: int
    cancels: int
    official_closes: int
    trades_of_second_session: int
    day_closes: int
    sources: int


def features_of(records: NDArray[np.void]) -> Features:
    """Look for everything a log should have.

    Args:
        records: TICK (n,).

    Returns:
        What was found.
    """
    trades = records[records["kind"] == TickKind.TRADE]
    marks = {source: -1 for source in _LATENESS_NS}
    closed = late = 0
    for record in records:
        source, ts_event = int(record["source"]), int(record["ts_event"])
        if source not in marks:
            continue
        watermark_s = (marks[source] - _LATENESS_NS[source]) // SECOND
        if record["kind"] == TickKind.CLOCK:
            closed += (ts_event - _LATENESS_NS[source]) // SECOND > watermark_s
            marks[source] = ts_event
        elif record["kind"] == TickKind.TRADE:
            late += ts_event // SECOND < watermark_s
    told = records[(records["source"] == FEED) & np.isin(records["kind"], [TickKind.TRADE, TickKind.CLOCK])]
    inside = told["ts_event"][(told["ts_event"] >= OPEN) & (told["ts_event"] < session_close(0))]
    statuses = records[records["kind"] == TickKind.STATUS]
    after_close = trades["ts_event"] >= session_close(0)
    return Features(
        closed_seconds=closed,
        longest_silence_s=int(np.diff(np.sort(inside)).max() // SECOND),
        late=late,
        gaps=int((records["kind"] == TickKind.GAP).sum()),
        halts=int((statuses["size"] > 0).sum()),
        resumptions=int((statuses["size"] == 0).sum()),
        corrections=int((records["kind"] == TickKind.CORRECTION).sum()),
        cancels=int((records["kind"] == TickKind.CANCEL).sum()),
        official_closes=int(((trades["update"] & Update.OFFICIAL > 0) & after_close).sum()),
        trades_of_second_session=int((trades["ts_event"] >= session_open(1)).sum()),
        day_closes=sum(int(marks[FEED]) > session_close(session) for session in range(2)),
        sources=len(set(records["source"].tolist())),
    )
