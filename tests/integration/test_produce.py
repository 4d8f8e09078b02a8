"""`rotascope produce alpaca` as an operator runs it: replay server in, Apache Kafka out."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
from kafka import KafkaConsumer, TopicPartition
from numpy.typing import NDArray

from core.model.frames import decode_frame
from core.model.instruments import parse_universe
from core.model.records import NO_INSTRUMENT, TickKind
from core.model.routing import routes
from core.runtime.files import UNIVERSE, read_text
from deploy.kafka.broker import LocalKafka
from producers.replay.demo import demo_recording
from tests.support.kafka_broker import TEST_PARTITIONS
from tests.support.program import StartedProgram
from tests.support.shared_data import shared_data

pytestmark = [pytest.mark.integration, pytest.mark.slow]

TICKS = "rotascope.ticks.v1"
KEYS = {"ROTASCOPE_ALPACA_KEY": "replay", "ROTASCOPE_ALPACA_SECRET": "replay"}
DEADLINE_S = 60.0


@pytest.fixture
def replay() -> Iterator[StartedProgram]:
    with StartedProgram("replay", "serve", "bars", "--port", "0", "--speed", "0", "--repeat") as program:
        yield program


def url(replay: StartedProgram) -> str:
    found = re.search(r"ws://\S+", replay.said("listening on"))
    assert found is not None
    return found[0]


def produce(kafka: LocalKafka, address: str, *arguments: str, keys: dict[str, str] = KEYS) -> StartedProgram:
    return StartedProgram(
        "produce", "alpaca", "--url", address, "--bootstrap-servers", kafka.bootstrap_servers,
        "--partitions", str(TEST_PARTITIONS), "--clock", "recorded", "--metrics-port", "0", *arguments,
        environment=keys,
    )  # fmt: skip


def read_log(kafka: LocalKafka) -> dict[int, list[tuple[int, int, int, NDArray[np.void]]]]:
    """Source, epoch, sequence and records of every frame, by partition."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap_servers)
    try:
        places = [TopicPartition(TICKS, partition) for partition in range(TEST_PARTITIONS)]
        consumer.assign(places)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(places)
        log: dict[int, list[tuple[int, int, int, NDArray[np.void]]]] = {p: [] for p in range(TEST_PARTITIONS)}
        deadline = time.monotonic() + DEADLINE_S
        while any(consumer.position(place) < ends[place] for place in places):
            assert time.monotonic() < deadline
            for place, records in consumer.poll(timeout_ms=500).items():
                for record in records:
                    assert dict(record.headers)["schema"] == b"tick/1"
                    header, ticks = decode_frame(record.value)
                    log[place.partition].append((header.source, header.epoch, header.sequence, ticks))
        return log
    finally:
        consumer.close()


def ticks_of(
    log: dict[int, list[tuple[int, int, int, NDArray[np.void]]]], epoch: int
) -> list[list[tuple[int, ...]]]:
    """Everything but the receive time, by partition."""
    names = ["ts_event", "price", "size", "trade_id", "instrument_id", "update", "kind", "source"]
    return [
        [row for _, of, _, ticks in frames if of == epoch for row in ticks[names].tolist()]
        for _, frames in sorted(log.items())
    ]


