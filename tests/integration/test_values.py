"""The values topic on Apache Kafka: `values cat` says what `study values` says, and every value once."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from core.kafka.records import Record
from core.model.frames import decode_frame
from core.model.records import NO_INSTRUMENT, VALUE, ValueFlag
from deploy.kafka.broker import LocalKafka
from deploy.kafka.cluster import apply, connect
from deploy.kafka.topics import load_topics
from producers.replay.demo import demo_daily
from tests.support.demo_log import RECENT_HISTORY, demo_log, demo_universe
from tests.support.kafka_broker import TEST_PARTITIONS, reset_topics
from tests.support.kafka_log import publish, read
from tests.support.study_command import CommandAnswer, command
from tests.support.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

VALUES = "rotascope.values.v1"
SHARDS = 3
DAYS = tuple(date(2024, 7, day) for day in (8, 9, 10, 11, 12, 15, 16, 17))
LEGS = ("RUT", "SPX", "QQQ", "SPY")
PAIRS = ("RUT/SPX", "QQQ/SPY")
SAID_BY_STUDY = {
    "return_pct": "return_1d_pct",
    "relative_21d_pp": "relative_21d_pp",
    "relative_63d_pp": "relative_63d_pp",
    "d50_sd": "ma50_distance_sd",
    "rsi": "rsi_14",
    "streak": "outperformance_streak_sessions",
}
"""Field of a line of `values cat` and the value of `study values`."""
MINUTES = 390
DELETION_S = 30.0


def consume(kafka: LocalKafka, *arguments: str, group: str, **settings: str) -> None:
    """Run a worker to the end of the log."""
    named = ("--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(TEST_PARTITIONS))
    environment = {"ROTASCOPE_KAFKA__VALUE_SHARDS": str(SHARDS), **settings}
    arguments = (*named, "--group-id", group, "--until", "idle", *arguments)
    with WorkerProcess(*arguments, environment=environment) as worker:
        assert worker.wait(deadline_s=400) == 0, worker.errors


def cat(kafka: LocalKafka, *arguments: str) -> CommandAnswer:
    """Run `values cat` to the end of the topic."""
    where = ("--bootstrap-servers", kafka.bootstrap_servers, "--until-end", "--format", "json")
    return command("values", "cat", *where, *arguments)


@pytest.fixture(scope="module")
def log() -> dict[int, tuple[bytes, ...]]:
    return demo_log(TEST_PARTITIONS, history_from=RECENT_HISTORY)


@pytest.fixture(scope="module")
def played(kafka: LocalKafka, log: dict[int, tuple[bytes, ...]]) -> LocalKafka:
    """The demo's days, worked off by one worker; the values are in three shards."""
    reset_topics(kafka)
    _delete_values(kafka)
    with connect(kafka.bootstrap_servers) as client:
        apply(client, load_topics(partitions=TEST_PARTITIONS, value_shards=SHARDS))
    publish(kafka, log)
    consume(kafka, group="values")
    return kafka


def _delete_values(kafka: LocalKafka) -> None:
    deadline = time.monotonic() + DELETION_S
    with connect(kafka.bootstrap_servers) as client:
        client.delete_topics([VALUES])
        while VALUES in client.list_topics():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def daily_files(folder: Path) -> Iterator[str]:
    """The demo's daily closes of the same history, as `study` takes them."""
    daily = demo_daily().filter(pl.col("session") >= RECENT_HISTORY)
    for symbol in LEGS:
        file = folder / f"{symbol}.csv"
        frame = daily.filter(pl.col("symbol") == symbol)
        frame.select(pl.col("session").alias("date"), "close").write_csv(file)
        yield from ("--bars", f"{symbol}={file}")


@pytest.mark.parametrize("pair", PAIRS)
def test_cat_prints_what_study_computes_for_the_sessions_of_the_demo(
    played: LocalKafka, tmp_path: Path, pair: str
) -> None:
    """To the four bytes of a record: as float32, a figure differs by at most one unit in the last place.

    `study values` rounds to its own digits first, which may fall on the other side of a tie.
    """
    bars = list(daily_files(tmp_path))
    lines = {line["session"]: line for line in cat(played, "--pair", pair, "--sessions").lines}
    assert sorted(lines) == [str(day) for day in DAYS]
    for day in DAYS:
        answer = command(
            "study", "values", *bars, "--pair", pair, "--date", str(day), "--format", "json"
        )  # fmt: skip
        assert answer.code == 0, answer.err
        said = json.loads(answer.out)
        line = lines[str(day)]
        assert line["ts_event"] == said["knowable_time"]
        for name, of_study in SAID_BY_STUDY.items():
            expected = said["values"][of_study]
            assert line[name] is not None, (day, name)
            np.testing.assert_array_max_ulp(np.float32(line[name]), np.float32(expected), maxulp=1)


