"""Daily files become baseline records, and those become frames where they belong."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.model.errors import ConfigurationError, HistoryError, UniverseError
from core.model.records import NO_INSTRUMENT, TickKind
from core.model.settings import HistoryFile
from producers.backfill.control_log import publish_baseline
from producers.backfill.warm_start import WarmStart, read_warm_start
from producers.feeds.base import empty_ticks
from producers.metrics import ProducerCounters
from tests.support.fake_sender import KeepingSender, publisher_to
from tests.support.feed_samples import HISTORY, UNIVERSE

CSV = "date,close,volume\n2024-07-09,200.5,10\n2024-07-10,201.25,20\n2024-07-11,202,30\n"


def files(folder: Path, **texts: str) -> list[HistoryFile]:
    for symbol, text in texts.items():
        (folder / f"{symbol}.csv").write_text(text)
    return [HistoryFile(symbol=symbol, file=folder / f"{symbol}.csv") for symbol in texts]


def read(history: list[HistoryFile], until: date = date(2024, 7, 10), source: str = "history") -> WarmStart:
    return read_warm_start(history, UNIVERSE, source_name=source, until=until)


def test_sessions_up_to_the_last_one_are_read(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    warm = read_warm_start(
        files(tmp_path, IWM=CSV, SPY=CSV),
        UNIVERSE,
        source_name="history",
        until=date(2024, 7, 10),
        on_progress=lambda done, total: steps.append((done, total)),
    )
    assert warm.records["instrument_id"].tolist() == [1, 2, NO_INSTRUMENT] * 2
    assert set(warm.records["kind"].tolist()) == {TickKind.BASELINE}
    assert set(warm.records["source"].tolist()) == {HISTORY.source_id}
    assert (warm.first, warm.last) == (date(2024, 7, 9), date(2024, 7, 10))
    assert steps == [(1, 2), (2, 2)]


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"IWM: .*none.csv cannot be read"):
        read([HistoryFile(symbol="IWM", file=tmp_path / "none.csv")])
    with pytest.raises(UniverseError, match=r"'IWN'.*IWM"):
        read(files(tmp_path, IWN=CSV))
    with pytest.raises(ConfigurationError, match=r"no source 'histroy'.*history"):
        read(files(tmp_path, IWM=CSV), source="histroy")
    with pytest.raises(HistoryError, match="on or before 2024-07-08"):
        read(files(tmp_path, IWM=CSV), until=date(2024, 7, 8))
    with pytest.raises(ConfigurationError, match="at least one"):
        read([])


def test_baselines_are_routed_as_ticks_are(tmp_path: Path) -> None:
    records = read(files(tmp_path, IWM=CSV, SPY=CSV, AAPL=CSV)).records
    sender = KeepingSender()
    steps: list[tuple[int, int]] = []
    sessions = publish_baseline(
        records,
        UNIVERSE,
        publisher_to(sender, ProducerCounters("history")),
        partitions=4,
        epoch=3,
        timeout_s=1,
        on_progress=lambda done, total: steps.append((done, total)),
    )
    assert sessions == 2
    assert steps == [(len(records), len(records))]
    # SPY (2) is a benchmark and goes everywhere, IWM (1) and AAPL (7) go home; marks go everywhere.
    expected = {0: [2], 1: [1, 2], 2: [2], 3: [2, 7]}
    for partition, instruments in expected.items():
        log = sender.log(partition)
        assert log["instrument_id"].tolist() == [*instruments, NO_INSTRUMENT] * 2
    headers = [header for frames in sender.frames().values() for header, _ in frames]
    assert {(header.source, header.epoch, header.sequence) for header in headers} == {(9, 3, 0)}


def test_no_records_are_no_sessions() -> None:
    sender = KeepingSender()
    publisher = publisher_to(sender, ProducerCounters("history"))
    assert publish_baseline(empty_ticks(), UNIVERSE, publisher, partitions=1, epoch=1, timeout_s=1) == 0
    assert sender.records == []
