"""Group membership and transactions of every transport, on a real Apache Kafka broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from consumers.transport.registry import TRANSPORTS, make_transport
from consumers.transport.seam import ChangeKind, Membership, Outcome, OutcomeKind, Transport
from core.kafka.records import Committed, OutgoingRecord
from core.model.errors import TransportError
from core.model.settings import KafkaSettings, WorkerSettings
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import MakeTopic
from tests.support.kafka_log import read
from tests.support.losing_proxy import END_TRANSACTION, LosingProxy, Lost

pytestmark = pytest.mark.integration

DEADLINE_S = 40.0
DEADLINE_MS = 10_000


@dataclass
class Member:
    """A transport, and which partitions the group has told it of."""

    transport: Transport
    held: set[int] = field(default_factory=set)
    kinds: list[ChangeKind] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)

    def poll(self) -> None:
        batches = self.transport.poll(50)
        for kind, partitions in self.transport.assignment_changes():
            self.kinds.append(kind)
            if kind is ChangeKind.ASSIGNED:
                self.held |= set(partitions)
            else:
                self.held -= set(partitions)
        self.values += [record.value for batch in batches.values() for record in batch]

    def membership(self) -> Membership:
        membership = self.transport.membership()
        assert membership is not None
        return membership


@dataclass
class Join:
    """Makes members of a group, and closes them after the test."""

    kafka: LocalKafka
    client: str
    made: list[Transport] = field(default_factory=list)

    def __call__(self, topic: str, **worker: Any) -> Member:
        member = Member(self.connect(**worker))
        member.transport.subscribe(topic)
        return member

    def connect(self, kafka: Mapping[str, object] | None = None, **worker: object) -> Transport:
        settings = KafkaSettings.model_validate(
            {"bootstrap_servers": self.kafka.bootstrap_servers, "client": self.client, **(kafka or {})}
        )
        transport = make_transport(
            settings, WorkerSettings.model_validate({"membership": "dynamic"} | worker)
        )
        self.made.append(transport)
        return transport


@pytest.fixture(params=TRANSPORTS)
def join(kafka: LocalKafka, request: pytest.FixtureRequest) -> Iterator[Join]:
    join = Join(kafka, request.param)
    yield join
    for transport in join.made:
        transport.close()


def _until(condition: Callable[[], bool], *members: Member) -> None:
    """Poll them all, each on a thread of its own, until the condition holds and the group is at rest."""
    deadline = time.monotonic() + DEADLINE_S
    done = threading.Event()

    def turn(member: Member) -> None:
        while not done.is_set():
            member.poll()

    def met() -> bool:
        return condition() and all(member.transport.membership() for member in members)

    with ThreadPoolExecutor(len(members)) as pool:
        turning = [pool.submit(turn, member) for member in members]
        try:
            while not met():
                assert time.monotonic() < deadline, [(m.held, m.kinds) for m in members]
                assert not any(each.done() for each in turning), turning
                time.sleep(0.01)
        finally:
            done.set()


def _seen(kafka: LocalKafka, topic: str) -> list[bytes]:
    """What a read_committed reader sees."""
    return [record.value for record in read(kafka, [topic])]


def _records(topic: str, *values: bytes) -> list[OutgoingRecord]:
    return [OutgoingRecord(topic, None, value, (("n", b"1"),), 0) for value in values]


def _committed(transport: Transport, sends: list[OutgoingRecord], offset: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while (outcome := transport.transact(sends, {0: Committed(offset, "")}, None, 2_000)).kind is not (
        OutcomeKind.COMMITTED
    ):
        assert outcome.kind is OutcomeKind.ABORTED
        assert time.monotonic() < deadline, outcome


def test_members_share_the_partitions_and_hand_them_on(join: Join, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=4)
    first = join(topic, group_id="sharing")
    _until(lambda: first.held == {0, 1, 2, 3}, first)
    alone = first.membership()
    second = join(topic, group_id="sharing")
    _until(lambda: len(first.held) == len(second.held) == 2, first, second)
    assert first.held | second.held == {0, 1, 2, 3}
    assert first.kinds == [ChangeKind.ASSIGNED, ChangeKind.REVOKED]
    assert first.membership().member_id == alone.member_id
    assert first.membership().generation > alone.generation
    second.transport.close()
    _until(lambda: first.held == {0, 1, 2, 3}, first)


def test_an_assigned_partition_is_silent_until_it_is_sought(join: Join, make_topic: MakeTopic) -> None:
    topic = make_topic()
    member = join(topic, group_id="silent")
    _until(lambda: member.held == {0}, member)
    outcome = member.transport.transact(
        _records(topic, b"tick"), {0: Committed(0, "")}, member.membership(), DEADLINE_MS
    )
    assert outcome.kind is OutcomeKind.COMMITTED
    for _ in range(5):
        member.poll()
    assert member.values == []
    member.transport.seek(0, 0)
    _until(lambda: member.values == [b"tick"], member)


def test_records_and_offsets_are_committed_together(
    kafka: LocalKafka, join: Join, make_topic: MakeTopic
) -> None:
    topic, output = make_topic(), make_topic()
    member = join(topic, group_id="together")
    _until(lambda: member.held == {0}, member)
    for number in range(3):
        outcome = member.transport.transact(
            _records(output, b"%d" % number, b"+"),
            {0: Committed(number + 1, f"n{number}")},
            member.membership(),
            DEADLINE_MS,
        )
        assert outcome == Outcome(OutcomeKind.COMMITTED)
    assert _seen(kafka, output) == [b"0", b"+", b"1", b"+", b"2", b"+"]
    assert member.transport.committed(0) == Committed(3, "n2")


def test_a_membership_from_before_a_rebalance_commits_nothing(
    kafka: LocalKafka, join: Join, make_topic: MakeTopic
) -> None:
    """eos.md 1: read again at the commit it would be accepted, and both owners' events with it."""
    topic, output = make_topic(partitions=2), make_topic()
    member = join(topic, group_id="moved-on")
    _until(lambda: member.held == {0, 1}, member)
    stale = member.membership()
    other = join(topic, group_id="moved-on")
    _until(lambda: len(member.held) == len(other.held) == 1, member, other)
    partition = min(other.held)
    outcome = member.transport.transact(
        _records(output, b"late"), {partition: Committed(5, "")}, stale, DEADLINE_MS
    )
    assert outcome.kind is OutcomeKind.FENCED
    kept = min(member.held)
    outcome = member.transport.transact(
        _records(output, b"in time"), {kept: Committed(7, "")}, member.membership(), DEADLINE_MS
    )
    assert outcome.kind is OutcomeKind.COMMITTED
    assert _seen(kafka, output) == [b"in time"]
    assert other.transport.committed(partition) is None, "an aborted offset must not come with the next"
    assert member.transport.transact([], {}, None, DEADLINE_MS).kind is OutcomeKind.FENCED