@pytest.mark.usefixtures("kafka_with_topics")
def test_a_recording_arrives_whole_in_both_codecs(kafka: LocalKafka, replay: StartedProgram) -> None:
    address = url(replay)
    for epoch, codec in ((1, "json"), (2, "msgpack")):
        with produce(kafka, address, "--codec", codec, "--epoch", str(epoch)) as program:
            assert program.wait() == 0, program.errors
        assert program.output[-1].startswith("end of recording: 26,371 ticks")
    log = read_log(kafka)
    by_json, by_msgpack = ticks_of(log, 1), ticks_of(log, 2)
    # The second producer takes over from the first, and says so before anything else.
    assert {rows[0][-2] for rows in by_msgpack} == {TickKind.GAP}
    assert by_json == [rows[1:] for rows in by_msgpack]

    recording = demo_recording()
    universe = parse_universe(read_text(None, UNIVERSE))
    ids = np.array([universe.instrument(symbol).instrument_id for symbol in recording.symbols])
    of_trade = ids[recording.trades["symbol"]]
    targets = routes(universe, TEST_PARTITIONS)
    for partition, frames in log.items():
        ticks = np.concatenate([ticks for _, epoch, _, ticks in frames if epoch == 1])
        trades = ticks[ticks["kind"] == TickKind.TRADE]
        mine = np.isin(of_trade, [each for each, to in targets.items() if partition in to])
        assert trades["ts_event"].tolist() == recording.trades["ts_event"][mine].tolist()
        assert trades["price"].tolist() == recording.trades["price"][mine].tolist()
        marks = ticks[ticks["kind"] == TickKind.CLOCK]["ts_event"]
        assert np.all(np.diff(marks) > 0)
        assert marks[-1] > recording.trades["ts_event"][-1] + 900 * 10**9
        sequences = [sequence for _, epoch, sequence, _ in frames if epoch == 1]
        assert sequences == list(range(len(sequences)))


@pytest.mark.usefixtures("kafka_with_topics")
def test_a_warm_start_stands_before_the_first_tick(kafka: LocalKafka, replay: StartedProgram) -> None:
    rut, spx = shared_data("daily/RUT.csv"), shared_data("daily/GSPC.csv")
    history = ["--history", f"RUT={rut}", "--history", f"SPX={spx}", "--history-until", "2024-07-05"]
    with produce(kafka, url(replay), *history, "--epoch", "1") as program:
        assert program.wait() == 0, program.errors
    for frames in read_log(kafka).values():
        sources = [source for source, *_ in frames]
        assert sources == sorted(sources, reverse=True)  # history is 900, the feed is 1
        baseline = np.concatenate([ticks for source, _, _, ticks in frames if source == 900])
        ends = baseline[baseline["instrument_id"] == NO_INSTRUMENT]
        assert set(baseline["kind"].tolist()) == {TickKind.BASELINE}
        assert len(ends) > 8_000
        assert int(ends["ts_event"][-1]) // 10**9 == 1_720_209_600  # 2024-07-05 16:00 in New York


@pytest.mark.usefixtures("kafka_with_topics")
def test_a_wrong_key_is_refused_for_good_at_once(kafka: LocalKafka, replay: StartedProgram) -> None:
    wrong = KEYS | {"ROTASCOPE_ALPACA_SECRET": "wrong"}
    with produce(kafka, url(replay), keys=wrong) as program:
        assert program.wait() == 78
    errors = "".join(program.errors)
    assert "code 402" in errors
    assert "Operator action: check ROTASCOPE_ALPACA_KEY" in errors
    assert "wrong" not in errors
    assert "retry" not in errors
    assert all(frames == [] for frames in read_log(kafka).values())


@pytest.mark.usefixtures("kafka_with_topics")
def test_a_stop_sends_everything_that_was_read(kafka: LocalKafka) -> None:
    with (
        StartedProgram("replay", "serve", "bars", "--port", "0", "--speed", "3000") as replay,
        produce(kafka, url(replay)) as program,
    ):
        port = re.search(r'"port": (\d+)', program.said("serving metrics"))
        assert port is not None
        deadline = time.monotonic() + DEADLINE_S
        while metric(int(port[1]), "rotascope_producer_ticks_total") < 300:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        program.terminate()
        assert program.wait() == 0, program.errors
    stopped = re.match(r"stopped: ([\d,]+) ticks", program.output[-1])
    assert stopped is not None
    trades = {
        (int(tick["instrument_id"]), int(tick["trade_id"]), int(tick["ts_event"]))
        for frames in read_log(kafka).values()
        for _, _, _, ticks in frames
        for tick in ticks[ticks["kind"] == TickKind.TRADE]
    }
    assert len(trades) == int(stopped[1].replace(",", ""))


def metric(port: int, name: str) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
        for line in page.read().decode().splitlines():
            if line.startswith(name + "{"):
                return float(line.split()[-1])
    return 0.0
