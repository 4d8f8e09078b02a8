"""One transaction over a producer that fails where the test wants it to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka.errors import (
    CommitFailedError,
    KafkaError,
    ProducerFencedError,
    TopicAuthorizationFailedError,
)

from consumers.transport.kafka_python_transactions import KafkaPythonTransactions
from consumers.transport.seam import Outcome, OutcomeKind
from core.kafka.records import OutgoingRecord
from core.model.errors import TransportError
from core.model.settings import KafkaSettings

RECORDS = [OutgoingRecord("events", b"key", b"value", (), None), OutgoingRecord("bars", None, b"bar", (), 3)]
DEADLINE_MS = 20_000
SHORT_MS = 50


@dataclass
class Future:
    exception: KafkaError | None = None
    is_done: bool = True


@dataclass
class Metadata:
    """What a producer knows of topics: those that it was to know when it asked."""

    wanted: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    asked: int = 0
    answers: bool = True
    under_way: bool = False
    """A question is on its way that names no topic yet; it answers the next one as well."""

    def request_update(self) -> Answer:
        self.asked += 1
        if not self.under_way:
            self.known = set(self.wanted)
        self.under_way = False
        return Answer(self.answers)

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0} if topic in self.known else None


@dataclass
class Answer:
    comes: bool

    def add_both(self, call: Callable[[object], None]) -> None:
        if self.comes:
            call(self)


@dataclass
class Sender:
    metadata: Metadata
    forced: bool = False

    def force_close(self) -> None:
        self.forced = True

    def add_topic(self, topic: str) -> None:
        self.metadata.wanted.add(topic)

    def wakeup(self) -> None:
        pass


@dataclass
class Manager:
    """Keeps the error of a transaction until it is aborted."""

    last_error: KafkaError | None

    def is_transactional(self) -> bool:
        return False


@dataclass
class Producer:
    """Writes down what it is told, and raises or hangs at one step."""

    configuration: dict[str, Any]
    fails_at: dict[str, KafkaError]
    hangs_at: str
    failing_futures: bool
    _metadata: Metadata
    calls: list[str] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)
    _transaction_manager: Manager | None = None

    def __post_init__(self) -> None:
        self._sender = Sender(self._metadata)

    def _step(self, name: str) -> None:
        self.calls.append(name)
        if name == self.hangs_at:
            self.closed.wait(DEADLINE_MS / 1000)
        if name in self.fails_at:
            raise self.fails_at[name]

    def init_transactions(self) -> None:
        self._step("init")

    def begin_transaction(self) -> None:
        self._step("begin")

    def send(self, topic: str, **_: object) -> Future:
        self._step(f"send {topic}")
        return Future(KafkaError("expired") if self.failing_futures and topic == "bars" else None)

    def flush(self, timeout: float) -> None:
        self._step("flush")

    def send_offsets_to_transaction(self, offsets: object, group: object) -> None:
        self._step("offsets")

    def commit_transaction(self) -> None:
        self._step("commit")

    def abort_transaction(self) -> None:
        if self._transaction_manager is not None:
            self._transaction_manager.last_error = None
        self._step("abort")

    def close(self, timeout: float) -> None:
        self.closed.set()


@dataclass
class Rig:
    """Transactions, and every producer they made; faults belong to the next one that is made."""

    fails_at: dict[str, KafkaError] = field(default_factory=dict)
    hangs_at: str = ""
    failing_futures: bool = False
    manager: Manager | None = None
    metadata: Metadata = field(default_factory=Metadata)
    made: list[Producer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.transactions = KafkaPythonTransactions(
            KafkaSettings(),
            transactional_id="group/slot",
            timeout_ms=10_000,
            client_id="test",
            make_producer=self._make,
        )

    def _make(self, **configuration: object) -> Producer:
        self.made.append(
            Producer(
                configuration,
                self.fails_at,
                self.hangs_at,
                self.failing_futures,
                self.metadata,
                _transaction_manager=self.manager,
            )
        )
        self.fails_at, self.hangs_at, self.failing_futures = {}, "", False
        return self.made[-1]

    def transact(self, deadline_ms: int = DEADLINE_MS) -> Outcome:
        return self.transactions.transact(RECORDS, {"place": 7}, "group", deadline_ms)


WHOLE = ["begin", "send events", "send bars", "flush", "offsets", "commit"]


def test_a_producer_lives_on_from_commit_to_commit() -> None:
    rig = Rig()
    assert [rig.transact().kind for _ in range(2)] == [OutcomeKind.COMMITTED] * 2
    assert [producer.calls for producer in rig.made] == [["init", *WHOLE, *WHOLE]]
    configuration = rig.made[0].configuration
    assert configuration["transactional_id"] == "group/slot"
    assert configuration["transaction_timeout_ms"] == 10_000
    assert configuration["enable_idempotence"] is True


@pytest.mark.parametrize(("under_way", "asked"), [(False, 1), (True, 2)])
def test_a_new_producer_asks_for_all_its_topics_at_once(under_way: bool, asked: int) -> None:
    rig = Rig(metadata=Metadata(under_way=under_way))
    rig.transactions.topics = ("events", "bars")
    assert rig.transact().kind is OutcomeKind.COMMITTED
    metadata = rig.made[0]._metadata
    assert (metadata.known, metadata.asked) == ({"events", "bars"}, asked)


def test_nothing_depends_on_the_answer_about_topics() -> None:
    rig = Rig(metadata=Metadata(answers=False))
    rig.transactions.topics = ("events", "bars")
    assert rig.transact().kind is OutcomeKind.COMMITTED
    assert rig.made[0].calls == ["init", *WHOLE]


def test_a_record_that_was_not_acknowledged_aborts() -> None:
    """eos.md 2: the commit would report success without it."""
    rig = Rig(failing_futures=True)
    outcome = rig.transact()
    assert outcome.kind is OutcomeKind.ABORTED
    assert "1 records not acknowledged; the first: bars: KafkaError('expired')" in outcome.reason
    assert rig.made[0].calls == ["init", "begin", "send events", "send bars", "flush", "abort"]


@pytest.mark.parametrize(
    ("step", "error", "kind"),
    [
        ("begin", KafkaError("x"), OutcomeKind.ABORTED),
        ("send bars", KafkaError("x"), OutcomeKind.ABORTED),
        ("flush", KafkaError("x"), OutcomeKind.ABORTED),
        ("offsets", KafkaError("x"), OutcomeKind.ABORTED),
        ("offsets", CommitFailedError("stale"), OutcomeKind.FENCED),
        ("commit", KafkaError("x"), OutcomeKind.UNKNOWN),
        ("commit", ProducerFencedError(), OutcomeKind.UNKNOWN),
    ],
)
def test_what_a_failure_says_of_the_outcome(step: str, error: KafkaError, kind: OutcomeKind) -> None:
    rig = Rig(fails_at={step: error})
    assert rig.transact().kind is kind
    assert "commit" not in rig.made[0].calls or step == "commit"


@pytest.mark.parametrize(
    ("step", "kind"),
    [("flush", OutcomeKind.ABORTED), ("offsets", OutcomeKind.ABORTED), ("commit", OutcomeKind.UNKNOWN)],
)
def test_a_step_that_hangs_is_given_up_at_the_deadline(step: str, kind: OutcomeKind) -> None:
    """eos.md 4."""
    rig = Rig(hangs_at=step)
    assert rig.transact(SHORT_MS).kind is kind
    assert rig.made[0].closed.wait(DEADLINE_MS / 1000), "the producer is closed, whoever hangs in it"
    assert rig.made[0]._sender.forced


@pytest.mark.parametrize("step", ["flush", "abort"])
def test_a_missing_right_is_named_although_the_client_raises_another_error_or_hangs(step: str) -> None:
    """Regression: the worker tried again until it was stopped, and named no right."""
    rig = Rig(manager=Manager(TopicAuthorizationFailedError({"bars"})), hangs_at=step)
    if step == "abort":
        rig.fails_at = {"send bars": KafkaError("a previous request has failed")}
    with pytest.raises(TransportError, match="this user may not write to bars") as raised:
        rig.transact(SHORT_MS)
    assert not raised.value.retriable
    assert "grant this user Write on bars" in str(raised.value.operator_action)
    assert rig.made[0].closed.wait(DEADLINE_MS / 1000), "the producer is never used again"


def test_a_missing_right_says_nothing_of_a_commit_that_was_sent() -> None:
    rig = Rig(manager=Manager(TopicAuthorizationFailedError({"bars"})), hangs_at="commit")
    assert rig.transact(SHORT_MS).kind is OutcomeKind.UNKNOWN


def test_a_producer_whose_transaction_failed_is_never_used_again() -> None:
    """kafka-python would send the aborted transaction's offsets with the next one."""
    rig = Rig(fails_at={"offsets": CommitFailedError("stale")})
    rig.transact()
    assert rig.transact().kind is OutcomeKind.COMMITTED
    assert [producer.calls[:2] for producer in rig.made] == [["init", "begin"]] * 2