def test_a_send_that_expires_aborts_the_whole_transaction(
    kafka: LocalKafka, join: Join, make_topic: MakeTopic
) -> None:
    """eos.md 2: the client reports success for a commit without the record."""
    topic, output = make_topic(), make_topic()
    transport = join.connect(
        {"delivery_timeout_ms": 1_000, "request_timeout_ms": 500}, group_id="expiry", membership="manual"
    )
    transport.assign(topic, [0])
    _committed(transport, _records(output, b"before"), 1)
    kafka.pause(1)
    try:
        outcome = transport.transact(_records(output, b"expires"), {0: Committed(2, "")}, None, 3_000)
    finally:
        kafka.resume(1)
    assert outcome.kind is OutcomeKind.ABORTED
    _committed(transport, _records(output, b"expires", b"after"), 3)
    assert _seen(kafka, output) == [b"before", b"expires", b"after"]


def test_a_broker_that_stands_still_holds_nobody_past_the_deadline(
    kafka: LocalKafka, join: Join, make_topic: MakeTopic
) -> None:
    """eos.md 4: the client's own calls have no time-out."""
    topic, output = make_topic(), make_topic()
    transport = join.connect(group_id="deadline", membership="manual")
    transport.assign(topic, [0])
    _committed(transport, _records(output, b"before"), 1)
    kafka.pause(1)
    try:
        started = time.monotonic()
        outcome = transport.transact([], {0: Committed(2, "")}, None, 500)
        assert time.monotonic() - started < 5
        assert outcome.kind is OutcomeKind.ABORTED
        with pytest.raises(TransportError, match="transactional producer") as raised:
            transport.rebuild_producer(500)
        assert raised.value.retriable
    finally:
        kafka.resume(1)
    _committed(transport, _records(output, b"after"), 2)
    assert transport.committed(0) == Committed(2, "")


