"""Daily state on Apache Kafka: files into day bars, day bars into a log that begins warm."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from consumers.worker.run import engine_factory
from core.engine.samples import all_samples
from core.model.frames import decode_frame
from core.model.records import BAR, NO_INSTRUMENT
from core.model.settings import HistoryFile, KafkaSettings, Settings
from deploy.kafka.broker import LocalKafka
from producers.backfill import bars as backfill_bars
from producers.backfill import baseline as backfill_baseline
from producers.backfill.bars import Filled, run_backfill_bars
from producers.backfill.baseline import Warmed, run_backfill_baseline
from producers.backfill.history import run_backfill
from tests.support.demo_log import TICKS_SOURCE, demo_log, demo_universe
from tests.support.engine_events import engine_event_ids
from tests.support.kafka_broker import TEST_PARTITIONS, reset_topics
from tests.support.kafka_log import TICKS, event_ids, publish, read
from tests.support.program import StartedProgram
from tests.support.shared_data import shared_data
from tests.support.worker_process import WorkerProcess

pytestmark = pytest.mark.integration

DAY_BARS = "rotascope.bars.1d"
UNTIL = date(2024, 7, 5)
SESSIONS = 300
TWO_DAYS_NS = 1_720_584_000_000_000_000
"""2024-07-10 04:00 UTC: the first two of the demo's eight days; the second is not final yet."""

FILES = {"RUT": "RUT", "SPX": "GSPC", "SPY": "SPY", "AAPL": "AAPL_yahoo"}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[HistoryFile, ...]:
    """The last sessions before the demo, one instrument as Parquet."""
    folder = tmp_path_factory.mktemp("history")
    files = []
    for symbol, name in FILES.items():
        frame = pl.read_csv(shared_data(f"daily/{name}.csv"), try_parse_dates=True)
        frame = frame.filter(pl.col(frame.columns[0]) <= UNTIL).tail(SESSIONS)
        file = folder / f"{symbol}.{'parquet' if symbol == 'SPY' else 'csv'}"
        frame.write_parquet(file) if file.suffix == ".parquet" else frame.write_csv(file)
        files.append(HistoryFile(symbol=symbol, file=file))
    return tuple(files)


@pytest.fixture(scope="module")
def settings(kafka: LocalKafka, history: tuple[HistoryFile, ...]) -> Settings:
    reset_topics(kafka)
    reach = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, partitions=TEST_PARTITIONS)
    return Settings(history=history, kafka=reach)


class Interrupted:
    """A producer that goes on for so many records; then somebody presses Ctrl-C."""

    def __init__(self, producer: Any, records: int) -> None:
        self._producer = producer
        self._left = records

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def send(self, *arguments: Any, **rest: Any) -> Any:
        if self._left == 0:
            self._producer.flush(10)
            raise KeyboardInterrupt
        self._left -= 1
        return self._producer.send(*arguments, **rest)


def _interrupt(monkeypatch: pytest.MonkeyPatch, module: Any, records: int) -> None:
    usual = module.open_producer
    monkeypatch.setattr(module, "open_producer", lambda settings: Interrupted(usual(settings), records))


def _keys(kafka: LocalKafka) -> list[bytes | None]:
    return [record.key for record in read(kafka, [DAY_BARS])]


