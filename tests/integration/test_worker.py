"""The worker, as a process, against a real Apache Kafka broker: nothing lost, nothing doubled."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from kafka import KafkaAdminClient, TopicPartition

from consumers.transport.kafka_python import KafkaPythonTransport
from consumers.worker.state import Until, WorkerState
from consumers.worker.worker import Worker
from core.engine.step_output import StepOutput
from core.kafka.records import Record
from core.model.frames import decode_frame
from core.model.records import BAR, BarFlag
from core.model.settings import KafkaSettings, WorkerSettings
from deploy.kafka.broker import LocalKafka
from tests.support.demo_log import RECENT_HISTORY, demo_log
from tests.support.engine_events import engine_event_ids
from tests.support.fake_engine import FakeEngine, frame
from tests.support.kafka_broker import TEST_PARTITIONS
from tests.support.kafka_log import TICKS, Log, committed_offsets, event_ids, publish, read
from tests.support.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PARTITIONS = TEST_PARTITIONS
DEADLINE_S = 60.0
END_NS = 1_720_756_800_000_000_000
"""2024-07-12 04:00 UTC: the first four of the demo's eight days."""
SESSIONS = 4
FLUSH_RECORDS = 64
"""Small frames, so that there are many places at which to be killed."""


@pytest.fixture(scope="module")
def log() -> Log:
    return demo_log(PARTITIONS, flush_records=FLUSH_RECORDS, before_ns=END_NS, history_from=RECENT_HISTORY)


@pytest.fixture(scope="module")
def expected_ids(log: Log) -> list[str]:
    ids = engine_event_ids(log, PARTITIONS)
    assert len(ids) == len(set(ids)) > 20
    return ids


def _arguments(kafka: LocalKafka, group_id: str, *more: str) -> list[str]:
    servers, partitions = kafka.bootstrap_servers, str(PARTITIONS)
    return ["--bootstrap-servers", servers, "--partitions", partitions, "--group-id", group_id, *more]


def test_every_event_of_four_partitions_is_published_once(
    kafka_with_topics: LocalKafka, log: Log, expected_ids: list[str]
) -> None:
    kafka = kafka_with_topics
    publish(kafka, log)
    with WorkerProcess(*_arguments(kafka, "calm", "--until", "idle")) as worker:
        assert worker.wait() == 0, worker.errors
    assert sorted(event_ids(kafka)) == sorted(expected_ids)
    assert committed_offsets(kafka, "calm") == {
        partition: len(payloads) for partition, payloads in log.items()
    }
    _check_bars(read(kafka, ["rotascope.bars.1m"]), read(kafka, ["rotascope.bars.1d"]))
    assert read(kafka, ["rotascope.dead-letters"]) == []


def _check_bars(minutes: list[Record], days: list[Record]) -> None:
    seen: dict[int, list[int]] = {partition: [] for partition in range(PARTITIONS)}
    marks = bars = 0
    for record in minutes:
        header, rows = decode_frame(record.value, BAR)
        assert header.source == record.partition
        seen[record.partition].append(header.sequence)
        complete = (rows["flags"] & BarFlag.COMPLETE_MARK) != 0
        marks += int(complete.sum())
        bars += int((~complete).sum())
    for sequences in seen.values():
        assert sequences == list(range(len(sequences)))
    assert marks >= PARTITIONS * (SESSIONS * 390 - 1), "only the minute of the first mark is no whole one"
    assert bars > 0
    keys = [record.key for record in days]
    # The mark that ends the last day would come with the next one.
    assert len(set(keys)) == len(keys) == 11 * (SESSIONS - 1)
    for record in days:
        _, rows = decode_frame(record.value, BAR)
        assert record.key is not None
        assert record.key.split(b"/")[0] == str(int(rows["instrument_id"][0])).encode()


