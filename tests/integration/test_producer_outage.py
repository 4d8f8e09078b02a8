"""A producer whose broker goes away: what it holds comes in order, and what it drops has its gap mark."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from kafka import KafkaConsumer, TopicPartition
from numpy.typing import NDArray

from core.model.frames import FrameHeader, decode_frame
from core.model.records import NANOSECONDS_PER_SECOND, GapCause, TickKind
from deploy.kafka.broker import LocalKafka
from deploy.kafka.cluster import connect
from tests.support.kafka_broker import TEST_PARTITIONS
from tests.support.live_vendor import LiveVendor
from tests.support.program import StartedProgram
from tests.support.scrape import metric, metrics_port

pytestmark = [pytest.mark.integration, pytest.mark.slow]

DEADLINE_S = 60.0
SYMBOLS = ("SPY", "AAPL", "MSFT", "NVDA")
TARGETS = {"SPY": (0, 1, 2, 3), "AAPL": (1,), "MSFT": (1,), "NVDA": (2,)}
UNCERTAIN_TICKS = 500
HOLD_BYTES = 1024 * 1024
IMPATIENT = {
    "ROTASCOPE_ALPACA_KEY": "key",
    "ROTASCOPE_ALPACA_SECRET": "secret",
    "ROTASCOPE_KAFKA__DELIVERY_TIMEOUT_MS": "1500",
    "ROTASCOPE_KAFKA__REQUEST_TIMEOUT_MS": "1000",
    "ROTASCOPE_KAFKA__BOOTSTRAP_TIMEOUT_MS": "500",
}

REPLAY_KEYS = {"ROTASCOPE_ALPACA_KEY": "replay", "ROTASCOPE_ALPACA_SECRET": "replay"}

Frames = dict[int, list[tuple[FrameHeader, NDArray[np.void]]]]


@pytest.fixture
def vendor() -> Iterator[LiveVendor]:
    with LiveVendor(SYMBOLS).running() as vendor:
        yield vendor


def produce(kafka: LocalKafka, url: str, *arguments: str, generation: int = 1, **more: str) -> StartedProgram:
    return StartedProgram(
        "produce", "alpaca", "--url", url, "--codec", "json", "--metrics-port", "0",
        "--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(TEST_PARTITIONS), *arguments,
        environment=IMPATIENT | {"ROTASCOPE_KAFKA__TOPIC_GENERATION": str(generation)} | more,
    )  # fmt: skip


def make_generation(kafka: LocalKafka, *generations: int) -> None:
    topics = {f"rotascope.ticks.v{number}": TEST_PARTITIONS for number in generations}
    with connect(kafka.bootstrap_servers) as client:
        client.create_topics(
            {
                name: {"num_partitions": count, "replication_factor": -1, "configs": {}}
                for name, count in topics.items()
            },
            wait_for_metadata=True,
        )


def read_frames(kafka: LocalKafka, generation: int = 1) -> Frames:
    """Every frame of the log, by partition."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap_servers)
    try:
        places = [TopicPartition(f"rotascope.ticks.v{generation}", each) for each in range(TEST_PARTITIONS)]
        consumer.assign(places)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(places)
        frames: Frames = defaultdict(list)
        deadline = time.monotonic() + DEADLINE_S
        while any(consumer.position(place) < ends[place] for place in places):
            assert time.monotonic() < deadline
            for place, records in consumer.poll(timeout_ms=500).items():
                frames[place.partition] += [decode_frame(record.value) for record in records]
        return dict(frames)
    finally:
        consumer.close()


def as_a_worker_reads(frames: list[tuple[FrameHeader, NDArray[np.void]]]) -> tuple[NDArray[np.void], int]:
    """Records in order without repeats, and how many frames are missing by their sequences."""
    kept, expected, missing = [], 0, 0
    for header, ticks in frames:
        if header.sequence >= expected:
            missing += header.sequence - expected
            expected = header.sequence + 1
            kept.append(ticks)
    return np.concatenate(kept), missing


def trade_ids(records: NDArray[np.void]) -> list[int]:
    return [int(number) for number in records["trade_id"][records["kind"] == TickKind.TRADE]]