def test_an_interrupted_backfill_goes_on_and_a_second_one_adds_nothing(
    kafka: LocalKafka, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    universe, total = demo_universe(), len(FILES) * SESSIONS
    with monkeypatch.context() as patch:
        _interrupt(patch, backfill_bars, records=len(universe.instruments) + 500)
        with pytest.raises(KeyboardInterrupt):
            run_backfill_bars(universe, settings, None)
    assert len(_keys(kafka)) == 500
    assert run_backfill_bars(universe, settings, None) == Filled(total - 500, 500, 0)
    assert run_backfill_bars(universe, settings, None) == Filled(0, total, 0)
    keys = _keys(kafka)
    assert len(keys) == len(set(keys)) == total
    for record in read(kafka, [DAY_BARS]):
        _, (bar,) = decode_frame(record.value, BAR)
        assert int(bar["instrument_id"]) % TEST_PARTITIONS == record.partition
    reach = ["--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(TEST_PARTITIONS)]
    rut = settings.history[0].file
    aapl = settings.history[3].file
    with StartedProgram("backfill", "csv", f"RUT={rut}", *reach) as program:
        assert program.wait() == 0, program.errors
    assert program.output == ["published 0 daily bars, 300 already existed, 0 are kept from a worker\n"]
    corrected = tmp_path / "AAPL.csv"
    last = pl.col("date") == UNTIL.isoformat()
    pl.read_csv(aapl).with_columns(
        pl.when(last).then(4_711).otherwise(pl.col("volume")).alias("volume")
    ).write_csv(corrected)
    with StartedProgram("backfill", "csv", f"AAPL={corrected}", *reach) as program:
        assert program.wait() == 0, program.errors
    assert program.output == ["published 1 daily bars, 299 already existed, 0 are kept from a worker\n"]


def _log(kafka: LocalKafka) -> dict[int, list[bytes]]:
    log: dict[int, list[bytes]] = {partition: [] for partition in range(TEST_PARTITIONS)}
    for record in read(kafka, [TICKS]):
        log[record.partition].append(record.value)
    return log


def _state(log: dict[int, list[bytes]]) -> list[list[object]]:
    """What engines that step the log say of every value."""
    make_engine = engine_factory(Settings())
    state: list[list[object]] = []
    for partition, payloads in log.items():
        engine = make_engine(partition, TEST_PARTITIONS)
        for offset, payload in enumerate(payloads):
            assert engine.step(payload, offset).dead_letters == []
        # How often a record came is another matter.
        samples = all_samples(engine.expose())
        state.append([repr(each) for each in samples if not each.name.endswith("_total")])
    return state


@pytest.fixture(scope="module")
def direct(kafka: LocalKafka, settings: Settings) -> list[list[object]]:
    """State of engines warmed by the files themselves."""
    reset_topics(kafka)
    run_backfill(demo_universe(), settings, until=UNTIL, epoch=1)
    state = _state(_log(kafka))
    reset_topics(kafka)
    run_backfill_bars(demo_universe(), settings, None)
    return state


def test_a_log_begins_warm_from_the_day_bars_however_often_it_is_tried(
    kafka: LocalKafka, settings: Settings, direct: list[list[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    universe = demo_universe()
    with monkeypatch.context() as patch:
        _interrupt(patch, backfill_baseline, records=3)
        with pytest.raises(KeyboardInterrupt):
            run_backfill_baseline(universe, settings, until=UNTIL, epoch=1)
    frames = sum(map(len, _log(kafka).values()))
    assert frames == 3
    warmed = run_backfill_baseline(universe, settings, until=UNTIL, epoch=2)
    assert warmed.published + warmed.present == SESSIONS
    log = _log(kafka)
    again = run_backfill_baseline(universe, settings, until=UNTIL, epoch=3)
    assert again == Warmed(0, SESSIONS)
    assert _log(kafka) == log, "a second run adds nothing"
    assert _state(log) == direct
    places = {record.offset for record in read(kafka, [DAY_BARS])}
    _, ticks = decode_frame(log[0][0])
    assert set(ticks["trade_id"][ticks["instrument_id"] != NO_INSTRUMENT].tolist()) <= places


def test_only_days_up_to_the_last_session_enter_the_log(
    kafka: LocalKafka, settings: Settings, direct: list[list[object]]
) -> None:
    warmed = run_backfill_baseline(demo_universe(), settings, until=date(2024, 6, 28), epoch=4)
    assert warmed == Warmed(0, SESSIONS - 4)


def test_a_worker_starts_warm_and_its_own_days_outrank_a_file(
    kafka: LocalKafka, settings: Settings, tmp_path: Path
) -> None:
    reset_topics(kafka)
    universe = demo_universe()
    run_backfill_bars(universe, settings, None)
    run_backfill_baseline(universe, settings, until=UNTIL, epoch=1)
    days = {
        partition: [each for each in payloads if decode_frame(each)[0].source == TICKS_SOURCE]
        for partition, payloads in demo_log(TEST_PARTITIONS, before_ns=TWO_DAYS_NS).items()
    }
    publish(kafka, days)
    expected = engine_event_ids(_log(kafka), TEST_PARTITIONS)
    reach = ["--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(TEST_PARTITIONS)]
    with WorkerProcess(*reach, "--group-id", "daily", "--until", "idle") as worker:
        assert worker.wait() == 0, worker.errors
    assert sorted(event_ids(kafka)) == sorted(expected)
    assert len(expected) > 0
    own = [key for key in _keys(kafka) if key is not None and key.endswith(b"/2024-07-08")]
    assert len(own) == len(set(own)) == len(universe.instruments)
    file = tmp_path / "RUT.csv"
    file.write_text("date,close\n2024-07-05,2026.73\n2024-07-08,2000.0\n")
    changed = settings.model_copy(update={"history": (HistoryFile(symbol="RUT", file=file),)})
    filled = run_backfill_bars(universe, changed, None)
    assert filled.kept == 1, "whoever saw the trades knows the day better"