def test_no_producer_is_no_commit() -> None:
    rig = Rig(fails_at={"init": KafkaError("no coordinator")})
    outcome = rig.transact()
    assert outcome.kind is OutcomeKind.ABORTED
    assert "no coordinator" in outcome.reason
    assert rig.made[0].closed.is_set()
    assert rig.transact().kind is OutcomeKind.COMMITTED


def test_a_rebuild_that_hangs_is_an_error_and_leaves_no_producer_behind() -> None:
    rig = Rig(hangs_at="init")
    with pytest.raises(TransportError, match="group/slot: no answer within 50 ms") as raised:
        rig.transactions.rebuild(SHORT_MS)
    assert raised.value.retriable
    rig.made[0].closed.set()
    rig.transactions.rebuild(DEADLINE_MS)
    rig.transactions.close()
    assert rig.made[1].closed.is_set()


def test_a_name_that_two_producers_fight_over_is_an_error_in_the_end() -> None:
    rig = Rig()

    def fight() -> None:
        for _ in range(10):
            rig.transactions.close()
            rig.fails_at = {"begin": ProducerFencedError()}
            assert rig.transact().kind is OutcomeKind.ABORTED

    with pytest.raises(TransportError, match="5 transactions within 60 s were fenced") as raised:
        fight()
    assert not raised.value.retriable
    assert len(rig.made) == 5