def wait_until_sent(program: StartedProgram, ticks: int) -> int:
    port = metrics_port(program)
    deadline = time.monotonic() + DEADLINE_S
    while metric(port, "rotascope_producer_frames_total") < TEST_PARTITIONS or (
        metric(port, "rotascope_producer_ticks_total") < ticks
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return port


@pytest.mark.usefixtures("kafka_with_topics")
def test_an_outage_costs_nothing_within_the_bounds_and_a_marked_stretch_beyond(
    kafka: LocalKafka, vendor: LiveVendor
) -> None:
    make_generation(kafka, 2, 3)
    with ExitStack() as stack:
        replay = stack.enter_context(
            StartedProgram(
                "replay", "serve", "bars", "--port", "0", "--speed", "1500", "--days", "2024-07-11"
            )
        )
        played = re.search(r"ws://\S+", replay.said("listening on"))
        assert played is not None
        held = stack.enter_context(produce(kafka, vendor.url))
        small = stack.enter_context(
            produce(kafka, vendor.url, generation=2, ROTASCOPE_PRODUCER__HOLD_MAX_BYTES=str(HOLD_BYTES))
        )
        ports = [wait_until_sent(program, 200) for program in (held, small)]
        recorded = stack.enter_context(
            produce(
                kafka, played[0], "--clock", "recorded", generation=3,
                ROTASCOPE_PRODUCER__BYTES_IN_FLIGHT_MAX=str(64 * 1024),
                **REPLAY_KEYS,
            )
        )  # fmt: skip
        recorded_port = wait_until_sent(recorded, 200)
        kafka.kill(1)
        for program in (held, small, recorded):
            program.said("no broker answers")
        deadline = time.monotonic() + DEADLINE_S
        while metric(ports[1], "rotascope_producer_hold_dropped_ticks_total") == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for port in (*ports, recorded_port):
            assert metric(port, "rotascope_producer_broker_connected") == 0
        assert metric(ports[1], "rotascope_producer_held_bytes") <= HOLD_BYTES + 64 * 1024
        assert 1 < time.time() - metric(ports[0], "rotascope_producer_held_oldest_timestamp_seconds") < 600
        kafka.restart(1)
        for program in (held, small):
            program.said("the broker acknowledges records again")
        dropped = metric(ports[1], "rotascope_producer_hold_dropped_ticks_total")
        gaps = metric(ports[1], "rotascope_producer_gaps_total", reason="hold_overflow")
        for program in (held, small):
            program.terminate()
            assert program.wait() == 0, program.errors
        assert recorded.wait() == 0, recorded.errors
        for program in (held, small, recorded):
            assert len([line for line in program.errors if "held" in line]) == 1, program.errors
    assert recorded.output[-1].startswith("end of recording: 3,")
    _is_whole(read_frames(kafka), live=True)
    _is_whole(read_frames(kafka, 3), live=False)
    _has_marked_stretches(read_frames(kafka, 2), int(dropped), int(gaps))


@pytest.mark.usefixtures("kafka_with_topics")
def test_a_killed_producer_is_taken_over_and_the_log_shows_it(kafka: LocalKafka, vendor: LiveVendor) -> None:
    with produce(kafka, vendor.url) as first:
        wait_until_sent(first, 200)
        first.process.kill()
        first.wait()
    with produce(kafka, vendor.url) as second:
        port = wait_until_sent(second, 200)
        assert metric(port, "rotascope_producer_gaps_total", reason="takeover") == 1
        second.terminate()
        assert second.wait() == 0
    assert second.output[-1].rstrip().endswith("1 gaps")
    log = read_frames(kafka)
    first_epoch, second_epoch = sorted({header.epoch for header, _ in log[0]})
    for partition, frames in log.items():
        (records, *_) = [ticks for header, ticks in frames if header.epoch == second_epoch]
        assert (records["kind"][0], records["trade_id"][0]) == (TickKind.GAP, GapCause.TAKEOVER), partition
    listed = StartedProgram(
        "ticks", "cat", "--until-end", "--partition", "1", "--format", "json",
        "--bootstrap-servers", kafka.bootstrap_servers,
    )  # fmt: skip
    with listed as program:
        assert program.wait() == 0
    assert sum('"gap_cause":"takeover"' in line for line in program.output) == 1
    (note,) = program.errors
    assert f"another producer took over, epoch {first_epoch} to {second_epoch}" in note
    with produce(kafka, vendor.url, "--epoch", str(second_epoch)) as third:
        assert third.wait() == 2
    assert any("is not higher than" in line for line in third.errors)


def expected_ids(ids: list[int], partition: int) -> set[int]:
    """What a partition receives of the vendor's trades between two ids."""
    of_symbol = [partition in TARGETS[symbol] for symbol in SYMBOLS]
    return {number for number in range(ids[0], ids[-1] + 1) if of_symbol[(number - 1) % len(SYMBOLS)]}


def _is_whole(frames: Frames, *, live: bool) -> None:
    """Nothing is missing, nothing is out of order, whatever repeats."""
    for partition in range(TEST_PARTITIONS):
        records, missing = as_a_worker_reads(frames[partition])
        assert missing == 0
        assert not np.any(records["kind"] == TickKind.GAP)
        marks = records["ts_event"][records["kind"] == TickKind.CLOCK]
        assert np.all(np.diff(marks) > 0)
        if live:
            ids = trade_ids(records)
            assert ids == sorted(expected_ids(ids, partition))


def _has_marked_stretches(frames: Frames, dropped: int, gaps: int) -> None:
    """Where frames are missing a gap mark stands, the clock behind it, and the figures agree."""
    lost = marked = 0
    for partition in range(TEST_PARTITIONS):
        records, missing = as_a_worker_reads(frames[partition])
        ids = trade_ids(records)
        assert ids == sorted(ids)
        lost += len(expected_ids(ids, partition) - set(ids))
        (places,) = np.nonzero(records["kind"] == TickKind.GAP)
        marked += len(places)
        assert set(records["trade_id"][places].tolist()) == {GapCause.HOLD_OVERFLOW}
        assert missing > 0
        for place in places.tolist():
            # A trade before the next mark needs none: the mark of its second came before the gap.
            after = records[place + 1 :]
            first_mark = int(np.argmax(after["kind"] == TickKind.CLOCK))
            before = records["ts_event"][:place][records["kind"][:place] == TickKind.CLOCK]
            early = after["ts_event"][:first_mark][after["kind"][:first_mark] == TickKind.TRADE]
            assert np.all(early // NANOSECONDS_PER_SECOND <= before[-1] // NANOSECONDS_PER_SECOND)
            assert after["ts_event"][first_mark] > before[-1]
    assert marked == gaps > 0
    # A frame whose acknowledgement the broker took with it is counted, but stands in the log.
    assert 0 < lost <= dropped <= lost + UNCERTAIN_TICKS
