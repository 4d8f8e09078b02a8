"""The demo's input: shipped or with other closes, as files, and how much room it takes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from core.model.errors import ConfigurationError, HistoryError
from core.model.instruments import parse_universe
from core.research.history import parse_daily
from core.runtime.files import UNIVERSE, read_text
from deploy.demo.inputs import Inputs, read_inputs
from deploy.local.embedded_broker import MAX_PARTITION_BYTES, require_input_fits
from producers.replay.demo import LAST_HISTORY_DAY
from tests.support.demo_log import demo_log

LOWERED = 2111.26


def closes_file(directory: Path, daily: pl.DataFrame) -> Path:
    path = directory / "closes.csv"
    daily.rename({"session": "date"}).write_csv(path)
    return path


def test_the_history_ends_before_the_recording_begins(tmp_path: Path) -> None:
    files = read_inputs(None).write_history(tmp_path)
    assert set(files) == {"RUT", "SPX", "SPY", "QQQ", "AAPL", "AMZN", "META", "MSFT", "NVDA", "TSLA"}
    frame = parse_daily(files["RUT"].read_bytes(), "RUT", format="parquet")
    assert (frame["date"][0], frame["date"][-1]) == (date(1990, 1, 2), LAST_HISTORY_DAY)


def test_other_closes_reach_the_recording_and_the_history(tmp_path: Path) -> None:
    is_the_day = (pl.col("symbol") == "RUT") & (pl.col("session") == date(2024, 7, 11))
    daily = read_inputs(None).daily.with_columns(
        pl.when(is_the_day).then(LOWERED).otherwise(pl.col("close")).alias("close")
    )
    inputs = read_inputs(closes_file(tmp_path, daily))
    trades = inputs.recording.trades
    assert (trades["price"] == round(LOWERED * 1e9)).sum() == 1
    assert inputs.daily.height == daily.height


def test_closes_without_a_history_are_refused(tmp_path: Path) -> None:
    daily = read_inputs(None).daily.filter(pl.col("session") > LAST_HISTORY_DAY)
    with pytest.raises(HistoryError, match="no close up to 2024-07-05"):
        read_inputs(closes_file(tmp_path, daily))


def test_the_estimate_is_above_what_the_log_takes_and_fits_the_embedded_broker() -> None:
    universe = parse_universe(read_text(None, UNIVERSE))
    estimate = read_inputs(None).bytes_by_partition(universe, 4)
    for partition, payloads in demo_log(4).items():
        assert sum(map(len, payloads)) < estimate[partition] <= MAX_PARTITION_BYTES
    require_input_fits(estimate)


def test_input_that_would_lose_its_beginning_is_refused() -> None:
    universe = parse_universe(read_text(None, UNIVERSE))
    inputs = read_inputs(None)
    longer = Inputs(inputs.recording, pl.concat([inputs.daily] * 5), None)
    with pytest.raises(ConfigurationError, match="the embedded broker keeps 4 MB"):
        require_input_fits(longer.bytes_by_partition(universe, 4))
