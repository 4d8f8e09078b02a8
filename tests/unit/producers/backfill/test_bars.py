"""What a backfill sends, what it leaves as it is, and where it goes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from core.model.errors import TransportError
from core.model.frames import decode_frame
from core.model.records import BAR, NO_INSTRUMENT, TICK
from core.model.settings import KafkaSettings
from producers.backfill.bars import Filled, missing_bars, publish_day_bars, source_ranks
from producers.backfill.baseline import missing_sessions
from producers.backfill.log_reader import log_reader
from producers.metrics import ProducerCounters
from tests.support.fake_sender import KeepingSender, publisher_to
from tests.support.feed_samples import HISTORY, SOURCE, UNIVERSE
from tests.support.ports import free_port

RANKS = source_ranks(UNIVERSE, HISTORY)


def bars(*days: tuple[int, int, int], source: int = HISTORY.source_id) -> NDArray[np.void]:
    """Instrument, session, close."""
    result = np.zeros(len(days), BAR)
    for row, (instrument_id, session, close) in enumerate(days):
        result["instrument_id"][row], result["session"][row], result["close"][row] = (
            instrument_id, session, close,
        )  # fmt: skip
    result["source"] = source
    return result


def test_only_what_is_missing_or_corrected_is_sent() -> None:
    wanted = bars((1, 10, 100), (1, 11, 101), (1, 12, 102), (2, 10, 200))
    present = np.concatenate([bars((1, 10, 100), (1, 11, 999)), bars((1, 12, 103), source=SOURCE.source_id)])
    missing, filled = missing_bars(wanted, present, RANKS)
    assert missing[["instrument_id", "session"]].tolist() == [(1, 11), (2, 10)]
    assert filled == Filled(written=2, present=1, kept=1)
    nothing, again = missing_bars(wanted, np.concatenate([present[[0, 2]], missing]), RANKS)
    assert (len(nothing), again) == (0, Filled(written=0, present=3, kept=1))


def test_bars_go_home_under_the_key_a_worker_uses_oldest_first() -> None:
    sender = KeepingSender()
    steps: list[tuple[int, int]] = []
    publish_day_bars(
        bars((7, 19_916, 3), (7, 19_915, 2), (1, 19_915, 1)),
        publisher_to(sender, ProducerCounters("history")),
        4,
        lambda done, total: steps.append((done, total)),
    )
    assert [(each["key"], each["partition"]) for each in sender.records] == [
        (b"7/2024-07-11", 3),
        (b"1/2024-07-11", 1),
        (b"7/2024-07-12", 3),
    ]
    header, (bar,) = decode_frame(sender.records[0]["value"], BAR)
    assert (header.source, header.epoch, header.sequence) == (3, 0, 0)
    assert (bar["close"], bar["source"]) == (2, HISTORY.source_id)
    assert dict(sender.records[0]["headers"])["schema"] == b"bar/1"
    assert steps == [(3, 3)]


def ticks(*days: tuple[int, int]) -> NDArray[np.void]:
    result = np.zeros(len(days), TICK)
    result["instrument_id"], result["ts_event"] = zip(*days, strict=True)
    return result


def test_a_session_that_any_partition_lacks_is_sent_whole() -> None:
    records = ticks((1, 10), (2, 10), (NO_INSTRUMENT, 10), (1, 20), (2, 20), (NO_INSTRUMENT, 20))
    targets = {1: (1,), 2: (0, 1)}
    whole = {(1, 10), (2, 10), (NO_INSTRUMENT, 10)}
    missing = missing_sessions(records, targets, {0: {(2, 10), (NO_INSTRUMENT, 10)}, 1: whole})
    assert missing["ts_event"].tolist() == [20, 20, 20]
    missing = missing_sessions(records, targets, {0: {(2, 10)}, 1: whole})
    assert len(missing) == len(records), "partition 0 lacks the mark of the first session"
    assert len(missing_sessions(records[:3], targets, {0: whole, 1: whole})) == 0


def test_without_a_broker_a_reader_says_what_to_do() -> None:
    settings = KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}", bootstrap_timeout_ms=200)
    with pytest.raises(TransportError, match="start the broker, or correct the bootstrap servers"):
        log_reader(settings)