def test_every_pair_is_there_once_each_minute_and_session(played: LocalKafka) -> None:
    answer = cat(played)
    assert (answer.code, answer.err) == (0, "")
    pairs = {pair.name for pair in demo_universe().pairs}
    counts = Counter((line["pair"], line["kind"]) for line in answer.lines)
    assert {pair for pair, _ in counts} == pairs
    assert {counts[pair, "session"] for pair in pairs} == {len(DAYS)}
    assert {counts[pair, "minute"] for pair in pairs} == {len(DAYS) * MINUTES}
    places = Counter((line["pair"], line["kind"], line["ts_event"]) for line in answer.lines)
    assert set(places.values()) == {1}
    assert {line["shard"] for line in answer.lines} == {
        line["numerator_id"] % SHARDS for line in answer.lines
    }


def test_the_marks_of_a_partition_end_its_minutes_in_every_shard(played: LocalKafka) -> None:
    records = read(played, [VALUES])
    for shard in range(SHARDS):
        for partition in range(TEST_PARTITIONS):
            open_pairs, marks = 0, []
            for epoch, values in _frames(records, shard, partition):
                for value in values:
                    if int(value["instrument_id"]) != NO_INSTRUMENT:
                        open_pairs += 1
                        continue
                    assert int(value["volume"]) == open_pairs
                    assert int(value["price"]) == epoch
                    marks.append((epoch, int(value["flags"]) & int(ValueFlag.FINAL)))
                    open_pairs = 0
            assert open_pairs == 0
            assert len(marks) in (0, len(DAYS) * (MINUTES + 1))
            assert all(before < after for before, after in pairwise(marks))


def _frames(records: Sequence[Record], shard: int, partition: int) -> Iterator[tuple[int, Any]]:
    for record in records:
        header, values = decode_frame(record.value, VALUE)
        if (record.partition, header.source) == (shard, partition):
            yield header.epoch, values


def test_another_group_makes_the_same_bytes(played: LocalKafka) -> None:
    before = read(played, [VALUES])
    consume(played, group="values-again")
    both = Counter((record.partition, record.value) for record in read(played, [VALUES]))
    assert both == Counter({(record.partition, record.value): 2 for record in before})


def test_a_worker_without_values_writes_none(kafka: LocalKafka, log: dict[int, tuple[bytes, ...]]) -> None:
    reset_topics(kafka)
    publish(kafka, {partition: payloads[:400] for partition, payloads in log.items()})
    # The number of shards is not its business.
    consume(kafka, "--no-publish-values", group="silent", ROTASCOPE_KAFKA__VALUE_SHARDS="5")
    assert read(kafka, ["rotascope.bars.1m"])
    assert read(kafka, [VALUES]) == []
    answer = cat(kafka)
    assert (answer.code, answer.out, answer.err) == (0, "", "note: no values matched\n")


def test_another_number_of_shards_is_refused(kafka: LocalKafka) -> None:
    reset_topics(kafka)
    arguments = ("--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(TEST_PARTITIONS))
    with WorkerProcess(*arguments, environment={"ROTASCOPE_KAFKA__VALUE_SHARDS": "5"}) as worker:
        assert worker.wait() == 2
    assert "topic rotascope.values.v1 has 1 partitions, the settings say 5" in worker.errors
    assert "correct kafka.value_shards" in worker.errors


def test_a_cluster_without_the_topic_is_refused_at_the_start(kafka: LocalKafka) -> None:
    reset_topics(kafka)
    _delete_values(kafka)
    arguments = ("--bootstrap-servers", kafka.bootstrap_servers, "--partitions", str(TEST_PARTITIONS))
    with WorkerProcess(*arguments) as worker:
        assert worker.wait() == 2, worker.errors
    assert "topic 'rotascope.values.v1' does not exist" in worker.errors
    assert "rotascope topics apply" in worker.errors
    consume(kafka, "--no-publish-values", group="without-the-topic", ROTASCOPE_KAFKA__VALUE_SHARDS="1")