def test_killed_twice_in_mid_stream_every_event_is_published_once(
    kafka_with_topics: LocalKafka, log: Log, expected_ids: list[str]
) -> None:
    kafka = kafka_with_topics
    publish(kafka, log)
    total = sum(len(payloads) for payloads in log.values())
    kills = 0
    for share in (0.4, 0.6):
        with WorkerProcess(*_arguments(kafka, "killed", "--slot", "0")) as worker:
            deadline = time.monotonic() + DEADLINE_S
            while sum(committed_offsets(kafka, "killed").values()) < share * total:
                assert worker.process.poll() is None, worker.errors
                assert time.monotonic() < deadline, "it made no progress"
            worker.kill()
        committed = sum(committed_offsets(kafka, "killed").values())
        assert committed < total, "it was killed too late to prove anything"
        kills += 1
    before = set(event_ids(kafka, after_a_kill=True))
    assert 0 < len(before) < len(expected_ids)
    with WorkerProcess(*_arguments(kafka, "killed", "--slot", "0", "--until", "idle")) as worker:
        assert worker.wait() == 0, worker.errors
    assert kills == 2
    assert sorted(event_ids(kafka)) == sorted(expected_ids)
    assert committed_offsets(kafka, "killed") == {
        partition: len(payloads) for partition, payloads in log.items()
    }


def test_frames_that_are_none_become_dead_letters_and_nothing_else_changes(
    kafka_with_topics: LocalKafka, log: Log, expected_ids: list[str]
) -> None:
    kafka = kafka_with_topics
    broken = {partition: list(payloads) for partition, payloads in log.items()}
    good = broken[1][-2]
    bad = {
        "length": good[:-1],
        "crc": good[:50] + bytes([good[50] ^ 1]) + good[51:],
        "version": b"\x07" + good[1:],
    }
    at = len(broken[1]) - 2
    broken[1][at:at] = list(bad.values())
    publish(kafka, broken)
    with WorkerProcess(*_arguments(kafka, "poisoned", "--until", "idle")) as worker:
        assert worker.wait() == 0, worker.errors
    assert sorted(event_ids(kafka)) == sorted(expected_ids)
    letters = [json.loads(record.value) for record in read(kafka, ["rotascope.dead-letters"])]
    assert [(x["topic"], x["partition"], x["offset"], x["reason"], x["payload_bytes"]) for x in letters] == [
        (TICKS, 1, at + number, reason, len(payload)) for number, (reason, payload) in enumerate(bad.items())
    ]


def test_sigterm_publishes_commits_and_exits_0_and_the_next_start_has_nothing_to_say(
    kafka_with_topics: LocalKafka, log: Log, expected_ids: list[str]
) -> None:
    kafka = kafka_with_topics
    publish(kafka, log)
    with WorkerProcess(*_arguments(kafka, "terminated")) as worker:
        worker.wait_until_ready()
        assert worker.terminate() == 0, worker.errors
    assert sorted(event_ids(kafka)) == sorted(expected_ids)
    with WorkerProcess(*_arguments(kafka, "terminated", "--until", "idle")) as worker:
        assert worker.wait() == 0, worker.errors
    assert sorted(event_ids(kafka)) == sorted(expected_ids)


def test_ends_at_an_event_time(kafka_with_topics: LocalKafka, log: Log, expected_ids: list[str]) -> None:
    """It stops soon after that moment, and the next start goes on from there."""
    kafka = kafka_with_topics
    publish(kafka, log)
    arguments = _arguments(kafka, "until", "--until", "2024-07-09T00:00:00Z")
    with WorkerProcess(*arguments) as worker:
        assert worker.wait() == 0, worker.errors
    stopped_at = committed_offsets(kafka, "until")
    assert all(stopped_at.values())
    assert sum(stopped_at.values()) < sum(len(payloads) for payloads in log.values())
    with WorkerProcess(*_arguments(kafka, "until", "--until", "idle")) as worker:
        assert worker.wait() == 0, worker.errors
    assert sorted(event_ids(kafka)) == sorted(expected_ids)