@pytest.mark.parametrize("lost", Lost)
def test_a_commit_that_nobody_heard_of_is_looked_up(
    kafka: LocalKafka, join: Join, make_topic: MakeTopic, lost: Lost
) -> None:
    """eos.md 4: whether the question or its answer was lost looks alike; only one of them committed."""
    topic, output = make_topic(), make_topic()
    with LosingProxy(kafka.port(1)) as proxy:
        way = {"bootstrap_servers": f"127.0.0.1:{proxy.port}"}
        transport = join.connect(way, group_id=f"lost-{lost}", membership="manual")
        transport.assign(topic, [0])
        _committed(transport, _records(output, b"before"), 1)
        with proxy.losing(END_TRANSACTION, lost):
            outcome = transport.transact(_records(output, b"in doubt"), {0: Committed(2, "")}, None, 1_000)
        assert (outcome.kind, proxy.lost) == (OutcomeKind.UNKNOWN, 1)
        transport.rebuild_producer(DEADLINE_MS)
        came = lost is Lost.ANSWER
        assert transport.committed(0) == Committed(2 if came else 1, "")
        if not came:
            _committed(transport, _records(output, b"in doubt"), 2)
        _committed(transport, _records(output, b"after"), 3)
        assert _seen(kafka, output) == [b"before", b"in doubt", b"after"]


def test_a_second_worker_under_the_same_name_is_told_apart_from_a_slow_one(
    kafka: LocalKafka, join: Join, make_topic: MakeTopic
) -> None:
    topic, output = make_topic(), make_topic()
    twins = [join.connect(group_id="twins", membership="manual") for _ in range(2)]
    for twin in twins:
        twin.assign(topic, [0])
        twin.rebuild_producer(DEADLINE_MS)
    outcome = twins[0].transact(_records(output, b"x"), {0: Committed(1, "")}, None, DEADLINE_MS)
    assert outcome.kind is OutcomeKind.ABORTED

    def fight() -> None:
        for twin in twins * 20:
            twin.transact(_records(output, b"x"), {0: Committed(1, "")}, None, DEADLINE_MS)

    with pytest.raises(TransportError, match="fenced by another producer") as raised:
        fight()
    assert not raised.value.retriable
    assert "slot of its own" in str(raised.value)


def test_a_new_member_after_a_rebuild_has_lost_everything(join: Join, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=2)
    member = join(topic, group_id="rebuilt")
    _until(lambda: member.held == {0, 1}, member)
    before = member.membership()
    member.transport.rebuild_consumer()
    assert member.transport.membership() is None
    member.kinds.clear()
    _until(lambda: member.kinds == [ChangeKind.LOST, ChangeKind.ASSIGNED], member)
    assert member.held == {0, 1}
    assert member.membership().member_id != before.member_id


def test_a_static_member_comes_back_to_its_partitions(join: Join, make_topic: MakeTopic) -> None:
    topic = make_topic(partitions=2)
    group = {"group_id": "fixed", "membership": "static", "slot": "worker-0"}
    member = join(topic, **group)
    _until(lambda: member.held == {0, 1}, member)
    generation = member.membership().generation
    member.transport.close()
    again = join(topic, **group)
    _until(lambda: again.held == {0, 1}, again)
    assert again.membership().generation == generation, "no rebalance"