def test_a_log_that_lost_its_baseline_ends_with_its_own_exit_code(
    kafka_with_topics: LocalKafka, log: Log
) -> None:
    kafka = kafka_with_topics
    publish(kafka, {0: log[0][:20]})
    with WorkerProcess(*_arguments(kafka, "lost", "--until", "idle")) as worker:
        assert worker.wait() == 0, worker.errors
    transport = KafkaPythonTransport(
        KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), WorkerSettings(group_id="lost")
    )
    transport.assign(TICKS, [0])
    committed = transport.committed(0)
    transport.close()
    assert committed is not None
    baseline = int(json.loads(committed.metadata)["baseline"])
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    admin.delete_records({TopicPartition(TICKS, 0): baseline + 1})
    admin.close()
    with WorkerProcess(*_arguments(kafka, "lost", "--until", "idle")) as worker:
        assert worker.wait() == 3
        assert f"the log starts at {baseline + 1}" in worker.errors
        assert "Operator action" in worker.errors
    again = _arguments(kafka, "lost", "--until", "idle", "--missing-baseline", "rebuild")
    with WorkerProcess(*again) as worker:
        assert worker.wait() == 0, worker.errors


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--partitions", "5"], 2, "has 4 partitions, the settings say 5"),
        (["--partitions", "4", "--assign", "4"], 2, "are not all within 0 to 3"),
        (["--assign", "1", "--membership", "dynamic"], 2, "assigned partitions need membership 'manual'"),
        (["--membership", "static"], 2, "needs a slot"),
        (["--universe", "no-such-file.toml"], 2, "no-such-file.toml cannot be read"),
        (["--until", "yesterday"], 2, "neither 'idle' nor a time"),
    ],
)
def test_what_cannot_be_used_is_said_and_has_an_exit_code(
    kafka_with_topics: LocalKafka, arguments: list[str], code: int, says: str
) -> None:
    servers = kafka_with_topics.bootstrap_servers
    with WorkerProcess("--bootstrap-servers", servers, *arguments) as worker:
        assert worker.wait() == code
        assert says in worker.errors
        assert "Operator action" in worker.errors


def test_at_least_once_sends_that_fail_while_the_broker_stands_still_lose_nothing(
    kafka_with_topics: LocalKafka,
) -> None:
    """The outbox is kept over the failures, and every event is there at the end."""
    kafka = kafka_with_topics
    reached, frozen = threading.Event(), threading.Event()

    class Held(FakeEngine):
        """Steps the second half only when the broker is frozen."""

        def step(self, payload: bytes, offset: int) -> StepOutput:
            if offset == 30:
                reached.set()
                assert frozen.wait(DEADLINE_S)
            return super().step(payload, offset)

    settings = KafkaSettings(
        bootstrap_servers=kafka.bootstrap_servers,
        partitions=PARTITIONS,
        delivery_timeout_ms=1_000,
        request_timeout_ms=500,
    )
    state = WorkerState()
    worker_settings = WorkerSettings(
        group_id="stalled",
        membership="manual",
        delivery="at_least_once",
        flush_timeout_ms=3_000,
        backoff_initial_ms=50,
        backoff_max_ms=100,
    )
    worker = Worker(
        KafkaPythonTransport(settings, worker_settings),
        lambda partition, _: Held(partition, every=1),
        kafka=settings,
        settings=worker_settings,
        state=state,
    )
    frames = [frame([number + 1], sequence=number) for number in range(60)]
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(worker.run, Until(idle_ms=2_000))
        publish(kafka, {0: frames[:30]})
        _wait(lambda: state.counters.commits["committed"] > 0)
        publish(kafka, {0: frames[30:]})
        assert reached.wait(DEADLINE_S)
        kafka.pause(1)
        try:
            frozen.set()
            _wait(lambda: state.counters.commits["failed"] > 0)
        finally:
            kafka.resume(1)
        ended.result(DEADLINE_S)
    assert len(set(event_ids(kafka))) == 60
    assert committed_offsets(kafka, "stalled")[0] == 60


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
